package gopeer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// errNoConnection says that there is no connection to use.
var errNoConnection = errors.New("no connection with this peer")

// identities collects what identify brings, by connection.
type identities struct {
	mu      sync.Mutex
	known   map[string]talk.Identity // by network.Conn.ID
	failed  map[peer.ID]error        // by peer: the event does not name the connection
	changed chan struct{}            // closed and replaced when anything is added
}

func newIdentities() *identities {
	return &identities{
		known:   map[string]talk.Identity{},
		failed:  map[peer.ID]error{},
		changed: make(chan struct{}),
	}
}

// collect files the events until the subscription is closed.
func (i *identities) collect(events event.Subscription) {
	for e := range events.Out() {
		i.mu.Lock()
		switch e := e.(type) {
		case event.EvtPeerIdentificationCompleted:
			i.known[e.Conn.ID()] = identityOf(e)
		case event.EvtPeerIdentificationFailed:
			i.failed[e.Peer] = e.Reason
		}
		close(i.changed)
		i.changed = make(chan struct{})
		i.mu.Unlock()
	}
}

// wait returns what is known about the connection's peer, as soon as it is known.
func (i *identities) wait(ctx context.Context, c network.Conn) (talk.Identity, error) {
	for {
		i.mu.Lock()
		id, ok := i.known[c.ID()]
		failure := i.failed[c.RemotePeer()]
		changed := i.changed
		i.mu.Unlock()
		switch {
		case ok:
			return id, nil
		case failure != nil:
			return talk.Identity{}, failure
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return talk.Identity{}, fmt.Errorf("no identify message: %w", context.Cause(ctx))
		}
	}
}

// forget drops the failures of a peer whose connections have ended.
func (i *identities) forget(p peer.ID) {
	i.mu.Lock()
	delete(i.failed, p)
	i.mu.Unlock()
}

func identityOf(e event.EvtPeerIdentificationCompleted) talk.Identity {
	id := talk.Identity{
		Agent:           e.AgentVersion,
		ProtocolVersion: e.ProtocolVersion,
		Local:           e.Conn.LocalMultiaddr().String(),
	}
	for _, p := range e.Protocols {
		id.Protocols = append(id.Protocols, string(p))
	}
	for _, a := range e.ListenAddrs {
		id.Listen = append(id.Listen, a.String())
	}
	if e.ObservedAddr != nil {
		id.Observed = e.ObservedAddr.String()
	}
	return id
}
