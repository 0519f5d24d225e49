package tcp

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
)

// A listener is a listening socket.
type listener struct {
	tcp        *net.TCPListener
	at         netip.AddrPort // with the real port
	interfaces func() ([]net.Addr, error)

	mu   sync.Mutex // guards cuts and each waiter; never held over a wait
	cuts int        // contexts that have ended while their Accept is still under way
}

// A waiter is one call of Accept.
type waiter struct{ cut, over bool }

// Accept waits for the next link, until ctx ends (its cause is returned) or the
// listener is closed ([net.ErrClosed]). Other errors are
// [*transport.AcceptError].
func (l *listener) Accept(ctx context.Context) (transport.Link, error) {
	if ctx.Err() != nil {
		return transport.Link{}, context.Cause(ctx)
	}
	w := &waiter{}
	stop := actor.AfterDone(ctx, func() { l.cut(w) })
	defer func() {
		stop()
		l.leave(w)
	}()
	for {
		conn, err := l.tcp.AcceptTCP()
		if err == nil {
			link, err := LinkOf(conn)
			if err != nil {
				return link, l.failed(err)
			}
			return link, nil
		}
		switch {
		case ctx.Err() != nil:
			return transport.Link{}, context.Cause(ctx)
		case errors.Is(err, net.ErrClosed):
			return transport.Link{}, net.ErrClosed
		case errors.Is(err, os.ErrDeadlineExceeded):
			// Somebody else's context has ended; the deadline goes with them.
		default:
			return transport.Link{}, l.failed(err)
		}
	}
}

// cut makes all Accepts look at their contexts, by a deadline in the past. It is
// called when the context of w has ended.
func (l *listener) cut(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if w.over {
		return
	}
	w.cut = true
	l.cuts++
	l.tcp.SetDeadline(time.Unix(1, 0))
}

// leave takes the deadline away when the last one that was cut has left.
func (l *listener) leave(w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w.over = true
	if !w.cut {
		return
	}
	l.cuts--
	if l.cuts == 0 {
		l.tcp.SetDeadline(time.Time{})
	}
}

func (l *listener) failed(err error) error {
	e := &transport.AcceptError{At: transport.FromTCP(l.at), Cause: err}
	for _, errno := range exhausted() {
		e.Exhausted = e.Exhausted || errors.Is(err, errno)
	}
	return e
}

// Addrs returns the address that is listened at. An unspecified one stands for
// those of the machine's interfaces as they are now, loopback included; without
// IPv6 addresses that are good on one wire only (link-local), because their
// zones mean nothing to others. If the interfaces cannot be read, the
// unspecified address is returned as it is.
func (l *listener) Addrs() []ma.Multiaddr {
	here := []ma.Multiaddr{transport.FromTCP(l.at)}
	if !l.at.Addr().IsUnspecified() {
		return here
	}
	nets, err := l.interfaces()
	if err != nil {
		return here
	}
	var ips []netip.Addr
	for _, n := range nets {
		ip, ok := ipOf(n)
		if ok && ip.Is4() == l.at.Addr().Is4() && !(ip.Is6() && ip.IsLinkLocalUnicast()) && !slices.Contains(ips, ip) {
			ips = append(ips, ip)
		}
	}
	var out []ma.Multiaddr
	for _, ip := range ips {
		out = append(out, transport.FromTCP(netip.AddrPortFrom(ip, l.at.Port())))
	}
	return out
}

// ipOf returns the address of an interface.
func ipOf(a net.Addr) (netip.Addr, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Addr{}, false
	}
	ip, ok := netip.AddrFromSlice(n.IP)
	return ip.Unmap(), ok
}

// Close stops accepting. Links that nobody has accepted are reset by the kernel.
// It may be called again, which does nothing.
func (l *listener) Close() error {
	if err := l.tcp.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
