package swarm

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// targets are the addresses of an order and of the book that can be tried now
// and are not in the dial yet.
func (k *dialer) targets(o order) []target {
	var out []target
	take := func(addr ma.Multiaddr) {
		if t, ok := k.add(addr, nil); ok {
			out = append(out, t)
		}
	}
	for _, addr := range usable(peer.Info{ID: k.d.peer, Addrs: o.addrs}) {
		take(addr)
	}
	now := k.self.Now()
	for _, e := range k.s.book.Entries(k.d.peer) {
		if !k.forced && e.RetryAt.After(now) {
			k.hold(e.Addr, &BackoffError{Until: e.RetryAt, Left: e.RetryAt.Sub(now), Failures: e.Failures, Last: e.LastErr})
			continue
		}
		take(e.Addr)
	}
	return out
}

// hold notes an address that is not tried for its back-off.
func (k *dialer) hold(addr ma.Multiaddr, why *BackoffError) {
	if k.find(addr) < 0 {
		k.table = append(k.table, &dialed{addr: addr, stage: StageNotTried, err: why, held: why})
	}
}

func (k *dialer) find(addr ma.Multiaddr) int {
	return slices.IndexFunc(k.table, func(a *dialed) bool { return a.addr.Equal(addr) })
}

// add puts an address into the dial's table, and returns it as a target unless
// it is there already or no transport understands it. Those that a name stands
// for are not in the book.
func (k *dialer) add(addr ma.Multiaddr, from *dialed) (target, bool) {
	a := &dialed{addr: addr, saved: from == nil, from: from, stage: StageNotTried}
	id := k.find(addr)
	switch {
	case id < 0:
		id = len(k.table)
		k.table = append(k.table, a)
	case k.table[id].held != nil && k.forced:
		k.table[id] = a
	default:
		return target{}, false
	}
	if a.name = transport.IsDNS(addr); !a.name {
		if a.by = k.s.transportFor(addr, transport.Transport.CanDial); a.by == nil {
			a.err = NoTransport(addr, k.s.config.Transports)
			return target{}, false
		}
	}
	t := classify(addr)
	t.id = id
	return t, true
}

// attempts is what became of all addresses, those that were tried first.
func (k *dialer) attempts() []Attempt {
	tried := slices.Clone(k.table)
	slices.SortStableFunc(tried, func(a, b *dialed) int {
		switch {
		case a.began.IsZero() == b.began.IsZero():
			return a.began.Compare(b.began)
		case a.began.IsZero():
			return 1
		}
		return -1
	})
	var out []Attempt
	for _, a := range tried {
		if a.name && a.err == nil && !a.began.IsZero() {
			continue // it stands for others in the list
		}
		err := a.err
		switch {
		case k.late && err == nil && a.began.IsZero():
			err = ErrDialTimeout
		case k.late && (err == nil || err == error(ErrSuperseded)):
			err = context.DeadlineExceeded
		case err == nil:
			err = ErrAbandoned
		}
		out = append(out, Attempt{Addr: a.addr, Stage: a.stage, Took: a.took, Err: err})
	}
	return out
}

// transportFor is the first transport that can do it with the address.
func (s *Swarm) transportFor(addr ma.Multiaddr, can func(transport.Transport, ma.Multiaddr) bool) transport.Transport {
	for _, t := range s.config.Transports {
		if can(t, addr) {
			return t
		}
	}
	return nil
}

// NoTransport returns the error that none of the transports understands an
// address.
func NoTransport(addr ma.Multiaddr, have []transport.Transport) *NoTransportError {
	e := &NoTransportError{Addr: addr}
	for _, t := range have {
		e.Have = append(e.Have, nameOf(t))
	}
	return e
}

// nameOf is a transport's package: "tcp" for a *tcp.Transport.
func nameOf(t transport.Transport) string {
	name, _, _ := strings.Cut(strings.TrimLeft(fmt.Sprintf("%T", t), "*"), ".")
	return name
}

// classify says what kind of address this is.
func classify(addr ma.Multiaddr) target {
	t := target{reach: public}
	if transport.IsDNS(addr) {
		t.reach = named
		return t
	}
	if ip, ok := ipOf(addr); ok {
		t.six = ip.Is6()
		if ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified() {
			t.reach = local
		}
	} else if addr[0].Protocol().Code == ma.P_MEMORY {
		t.reach = local
	}
	for _, part := range addr {
		if part.Protocol().Code == ma.P_CIRCUIT {
			t.reach = relayed
		}
	}
	return t
}

// ipOf is the IP address that an address begins with.
func ipOf(addr ma.Multiaddr) (netip.Addr, bool) {
	if len(addr) > 1 && addr[0].Protocol().Code == ma.P_IP6ZONE {
		addr = addr[1:]
	}
	switch {
	case len(addr) == 0:
	case addr[0].Protocol().Code == ma.P_IP4, addr[0].Protocol().Code == ma.P_IP6:
		return netip.AddrFromSlice(addr[0].RawValue())
	}
	return netip.Addr{}, false
}

// originOf names whom the links of one remote machine are counted against: an
// IPv4 address, or a /64 of IPv6, which is what one customer gets; and the /24 or
// /48 around it, which is what one network gets. Where there is no IP address it
// is the address itself.
func originOf(addr ma.Multiaddr) origin {
	ip, ok := ipOf(addr)
	if !ok {
		return origin{addr.String(), addr.String()}
	}
	near, far := 32, 24
	if ip = ip.Unmap().WithZone(""); ip.Is6() {
		near, far = 64, 48
	}
	source, _ := ip.Prefix(near) // both fit
	subnet, _ := ip.Prefix(far)
	if near == 32 {
		return origin{ip.String(), subnet.String()}
	}
	return origin{source.String(), subnet.String()}
}
