package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/muxer"
	troupemplex "github.com/troupe-p2p/troupe/muxer/mplex"
	troupeyamux "github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	troupenoise "github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	troupetls "github.com/troupe-p2p/troupe/negotiate/tls"
)

// agent is what identify says of this program.
const agent = "troupe-transporttest"

// troupeNode is a Troupe host as a node.
type troupeNode struct{ host *host.Host }

// startTroupe starts the usual host with one security channel and one muxer. A
// dialer listens nowhere.
func startTroupe(ctx context.Context, s settings) (node, error) {
	var mux muxer.Factory
	switch s.muxer {
	case yamux:
		mux = troupeyamux.Factory(troupeyamux.Options{})
	case mplex:
		mux = troupemplex.Factory(troupemplex.PauseThenReset)
	default:
		return nil, fmt.Errorf("there is no muxer %q", s.muxer)
	}
	options := []host.Option{host.Agent(agent), host.Security(security(s)), host.Muxer(mux)}
	if s.dialer {
		options = append(options, host.NoListen())
	} else {
		options = append(options, host.Listen(listenAt(s.listen)))
	}
	h, err := host.New(ctx, options...)
	if err != nil {
		return nil, err
	}
	return &troupeNode{h}, nil
}

// security makes the secure channel as the usual host does: the handshake also
// agrees on yamux, where that is the muxer.
func security(s settings) func(peer.Key) negotiate.Security {
	return func(k peer.Key) negotiate.Security {
		switch early := s.muxer == yamux; {
		case s.security == tls && early:
			return troupetls.New(k, troupetls.Muxers(troupeyamux.ID))
		case s.security == tls:
			return troupetls.New(k)
		case early:
			return troupenoise.New(k, troupenoise.Muxers(troupeyamux.ID), troupenoise.NegotiateWithoutOverlap())
		default:
			return troupenoise.New(k)
		}
	}
}

// listenAt is any free TCP port of an address.
func listenAt(ip netip.Addr) string {
	if ip.Is4() {
		return fmt.Sprintf("/ip4/%s/tcp/0", ip)
	}
	return fmt.Sprintf("/ip6/%s/tcp/0", ip)
}

func (n *troupeNode) Addrs() []string {
	var all []string
	for _, a := range n.host.Multiaddrs() {
		all = append(all, a.String())
	}
	return all
}

func (n *troupeNode) Connect(ctx context.Context, to peer.Info) error { return n.host.Connect(ctx, to) }

func (n *troupeNode) Ping(ctx context.Context, to peer.ID) (time.Duration, error) {
	return ping.Ping(ctx, n.host.Swarm(), to)
}

func (n *troupeNode) Close() error { return n.host.Close() }

// String shows what runs in the host and whom it is connected with.
func (n *troupeNode) String() string { return n.host.Tree().String() }
