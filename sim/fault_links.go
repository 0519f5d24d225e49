package sim

import (
	"net/netip"
	"slices"
)

// A cut is a set of directions over which nothing gets.
type cut struct{ blocks func(pair) bool }

// A disturbance changes a set of directions for a while.
type disturbance struct {
	touches func(pair) bool
	change  func(*LinkConfig)
}

// Cut stops everything on the way from each host of one group to each of another,
// and not the way back; nil means all hosts. What is sent is lost, silently, until
// heal is called: datagrams for good, connections send again (see the package's
// page on loss), with growing pauses, and go on or time out. What has been sent
// before still arrives. Cuts add up; heal ends this one, and may be called again.
func (n *Network) Cut(from, to []netip.Addr) (heal func()) {
	a, b := group(from), group(to)
	return n.cut(func(p pair) bool { return a(p.from) && b(p.to) })
}

// Partition stops everything between hosts of different groups, in both
// directions. Hosts that are in no group reach everybody. The rest is as with Cut.
func (n *Network) Partition(groups ...[]netip.Addr) (heal func()) {
	of := make(map[netip.Addr]int)
	for i, hosts := range groups {
		for _, ip := range hosts {
			of[ip.Unmap()] = i + 1
		}
	}
	return n.cut(func(p pair) bool {
		a, b := of[p.from], of[p.to]
		return a != 0 && b != 0 && a != b
	})
}

func (n *Network) cut(blocks func(pair) bool) (heal func()) {
	c := &cut{blocks}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cuts = append(n.cuts, c)
	n.version.Add(1)
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.cuts = slices.DeleteFunc(n.cuts, func(d *cut) bool { return d == c })
		n.version.Add(1)
	}
}

// Disturb changes the links from each host of one group to each of another, nil
// meaning all hosts, on top of how they are: change is called for each link that
// is used, and must always do the same. It concerns what is sent from now on, and
// connections that are open too. Disturbances add up, the later ones on top; end
// ends this one, and may be called again.
//
//	end := n.Disturb(nil, hosts, func(c *sim.LinkConfig) { c.Flip = sim.Percent(1) })
func (n *Network) Disturb(from, to []netip.Addr, change func(*LinkConfig)) (end func()) {
	a, b := group(from), group(to)
	d := &disturbance{func(p pair) bool { return a(p.from) && b(p.to) }, change}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.disturbed = append(n.disturbed, d)
	n.changed()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.disturbed = slices.DeleteFunc(n.disturbed, func(e *disturbance) bool { return e == d })
		n.changed()
	}
}

// group returns whether a host belongs to a list; nil is everybody.
func group(hosts []netip.Addr) func(netip.Addr) bool {
	if hosts == nil {
		return func(netip.Addr) bool { return true }
	}
	in := make(map[netip.Addr]bool, len(hosts))
	for _, ip := range hosts {
		in[ip.Unmap()] = true
	}
	return func(ip netip.Addr) bool { return in[ip] }
}

// blocked says why nothing gets over a direction now; unknown: it does. The
// caller holds the lock.
func (n *Network) blocked(p pair) Reason {
	to := n.hosts[p.to]
	if to == nil || to.dark || n.hosts[p.from].dark {
		return LostByDown
	}
	for _, c := range n.cuts {
		if c.blocks(p) {
			return LostByCut
		}
	}
	return unknown
}
