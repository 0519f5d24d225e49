package sim

import (
	"context"
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// firstPort and lastPort are the ports that are picked where none was said (RFC
// 6335 section 6, dynamic ports).
const firstPort, lastPort = 49152, 65535

// CanDial reports whether the address is an IP address with a TCP port and
// nothing more.
func (t *Transport) CanDial(to ma.Multiaddr) bool {
	_, ok := transport.TCP(to)
	return ok
}

// CanListen reports the same.
func (t *Transport) CanListen(at ma.Multiaddr) bool { return t.CanDial(at) }

// Dial opens a connection. It takes one round trip; when the question is lost, or
// the listener's backlog is full, it is asked again after 1, 3, 7, 15, 31 and
// 63 s (RFC 6298 section 2.1; Linux, tcp_syn_retries), and never after that. It is
// refused after a round trip when nobody listens there. The end of ctx ends it.
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
	if ctx.Err() != nil {
		return transport.Link{}, context.Cause(ctx)
	}
	e, err := t.connect(ctx, there)
	if err != nil {
		return transport.Link{}, err
	}
	return transport.Link{Local: transport.FromTCP(e.local.AddrPort()), Remote: transport.FromTCP(there), Pipe: e}, nil
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
	case !t.has(a.Addr()):
		return nil, notLocal(t.ip)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	a = netip.AddrPortFrom(t.ip, a.Port())
	if a.Port() == 0 {
		a = t.pick()
	}
	if t.listeners[a.Port()] != nil {
		return nil, transport.ErrInUse
	}
	var l *mem.Listener
	l = mem.NewListener(t.ctx, func() { t.forget(a.Port(), l) }, transport.FromTCP(a))
	t.listeners[a.Port()] = l
	return l, nil
}

// forget takes a listener away, if it is still the one at the port.
func (t *Transport) forget(port uint16, l *mem.Listener) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listeners[port] == l {
		delete(t.listeners, port)
	}
}
