package transport

import (
	"context"
	"net"
	"net/netip"
	"slices"

	ma "github.com/multiformats/go-multiaddr"
)

// MaxResolved is how many addresses one name may stand for. The rest of an
// answer is dropped: whoever controls a name must not decide how many dials it
// costs. Ours; go-libp2p takes up to 100 results of a /dnsaddr.
const MaxResolved = 16

// A Resolver looks up the IP addresses of a host name. [*net.Resolver] is one;
// tests and simulations bring their own.
type Resolver interface {
	// LookupNetIP returns the addresses of host, in order of preference. network
	// is "ip" for both families, "ip4" or "ip6". It blocks until the answer is
	// there or ctx ends.
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Resolve returns what an address stands for. When it begins with /dns, /dns4 or
// /dns6, these are the addresses in which the name is replaced by its IP
// addresses: each once, in the order of the resolver, at most [MaxResolved]. Any
// other address comes back alone and unchanged, without a look-up. Only the
// first part is resolved (libp2p addressing: a name stands in front of tcp or
// udp).
//
// It blocks until the resolver has answered or ctx ends. A nil resolver is the
// machine's own. Errors are [*ResolveError]; after the end of ctx its cause is
// in the chain.
func Resolve(ctx context.Context, by Resolver, addr ma.Multiaddr) ([]ma.Multiaddr, error) {
	if !IsDNS(addr) {
		return []ma.Multiaddr{addr}, nil
	}
	if by == nil {
		by = new(net.Resolver)
	}
	network, fits := family(addr[0].Protocol().Code)
	ips, err := by.LookupNetIP(ctx, network, addr[0].Value())
	switch {
	case ctx.Err() != nil:
		return nil, &ResolveError{Addr: addr, Cause: context.Cause(ctx)}
	case err != nil:
		return nil, &ResolveError{Addr: addr, Cause: err}
	}
	var seen []netip.Addr
	var out []ma.Multiaddr
	for _, ip := range ips {
		ip = ip.Unmap()
		if !fits(ip) || slices.Contains(seen, ip) {
			continue
		}
		first := fromIP(ip, "")
		if first == nil {
			continue
		}
		seen = append(seen, ip)
		out = append(out, slices.Concat(first, addr[1:]))
		if len(out) == MaxResolved {
			break
		}
	}
	if len(out) == 0 {
		return nil, &ResolveError{Addr: addr, Cause: ErrNoAddress}
	}
	return out, nil
}

// family returns the network to ask for, and what an answer must be: a resolver
// that answers with more is not trusted with it.
func family(code int) (network string, fits func(netip.Addr) bool) {
	switch code {
	case ma.P_DNS4:
		return "ip4", netip.Addr.Is4
	case ma.P_DNS6:
		return "ip6", netip.Addr.Is6
	}
	return "ip", netip.Addr.IsValid
}
