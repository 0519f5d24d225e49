package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// firstPort and lastPort are the ports that are picked where none was said (RFC
// 6335 section 6, dynamic ports).
const firstPort, lastPort = 49152, 65535

// A Transport is the network as one host has it.
type Transport struct {
	network *Network
	ip      netip.Addr
	next    uint16 // the next port to pick; the network's lock guards it
}

// CanDial reports whether the address is an IP address with a TCP port and
// nothing more.
func (t *Transport) CanDial(to ma.Multiaddr) bool {
	_, ok := transport.TCP(to)
	return ok
}

// CanListen reports the same.
func (t *Transport) CanListen(at ma.Multiaddr) bool { return t.CanDial(at) }

// Dial opens a connection. It takes one round trip, more when the listener's
// backlog is full, and without end when no host has the address. It is refused
// after a round trip when nobody listens there. The end of ctx ends it.
func (t *Transport) Dial(ctx context.Context, to ma.Multiaddr, _ peer.ID) (transport.Link, error) {
	link, err := t.dial(ctx, to)
	if err != nil {
		return transport.Link{}, &transport.DialError{Addr: to, Cause: err}
	}
	return link, nil
}

func (t *Transport) dial(ctx context.Context, to ma.Multiaddr) (transport.Link, error) {
	none := transport.Link{}
	there, ok := transport.TCP(to)
	if !ok {
		return none, transport.ErrUnsupported
	}
	if ctx.Err() != nil {
		return none, context.Cause(ctx)
	}
	n := t.network
	out, back := n.link(t.ip, there.Addr()), n.link(there.Addr(), t.ip)
	if err := out.cross(ctx); err != nil {
		return none, err
	}
	here, l, exists := n.meet(t, there)
	if !exists {
		return none, actor.NewSignal(n.ctx, "an answer of "+there.String()).Wait(ctx, time.Time{})
	}
	if l == nil {
		if err := back.cross(ctx); err != nil {
			return none, err
		}
		return none, transport.ErrRefused
	}
	a, b := mem.Pipe(n.ctx, mem.Options{
		Limit: max(out.window(), back.window()),
		A:     net.TCPAddrFromAddrPort(here), B: net.TCPAddrFromAddrPort(there),
		AtoB: out.delay, BtoA: back.delay,
	})
	mine := transport.Link{Local: transport.FromTCP(here), Remote: transport.FromTCP(there), Pipe: a}
	err := l.Offer(ctx, transport.Link{Local: mine.Remote, Remote: mine.Local, Pipe: b})
	if err == nil {
		err = back.cross(ctx)
	}
	if err != nil {
		a.Close()
		return none, err
	}
	return mine, nil
}

// meet returns the port that t dials from, who listens there, and whether there
// is such a host at all.
func (n *Network) meet(t *Transport, there netip.AddrPort) (here netip.AddrPort, l *mem.Listener, exists bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return t.pick(), n.listeners[there], n.hosts[there.Addr()] != nil
}

// pick returns the next port that nobody listens at. The ports of connections
// come round again after some 16,000. The caller holds the network's lock.
func (t *Transport) pick() netip.AddrPort {
	for {
		a := netip.AddrPortFrom(t.ip, t.next)
		if t.next == lastPort {
			t.next = firstPort
		} else {
			t.next++
		}
		if t.network.listeners[a] == nil {
			return a
		}
	}
}

// Listen begins to accept connections at the host's address or at the
// unspecified one, which is the same. Port 0 picks a free port.
func (t *Transport) Listen(_ context.Context, at ma.Multiaddr) (transport.Listener, error) {
	l, err := t.listen(at)
	if err != nil {
		return nil, &transport.ListenError{Addr: at, Cause: err}
	}
	return l, nil
}

func (t *Transport) listen(at ma.Multiaddr) (*mem.Listener, error) {
	a, ok := transport.TCP(at)
	switch {
	case !ok:
		return nil, transport.ErrUnsupported
	case a.Addr() != t.ip && (!a.Addr().IsUnspecified() || a.Addr().Is4() != t.ip.Is4()):
		return nil, fmt.Errorf("%w (the host has %s only)", transport.ErrNotLocal, t.ip)
	}
	n := t.network
	n.mu.Lock()
	defer n.mu.Unlock()
	a = netip.AddrPortFrom(t.ip, a.Port())
	if a.Port() == 0 {
		a = t.pick()
	}
	if n.listeners[a] != nil {
		return nil, transport.ErrInUse
	}
	l := mem.NewListener(n.ctx, func() { n.forget(a) }, transport.FromTCP(a))
	n.listeners[a] = l
	return l, nil
}

func (n *Network) forget(a netip.AddrPort) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, a)
}
