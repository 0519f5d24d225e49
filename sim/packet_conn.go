package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// unreadLimit is how many bytes of datagrams a socket holds that nobody has read:
// what Linux gives a socket (rmem_default). More are lost.
const unreadLimit = 212_992

// A PacketConn is a socket for datagrams at a host of the network: a
// [net.PacketConn] with UDP addresses. What is written leaves at once or is lost;
// it never waits.
type PacketConn struct {
	host  *Transport
	local *net.UDPAddr

	// The host's lock guards the rest.
	closed  bool
	queue   []*packet
	bytes   int // in queue
	readers mem.Crowd
	readEnd time.Time
}

var _ net.PacketConn = (*PacketConn)(nil)

// ListenPacket opens a socket for datagrams at a port of the host; 0 picks a free
// one, of those that no listener has either. Errors are [transport.ErrNotLocal]
// and [transport.ErrInUse].
func (t *Transport) ListenPacket(at netip.AddrPort) (*PacketConn, error) {
	if !t.has(at.Addr()) {
		return nil, notLocal(t.ip)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	at = netip.AddrPortFrom(t.ip, at.Port())
	if at.Port() == 0 {
		at = t.pick()
	}
	if t.sockets[at.Port()] != nil {
		return nil, transport.ErrInUse
	}
	c := &PacketConn{host: t, local: net.UDPAddrFromAddrPort(at), readers: mem.NewCrowd(t.ctx, "a datagram")}
	t.sockets[at.Port()] = c
	return c, nil
}

// ReadFrom waits for a datagram, until a deadline or Close. What does not fit into
// p is lost.
func (c *PacketConn) ReadFrom(p []byte) (int, net.Addr, error) {
	t := c.host
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		if err := c.wrong(); err != nil {
			return 0, nil, c.failed("read", nil, err)
		}
		if len(c.queue) > 0 {
			d := c.queue[0]
			c.queue[0] = nil
			c.queue = c.queue[1:]
			n := copy(p, d.bytes.Bytes())
			c.bytes -= d.bytes.Len()
			d.bytes.Release()
			return n, net.UDPAddrFromAddrPort(d.source), nil
		}
		c.queue = nil
		c.readers.Wait(&t.mu, context.Background(), c.readEnd)
	}
}

func (c *PacketConn) wrong() error {
	switch {
	case c.closed:
		return net.ErrClosed
	case !c.readEnd.IsZero() && !c.readEnd.After(actor.Now(c.host.ctx)):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// WriteTo sends a datagram to a *net.UDPAddr. It returns at once and without an
// error whatever becomes of it, except when it is larger than 64 KiB.
func (c *PacketConn) WriteTo(p []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, c.failed("write", to, fmt.Errorf("%T is no UDP address", to))
	}
	if len(p) > buf.MaxSize {
		return 0, c.failed("write", to, fmt.Errorf("%d bytes are over the limit of %d", len(p), buf.MaxSize))
	}
	there := udp.AddrPort()
	there = netip.AddrPortFrom(there.Addr().Unmap(), there.Port())
	t := c.host
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.closed {
		return 0, c.failed("write", to, net.ErrClosed)
	}
	l := t.link(there.Addr())
	for _, f := range l.step(linkEvent{kind: linkDatagram, n: len(p)}) {
		if f.kind != linkArrive {
			continue
		}
		d := buf.Copy(p)
		l.flip(d.Bytes(), f.flip)
		if f.twin {
			l.sent.Duplicated++
		}
		t.ship(l, &packet{kind: packetDatagram, bytes: d, source: c.local.AddrPort(), port: there}, f.at)
	}
	return len(p), nil
}

// datagram hands one to its socket. A port without one is as good as a full one.
func (t *Transport) datagram(p *packet) {
	c := t.sockets[p.port.Port()]
	if c == nil || c.bytes+p.bytes.Len() > unreadLimit {
		t.lose(p, LostByQueue)
		return
	}
	p.link.arrived.Delivered.add(1, p.bytes.Len())
	c.queue = append(c.queue, p)
	c.bytes += p.bytes.Len()
	c.readers.Wake()
}

// Close ends ReadFrom and drops what has not been read.
func (c *PacketConn) Close() error {
	t := c.host
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.closed {
		return nil
	}
	c.closed = true
	delete(t.sockets, uint16(c.local.Port))
	for _, p := range c.queue {
		p.bytes.Release()
	}
	c.queue = nil
	c.readers.Wake()
	return nil
}

// LocalAddr is the *net.UDPAddr of the socket.
func (c *PacketConn) LocalAddr() net.Addr { return c.local }

// SetDeadline is SetReadDeadline: a WriteTo never waits.
func (c *PacketConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetReadDeadline ends ReadFrom at t; the zero time never does.
func (c *PacketConn) SetReadDeadline(t time.Time) error {
	c.host.mu.Lock()
	defer c.host.mu.Unlock()
	if c.closed {
		return c.failed("set", nil, net.ErrClosed)
	}
	c.readEnd = t
	c.readers.Wake()
	return nil
}

// SetWriteDeadline means nothing: a WriteTo never waits.
func (c *PacketConn) SetWriteDeadline(time.Time) error { return nil }

func (c *PacketConn) failed(op string, to net.Addr, err error) error {
	return &net.OpError{Op: op, Net: "udp", Source: c.local, Addr: to, Err: err}
}
