package sim

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/troupe-p2p/troupe/transport"
)

// A NetHost is one host of a [Bubble]: what package net is to a program on a
// machine of its own. It has one IP address; the loopback addresses and the name
// localhost are other names of that.
type NetHost struct {
	net       *Net
	name      string
	ip        netip.Addr
	transport *Transport
}

// Name is the name that the host was made with.
func (h *NetHost) Name() string { return h.name }

// IP is the host's address.
func (h *NetHost) IP() netip.Addr { return h.ip }

// Transport is the network for a Troupe host at this place:
//
//	h, err := host.New(n.T().Context(),
//		host.Transport(place.Transport()),
//		host.Listen("/ip4/"+place.IP().String()+"/tcp/4001"))
//
// It and whoever dials and listens here share the ports.
func (h *NetHost) Transport() *Transport { return h.transport }

// Dial opens a connection as [net.Dialer.DialContext] does. network is tcp, tcp4
// or tcp6, or udp, udp4 or udp6 for datagrams to and from one address only. addr is
// the name or the IP address of a host of the bubble, and a port.
//
// A TCP dial takes a round trip, asks again when it hears nothing, and ends with
// ctx at the latest. The connection has the methods of a [net.TCPConn] that
// libraries look for: CloseWrite, SetLinger (0 makes Close a reset), SetNoDelay,
// SetKeepAlive and SetKeepAlivePeriod, of which the last three change nothing. A
// Write waits when LinkConfig.Window bytes are on their way or unread.
//
// Errors are [*net.OpError] as from the operating system: [syscall.ECONNREFUSED]
// when nobody listens there, [syscall.ECONNRESET] and [syscall.EPIPE] on a
// connection that the other end has ended, [net.DNSError] for a name that no host
// has, the cause of ctx.
func (h *NetHost) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := h.dial(ctx, network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Addr: h.addr(network, addr), Err: systemError("connect", err)}
	}
	return c, nil
}

func (h *NetHost) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	to, err := h.resolve(network, addr)
	if err != nil {
		return nil, err
	}
	if to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(h.ip, to.Port())
	}
	if !isTCP(network) {
		return h.dialPackets(to)
	}
	link, err := h.transport.Dial(ctx, transport.FromTCP(to), "")
	if err != nil {
		return nil, err
	}
	return h.net.stream(link), nil
}

// Listen begins to accept TCP connections as [net.Listen] does. addr has the
// host's own address, the unspecified one or none, and a port; 0 picks a free one.
//
// Errors are [*net.OpError] with [syscall.EADDRINUSE] or [syscall.EADDRNOTAVAIL].
func (h *NetHost) Listen(network, addr string) (net.Listener, error) {
	l, err := h.listen(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: h.addr(network, addr), Err: systemError("bind", err)}
	}
	return l, nil
}

func (h *NetHost) listen(network, addr string) (net.Listener, error) {
	at, err := h.resolve(network, addr)
	if err != nil {
		return nil, err
	}
	if !isTCP(network) {
		return nil, net.UnknownNetworkError(network)
	}
	l, err := h.transport.Listen(context.Background(), transport.FromTCP(at))
	if err != nil {
		return nil, err
	}
	return h.net.listener(l), nil
}

// ListenPacket begins to receive datagrams as [net.ListenPacket] does. network is
// udp, udp4 or udp6, addr as for [NetHost.Listen].
//
// A datagram that is larger than the link's MTU, finds its queue full, or that
// chance takes, is lost, and nobody learns of it; one that nobody listens for is
// lost as well. A WriteTo does not wait.
func (h *NetHost) ListenPacket(network, addr string) (net.PacketConn, error) {
	p, err := h.listenPacket(network, addr)
	if err != nil {
		return nil, &net.OpError{Op: "listen", Net: network, Addr: h.addr(network, addr), Err: systemError("bind", err)}
	}
	return p, nil
}

// resolve reads an address: what it means to this host.
func (h *NetHost) resolve(network, addr string) (netip.AddrPort, error) {
	switch network {
	case "tcp", "udp":
	case "tcp4", "tcp6", "udp4", "udp6":
		if h.ip.Is4() != (network[3] == '4') {
			return netip.AddrPort{}, &net.AddrError{Err: "no suitable address found", Addr: addr}
		}
	default:
		return netip.AddrPort{}, net.UnknownNetworkError(network)
	}
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return netip.AddrPort{}, err
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return netip.AddrPort{}, &net.AddrError{Err: "invalid port", Addr: addr}
	}
	ip, err := h.lookup(name)
	return netip.AddrPortFrom(ip, uint16(number)), err
}

// lookup returns the address that a name stands for.
func (h *NetHost) lookup(name string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip.IsLoopback() {
			return h.ip, nil
		}
		if ip.IsUnspecified() {
			return h.unspecified(), nil
		}
		return ip.Unmap(), nil
	}
	switch name {
	case "":
		return h.unspecified(), nil
	case "localhost":
		return h.ip, nil
	}
	ip, ok := h.net.find(name)
	if !ok {
		return ip, &net.DNSError{Err: "no host of the bubble has the name", Name: name, IsNotFound: true}
	}
	return ip, nil
}

func (h *NetHost) unspecified() netip.Addr {
	if h.ip.Is4() {
		return netip.IPv4Unspecified()
	}
	return netip.IPv6Unspecified()
}

// addr is an address for an error.
func (h *NetHost) addr(network, addr string) net.Addr {
	a, err := h.resolve(network, addr)
	if err != nil {
		return nil
	}
	if isTCP(network) {
		return net.TCPAddrFromAddrPort(a)
	}
	return net.UDPAddrFromAddrPort(a)
}

func isTCP(network string) bool { return strings.HasPrefix(network, "tcp") }

// String is the name and the address.
func (h *NetHost) String() string { return fmt.Sprintf("%s (%s)", h.name, h.ip) }
