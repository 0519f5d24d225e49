package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/troupe-p2p/troupe/transport"
)

// A DialMode is how a host takes those who dial it.
type DialMode uint8

const (
	// DialAnswer: as it should.
	DialAnswer DialMode = iota
	// DialRefuse: as if nobody listened.
	DialRefuse
	// DialIgnore: with silence.
	DialIgnore
	// DialReset: the connection is opened, and reset at once.
	DialReset
)

// connect opens a connection: a question, again when it got lost, and its answer.
func (t *Transport) connect(ctx context.Context, there netip.AddrPort) (*end, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	here := t.pick()
	e := t.newEnd(net.TCPAddrFromAddrPort(here), net.TCPAddrFromAddrPort(there), t.link(there.Addr()))
	e.dialing = true
	e.dial()
	for e.dialing {
		if err := e.readers.Wait(&t.mu, ctx, time.Time{}); err != nil {
			e.fail(err)
		}
		if e.dialing && ctx.Err() != nil {
			e.fail(context.Cause(ctx))
		}
	}
	if e.other != nil { // it was answered, whatever has become of it since
		return e, nil
	}
	return e, e.over
}

// dial asks, and arranges for asking again if there is no answer.
func (e *end) dial() {
	if f, ok := e.link.signal(); ok {
		e.host.ship(e.link, &packet{
			kind: packetDial, from: e, n: e.window,
			source: e.local.AddrPort(), port: e.remote.AddrPort(),
		}, f.at)
	}
	if e.vanished.vanished(e.host.now(), firstTimeout); e.vanished.tries <= maxDialResends {
		e.later(e.vanished.next)
	}
}

// dialed is asked for a connection.
func (t *Transport) dialed(p *packet) {
	dialer := p.from
	if e := dialer.twin; e != nil { // asked again: the answer may have been lost
		e.answer()
		return
	}
	if t.dials == DialIgnore {
		return
	}
	back := t.link(p.source.Addr())
	l := t.listeners[p.port.Port()]
	if t.dials == DialRefuse || t.dials == DialAnswer && l == nil {
		if f, ok := back.signal(); ok {
			t.ship(back, &packet{kind: packetRefusal, to: dialer}, f.at)
		}
		return
	}
	e := t.newEnd(net.TCPAddrFromAddrPort(p.port), net.TCPAddrFromAddrPort(p.source), back)
	e.other, e.theirs = dialer, p.n
	if t.dials == DialAnswer && !l.TryOffer(transport.Link{Local: transport.FromTCP(p.port), Remote: transport.FromTCP(p.source), Pipe: e}) {
		t.remove(e) // the backlog is full: it will be asked again
		return
	}
	dialer.twin = e
	e.answer()
	if t.dials == DialReset {
		e.sendReset(dialer)
		e.fail(net.ErrClosed)
	}
}

// answer says that a connection is accepted. If it gets lost, the question comes
// again.
func (e *end) answer() {
	if e.dead {
		e.sendReset(e.other)
		return
	}
	if f, ok := e.link.signal(); ok {
		e.shipInOrder(&packet{kind: packetAnswer, n: e.window}, f.at)
	}
}

// answered opens the dialing end: with the answer, or what came after it.
func (e *end) answered(p *packet) {
	e.dialing, e.other, e.theirs = false, p.from, p.from.window
	e.timer.Stop()
	e.vanished.through()
	e.readers.Wake()
}

// pick returns the next port that nobody listens at. The ports of connections
// come round again after some 16,000. The caller holds the host's lock.
func (t *Transport) pick() netip.AddrPort {
	for {
		a := netip.AddrPortFrom(t.ip, t.next)
		if t.next == lastPort {
			t.next = firstPort
		} else {
			t.next++
		}
		if t.listeners[a.Port()] == nil && t.sockets[a.Port()] == nil {
			return a
		}
	}
}

func notLocal(ip netip.Addr) error {
	return fmt.Errorf("%w (the host has %s only)", transport.ErrNotLocal, ip)
}

// has reports whether an address to listen at is the host's own or unspecified.
func (t *Transport) has(ip netip.Addr) bool {
	return ip == t.ip || ip.IsUnspecified() && ip.Is4() == t.ip.Is4()
}
