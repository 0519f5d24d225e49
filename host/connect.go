package host

import (
	"context"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// Connect makes sure that there is a connection with a peer. It dials when there
// is none: all addresses given and known, the first that works wins. It then
// waits until the peer has said which protocols it supports, or it is clear that
// it will not, which takes [identify.Timeout] at most: a stream for one of them
// is then opened without a round trip.
//
// Errors and waits are otherwise those of [swarm.Swarm.Connect]. A peer that
// cannot be identified is no error. When that is because the connection has ended,
// and no other took its place, Connect returns why, a [*conn.CloseError].
func (h *Host) Connect(ctx context.Context, to peer.Info) error {
	c, err := h.swarm.Connect(ctx, to)
	if err != nil {
		return err
	}
	return h.meet(ctx, c)
}

// Open opens a stream with a peer for the first of the protocols that it
// supports, and connects first when that is needed, as [Host.Connect] does. With
// a single protocol that the peer is known to support it does not wait for the
// peer's agreement. Errors and waits are those of Connect and of
// [swarm.Swarm.Open].
func (h *Host) Open(ctx context.Context, to peer.ID, want ...negotiate.Protocol) (*stream.Stream, error) {
	c := h.swarm.Conn(to)
	if c == nil {
		if err := h.Connect(ctx, peer.Info{ID: to}); err != nil {
			return nil, err
		}
	} else if err := h.meet(ctx, c); err != nil && ctx.Err() != nil {
		return nil, err // without a connection, the swarm makes another
	}
	return h.swarm.Open(ctx, to, want...)
}

// meet waits until the peer at the other end of a connection has said what it
// supports. Streams before that would wait for an agreement each, and more than
// ten of them make js-libp2p give up the connection: it takes that many before it
// has sorted itself out (@libp2p/utils, "maxEarlyStreams").
func (h *Host) meet(ctx context.Context, c *conn.Conn) error {
	if h.identify == nil || c.Known() != nil {
		return nil
	}
	_, err := h.identify.Wait(ctx, c.Peer())
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case c.Err() != nil && h.swarm.Conn(c.Peer()) == nil:
		return c.Err()
	}
	return nil
}
