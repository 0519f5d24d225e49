package main

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/gopeer"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// goNode is a go-libp2p host as a node: the same program, with another host in
// it. It stands in the tests so that nothing of go-libp2p is in the program.
type goNode struct{ *gopeer.Peer }

func startGo(_ context.Context, s settings) (node, error) {
	if here := netip.AddrFrom4([4]byte{127, 0, 0, 1}); s.listen != here {
		return nil, fmt.Errorf("go-libp2p's side listens at %v only, not at %v", here, s.listen)
	}
	p, err := gopeer.New(talk.Config{Security: s.security, Muxer: s.muxer})
	if err != nil {
		return nil, err
	}
	return goNode{p}, nil
}

func (n goNode) Connect(ctx context.Context, to peer.Info) error {
	return n.Peer.Connect(ctx, to.Multiaddrs()[0].String())
}

func (n goNode) Ping(ctx context.Context, to peer.ID) (time.Duration, error) {
	took, err := n.Peer.Ping(ctx, to.String(), 1)
	if err != nil {
		return 0, err
	}
	return took[0], nil
}
