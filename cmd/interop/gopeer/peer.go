package gopeer

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	ma "github.com/multiformats/go-multiaddr"
	"github.com/multiformats/go-multistream"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// Peer is a go-libp2p host behind talk.Peer.
type Peer struct {
	host       host.Host
	identities *identities
	events     interface{ Close() error }
	collector  sync.WaitGroup
}

var (
	_ talk.Peer      = (*Peer)(nil)
	_ talk.Versioned = (*Peer)(nil)
)

// New starts a host that listens on 127.0.0.1 and serves the handlers given. It
// fails with talk.ErrUnknownChoice if it does not have the security or the muxer.
func New(c talk.Config) (*Peer, error) { return NewOn(Net{}, c) }

// NewOn starts a host on a network of its own instead.
func NewOn(n Net, c talk.Config) (*Peer, error) {
	made, err := assemble(c, n)
	if err != nil {
		return nil, fmt.Errorf("go-libp2p: %w", err)
	}
	p := &Peer{host: made.host, identities: newIdentities(), events: made.events}
	p.collector.Go(func() { p.identities.collect(made.events) })
	return p, nil
}

// ID is the peer ID in its usual text form.
func (p *Peer) ID() string { return p.host.ID().String() }

// Agent is what identify says of this peer.
func (p *Peer) Agent() string { return agent }

// Addrs are the listen addresses, each with the peer ID.
func (p *Peer) Addrs() []string {
	var all []string
	for _, a := range p.host.Network().ListenAddresses() {
		all = append(all, a.String()+"/p2p/"+p.ID())
	}
	return all
}

// Connect dials. It returns when the connection is there and identify has ended,
// well or badly.
func (p *Peer) Connect(ctx context.Context, addr string) error {
	a, err := ma.NewMultiaddr(addr)
	if err != nil {
		return err
	}
	info, err := peer.AddrInfoFromP2pAddr(a)
	if err != nil {
		return err
	}
	return p.host.Connect(ctx, *info)
}

// Disconnect closes all connections with a peer. It does not wait for anything.
func (p *Peer) Disconnect(_ context.Context, id string) error {
	remote, err := peer.Decode(id)
	if err != nil {
		return err
	}
	p.identities.forget(remote)
	return p.host.Network().ClosePeer(remote)
}

// Connected says whether a connection with a peer is there.
func (p *Peer) Connected(_ context.Context, id string) (bool, error) {
	remote, err := peer.Decode(id)
	if err != nil {
		return false, err
	}
	return len(p.host.Network().ConnsToPeer(remote)) > 0, nil
}

// Versions are those of go-libp2p's modules in this program.
func (p *Peer) Versions() map[string]string {
	all := map[string]string{"go": runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return all
	}
	for _, m := range info.Deps {
		switch name := strings.TrimPrefix(m.Path, "github.com/"); name {
		case "libp2p/go-libp2p", "libp2p/go-mplex", "libp2p/go-yamux/v5", "multiformats/go-multistream":
			all[strings.Split(name, "/")[1]] = m.Version
		}
	}
	return all
}

// Open opens a stream on the connection that is there. With one protocol and
// without Eager it does what go-libp2p always does: if identify has said that
// the peer speaks the protocol, nothing is sent before the first read or write.
func (p *Peer) Open(ctx context.Context, id string, want talk.Want) (talk.Stream, error) {
	remote, err := peer.Decode(id)
	if err != nil {
		return nil, err
	}
	protocols := make([]protocol.ID, len(want.Protocols))
	for i, name := range want.Protocols {
		protocols[i] = protocol.ID(name)
	}
	ctx = network.WithNoDial(ctx, "the matrix looks at one connection")
	var s network.Stream
	if want.Eager {
		s, err = p.openAgreed(ctx, remote, protocols)
	} else {
		s, err = p.host.NewStream(ctx, remote, protocols...)
	}
	if err != nil {
		return nil, named(err)
	}
	return &stream{Stream: s}, nil
}

// openAgreed negotiates at once, in the order given. Host.NewStream would send
// no more than what identify says is spoken, and read the answer later.
func (p *Peer) openAgreed(ctx context.Context, remote peer.ID, protocols []protocol.ID) (network.Stream, error) {
	s, err := p.host.Network().NewStream(ctx, remote)
	if err != nil {
		return nil, err
	}
	if t, ok := ctx.Deadline(); ok {
		if err := s.SetDeadline(t); err != nil {
			_ = s.Reset()
			return nil, err
		}
	}
	agreed, err := multistream.SelectOneOf(protocols, s)
	if err == nil {
		err = s.SetProtocol(agreed)
	}
	if err == nil {
		err = s.SetDeadline(time.Time{})
	}
	if err != nil {
		_ = s.Reset()
		return nil, err
	}
	return s, nil
}

// Ping measures some round trips.
func (p *Peer) Ping(ctx context.Context, id string, n int) ([]time.Duration, error) {
	remote, err := peer.Decode(id)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(network.WithNoDial(ctx, "the matrix looks at one connection"))
	results := ping.Ping(ctx, p.host, remote)
	defer func() {
		cancel()
		for range results { // until the stream of pings has ended
		}
	}()
	var took []time.Duration
	for len(took) < n {
		r, ok := <-results
		switch {
		case !ok:
			return took, fmt.Errorf("no answer to the ping: %w", context.Cause(ctx))
		case r.Error != nil:
			return took, r.Error
		}
		took = append(took, r.RTT)
	}
	return took, nil
}

// Identify waits for the identify exchange of the connection with a peer.
func (p *Peer) Identify(ctx context.Context, id string) (talk.Identity, error) {
	remote, err := peer.Decode(id)
	if err != nil {
		return talk.Identity{}, err
	}
	conns := p.host.Network().ConnsToPeer(remote)
	if len(conns) == 0 {
		return talk.Identity{}, errNoConnection
	}
	return p.identities.wait(ctx, conns[len(conns)-1])
}

// Close stops the host and waits until it has stopped.
func (p *Peer) Close() error {
	err := p.host.Close()
	err = errors.Join(err, p.events.Close())
	p.collector.Wait()
	return err
}
