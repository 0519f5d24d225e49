package tcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// A Transport dials and listens over TCP. It holds no state but its options, and
// may be used from several goroutines.
type Transport struct {
	keepAlive  net.KeepAliveConfig
	interfaces func() ([]net.Addr, error)
}

// An Option changes how a transport is made.
type Option func(*Transport)

// KeepAlive sets the keep-alive probes of all sockets; Enable false turns them
// off. The default is that of package net.
func KeepAlive(config net.KeepAliveConfig) Option {
	return func(t *Transport) { t.keepAlive = config }
}

// New returns the transport.
func New(options ...Option) *Transport {
	t := &Transport{keepAlive: net.KeepAliveConfig{Enable: true}, interfaces: net.InterfaceAddrs}
	for _, o := range options {
		o(t)
	}
	return t
}

// CanDial reports whether the address is an IP address with a TCP port and
// nothing more.
func (t *Transport) CanDial(to ma.Multiaddr) bool {
	_, ok := transport.TCP(to)
	return ok
}

// CanListen reports the same.
func (t *Transport) CanListen(at ma.Multiaddr) bool { return t.CanDial(at) }

// Dial opens a link. It blocks until the remote machine has answered or ctx
// ends. Errors are [*transport.DialError] with [transport.ErrRefused], the cause
// of ctx, or a *net.OpError in the chain.
func (t *Transport) Dial(ctx context.Context, to ma.Multiaddr, _ peer.ID) (transport.Link, error) {
	link, err := t.dial(ctx, to)
	if err != nil {
		return transport.Link{}, &transport.DialError{Addr: to, Cause: err}
	}
	return link, nil
}

func (t *Transport) dial(ctx context.Context, to ma.Multiaddr) (transport.Link, error) {
	there, ok := transport.TCP(to)
	if !ok {
		return transport.Link{}, transport.ErrUnsupported
	}
	d := net.Dialer{KeepAliveConfig: t.keepAlive, KeepAlive: lengthOf(t.keepAlive)}
	conn, err := d.DialContext(endOf{ctx}, network(there), there.String())
	switch {
	case err == nil:
		return LinkOf(conn.(*net.TCPConn))
	case ctx.Err() != nil:
		return transport.Link{}, context.Cause(ctx)
	case errors.Is(err, errRefused):
		return transport.Link{}, fmt.Errorf("%w (%w)", transport.ErrRefused, err)
	}
	return transport.Link{}, err
}

// endOf is a context without its deadline. Package net would time a dial out by
// itself at that time, perhaps before the context has ended, and then there is
// no cause to tell. The end of the context ends the dial all the same.
type endOf struct{ context.Context }

// Deadline says that there is none.
func (endOf) Deadline() (time.Time, bool) { return time.Time{}, false }

// lengthOf is what package net wants beside a keep-alive that is off.
func lengthOf(c net.KeepAliveConfig) time.Duration {
	if c.Enable {
		return 0
	}
	return -1
}

// network names the family, so that an IPv6 socket takes IPv6 only.
func network(a netip.AddrPort) string {
	if a.Addr().Is4() {
		return "tcp4"
	}
	return "tcp6"
}

// LinkOf makes the link of a connection that is open, also of one that somebody
// else has opened. The link owns it, unless the error is not nil; then it is closed.
func LinkOf(c *net.TCPConn) (transport.Link, error) {
	link := transport.Link{Local: multiaddr(c.LocalAddr()), Remote: multiaddr(c.RemoteAddr()), Pipe: newPipe(c)}
	if link.Local == nil || link.Remote == nil {
		c.Close()
		return transport.Link{}, fmt.Errorf("the socket has the addresses %s and %s: %w", c.LocalAddr(), c.RemoteAddr(), transport.ErrUnsupported)
	}
	return link, nil
}

func multiaddr(a net.Addr) ma.Multiaddr {
	tcp, ok := a.(*net.TCPAddr)
	if !ok {
		return nil
	}
	return transport.FromTCP(tcp.AddrPort())
}

// Listen begins to accept links. With port 0 the kernel picks a free one.
// Errors are [*transport.ListenError] with [transport.ErrInUse],
// [transport.ErrNotLocal] or a *net.OpError in the chain.
func (t *Transport) Listen(ctx context.Context, at ma.Multiaddr) (transport.Listener, error) {
	l, err := t.listen(ctx, at)
	if err != nil {
		return nil, &transport.ListenError{Addr: at, Cause: err}
	}
	return l, nil
}

func (t *Transport) listen(ctx context.Context, at ma.Multiaddr) (*listener, error) {
	here, ok := transport.TCP(at)
	if !ok {
		return nil, transport.ErrUnsupported
	}
	c := net.ListenConfig{KeepAliveConfig: t.keepAlive, KeepAlive: lengthOf(t.keepAlive)}
	l, err := c.Listen(ctx, network(here), here.String())
	switch {
	case err == nil:
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, errInUse):
		return nil, fmt.Errorf("%w (%w)", transport.ErrInUse, err)
	case errors.Is(err, errNotLocal):
		return nil, fmt.Errorf("%w (%w)", transport.ErrNotLocal, err)
	case errors.Is(err, syscall.EACCES) && here.Port() < 1024 && here.Port() > 0:
		return nil, fmt.Errorf("ports below 1024 are for the system's administrator: choose a higher one (%w)", err)
	default:
		return nil, err
	}
	tcp := l.(*net.TCPListener)
	return &listener{tcp: tcp, at: tcp.Addr().(*net.TCPAddr).AddrPort(), interfaces: t.interfaces}, nil
}
