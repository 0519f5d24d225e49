package transport

import (
	"net/netip"
	"strconv"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// IsDNS reports whether an address begins with a name that [Resolve] turns into
// IP addresses: /dns, /dns4 or /dns6. A /dnsaddr is none of them: it stands for
// whole addresses of peers.
func IsDNS(addr ma.Multiaddr) bool {
	if len(addr) == 0 {
		return false
	}
	switch addr[0].Protocol().Code {
	case ma.P_DNS, ma.P_DNS4, ma.P_DNS6:
		return true
	}
	return false
}

// TCP reads an address that is an IP address and a TCP port and nothing more:
// /ip4/A/tcp/P, /ip6/A/tcp/P, or /ip6zone/Z/ip6/A/tcp/P (the zone comes first:
// multiaddr, protocols.csv). A part /p2p/ID at the end is ignored.
//
// An IPv4 address in the clothes of an IPv6 one (::ffff:192.0.2.7) is refused,
// because a filter on IPv4 addresses would not see it.
func TCP(addr ma.Multiaddr) (netip.AddrPort, bool) {
	addr, _ = peer.SplitAddr(addr)
	zone := ""
	if len(addr) == 3 && addr[0].Protocol().Code == ma.P_IP6ZONE && addr[1].Protocol().Code == ma.P_IP6 {
		zone = addr[0].Value()
		addr = addr[1:]
	}
	if len(addr) != 2 || addr[1].Protocol().Code != ma.P_TCP {
		return netip.AddrPort{}, false
	}
	switch addr[0].Protocol().Code {
	case ma.P_IP4, ma.P_IP6:
	default:
		return netip.AddrPort{}, false
	}
	ip, ok := netip.AddrFromSlice(addr[0].RawValue())
	if !ok || ip.Is4In6() {
		return netip.AddrPort{}, false
	}
	port, err := strconv.ParseUint(addr[1].Value(), 10, 16)
	if err != nil {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(ip.WithZone(zone), uint16(port)), true
}

// FromTCP is the inverse of [TCP]. An IPv4 address in IPv6 form becomes the IPv4
// address. It returns nil for an AddrPort that is not valid.
func FromTCP(a netip.AddrPort) ma.Multiaddr {
	return fromIP(a.Addr(), "/tcp/"+strconv.Itoa(int(a.Port())))
}

// fromIP makes the address of an IP address with the text rest after it.
func fromIP(ip netip.Addr, rest string) ma.Multiaddr {
	ip = ip.Unmap()
	text := ""
	switch {
	case !ip.IsValid():
		return nil
	case ip.Is4():
		text = "/ip4/" + ip.String()
	case ip.Zone() != "":
		text = "/ip6zone/" + ip.Zone() + "/ip6/" + ip.WithZone("").String()
	default:
		text = "/ip6/" + ip.String()
	}
	addr, err := ma.NewMultiaddr(text + rest)
	if err != nil {
		return nil
	}
	return addr
}
