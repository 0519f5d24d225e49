package sim

import (
	"fmt"
	"net"
	"net/netip"
)

// A netPackets is a socket for datagrams as package net has them.
type netPackets struct {
	*PacketConn
	net *Net
}

// packets makes one, which the Net then watches over.
func (h *NetHost) packets(at netip.AddrPort) (*netPackets, error) {
	inner, err := h.transport.ListenPacket(at)
	if err != nil {
		return nil, err
	}
	return &netPackets{inner, h.net}, nil
}

// WriteTo sends a datagram; a loopback address, or none, is the host's own.
func (c *netPackets) WriteTo(p []byte, to net.Addr) (int, error) {
	if udp, ok := to.(*net.UDPAddr); ok && (udp.IP.IsLoopback() || udp.IP.IsUnspecified() || len(udp.IP) == 0) {
		to = &net.UDPAddr{IP: c.local.IP, Port: udp.Port}
	}
	return c.PacketConn.WriteTo(p, to)
}

// Close closes the socket and drops what has not been read.
func (c *netPackets) Close() error {
	c.net.gone(c)
	return c.PacketConn.Close()
}

// What a socket can be told of its buffers makes no difference here.

func (c *netPackets) SetReadBuffer(int) error  { return nil }
func (c *netPackets) SetWriteBuffer(int) error { return nil }

// A netDatagrams is a socket that knows one other.
type netDatagrams struct {
	*netPackets
	remote *net.UDPAddr
}

func (h *NetHost) dialPackets(to netip.AddrPort) (net.Conn, error) {
	p, err := h.packets(netip.AddrPortFrom(h.ip, 0))
	if err != nil {
		return nil, err
	}
	c := &netDatagrams{p, net.UDPAddrFromAddrPort(to)}
	h.net.opened(p, fmt.Sprintf("the socket of %s for %s", p.LocalAddr(), c.remote))
	return c, nil
}

func (h *NetHost) listenPacket(network, addr string) (net.PacketConn, error) {
	at, err := h.resolve(network, addr)
	if err != nil {
		return nil, err
	}
	if isTCP(network) {
		return nil, net.UnknownNetworkError(network)
	}
	p, err := h.packets(at)
	if err != nil {
		return nil, err
	}
	h.net.opened(p, fmt.Sprintf("the socket at %s", p.LocalAddr()))
	return p, nil
}

// Read waits for a datagram of the other one. Those of others are lost.
func (c *netDatagrams) Read(p []byte) (int, error) {
	for {
		n, from, err := c.ReadFrom(p)
		if err != nil {
			return 0, err
		}
		if udp := from.(*net.UDPAddr); udp.AddrPort() == c.remote.AddrPort() {
			return n, nil
		}
	}
}

// Write sends one.
func (c *netDatagrams) Write(p []byte) (int, error) { return c.WriteTo(p, c.remote) }

// RemoteAddr is the other one's address.
func (c *netDatagrams) RemoteAddr() net.Addr { return c.remote }
