package gopeer

import (
	"context"
	"net"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// A Net is where a host gets its TCP connections from, and where it listens. The
// zero value is the machine's own network at 127.0.0.1.
type Net struct {
	Dial   func(ctx context.Context, network, addr string) (net.Conn, error)
	Listen func(network, addr string) (net.Listener, error)
	At     string // a multiaddr
}

// transport is go-libp2p's TCP over the net. A dial from the listening port would
// make two connections in a row use the same pair of ports.
func (n Net) transport(up transport.Upgrader, limits network.ResourceManager) (transport.Transport, error) {
	if n.Dial == nil {
		return tcp.NewTCPTransport(up, limits, nil, tcp.DisableReuseport())
	}
	dialer := tcp.WithDialerForAddr(func(ma.Multiaddr) (tcp.ContextDialer, error) { return n, nil })
	inner, err := tcp.NewTCPTransport(up, limits, nil, tcp.DisableReuseport(), dialer)
	if err != nil {
		return nil, err
	}
	return &elsewhere{TcpTransport: inner, up: up, net: n}, nil
}

// DialContext is Dial, under the name by which go-libp2p knows it.
func (n Net) DialContext(ctx context.Context, network, addr string) (net.Conn, error) {
	return n.Dial(ctx, network, addr)
}

// elsewhere is the TCP transport with another way to listen: it has an option for
// another way to dial only.
type elsewhere struct {
	*tcp.TcpTransport
	up  transport.Upgrader
	net Net
}

// Listen listens there.
func (t *elsewhere) Listen(at ma.Multiaddr) (transport.Listener, error) {
	network, addr, err := manet.DialArgs(at)
	if err != nil {
		return nil, err
	}
	l, err := t.net.Listen(network, addr)
	if err != nil {
		return nil, err
	}
	wrapped, err := manet.WrapNetListener(l)
	if err != nil {
		return nil, err
	}
	return t.up.UpgradeGatedMaListener(t, t.up.GateMaListener(wrapped)), nil
}
