package identify

import (
	"net/netip"

	ma "github.com/multiformats/go-multiaddr"
)

// A scope is how far an address reaches.
type scope uint8

const (
	nowhere  scope = iota // unspecified, multicast: no address of a machine
	loopback              // the machine itself
	private               // a network at home or at work
	public
	elsewhere // not an IP address: a name, memory
)

// reaches reports whether an address of the scope a, told by somebody whose link
// comes from the scope s, can be meant for this host. go-libp2p leaves out the
// same (p2p/protocol/identify/id.go, filterAddrs). A remote that is far away can
// thereby not send this host to its neighbours or to itself.
func (s scope) reaches(a scope) bool {
	switch a {
	case nowhere:
		return false
	case loopback:
		return s == loopback || s == elsewhere
	case private:
		return s != public
	}
	return true
}

// sharedSpace is what providers use between themselves and their customers (RFC
// 6598).
var sharedSpace = netip.MustParsePrefix("100.64.0.0/10")

func scopeOf(a ma.Multiaddr) scope {
	ip, ok := ipOf(a)
	switch {
	case !ok:
		return elsewhere
	case ip.IsUnspecified(), ip.IsMulticast():
		return nowhere
	case ip.IsLoopback():
		return loopback
	case ip.IsPrivate(), ip.IsLinkLocalUnicast(), sharedSpace.Contains(ip):
		return private
	}
	return public
}

// ipOf is the IP address that an address begins with.
func ipOf(a ma.Multiaddr) (netip.Addr, bool) {
	for _, c := range a {
		switch c.Protocol().Code {
		case ma.P_IP6ZONE:
			continue
		case ma.P_IP4, ma.P_IP6:
			ip, ok := netip.AddrFromSlice(c.RawValue())
			return ip.Unmap(), ok
		}
		return netip.Addr{}, false
	}
	return netip.Addr{}, false
}

// networkOf names the network that an address belongs to: the /24 of IPv4, the
// /48 of IPv6, about what one owner has. Empty when it is no IP address.
func networkOf(a ma.Multiaddr) string {
	ip, ok := ipOf(a)
	if !ok {
		return ""
	}
	bits := 24
	if ip.Is6() {
		bits = 48
	}
	prefix, err := ip.WithZone("").Prefix(bits)
	if err != nil {
		return ""
	}
	return prefix.String()
}

// relayed reports whether an address goes through a relay.
func relayed(a ma.Multiaddr) bool {
	for _, c := range a {
		if c.Protocol().Code == ma.P_CIRCUIT {
			return true
		}
	}
	return false
}

// plausible reports whether an address at which a remote sees this host can be
// one of its listening address local: of the same make, an address of a machine,
// and not the loopback of somebody who is elsewhere.
func plausible(observed, local, remote ma.Multiaddr) bool {
	if len(observed) == 0 || len(observed) != len(local) || relayed(observed) || relayed(remote) {
		return false
	}
	for i := range observed {
		if observed[i].Protocol().Code != local[i].Protocol().Code {
			return false
		}
	}
	return scopeOf(remote).reaches(scopeOf(observed))
}
