package sim

import (
	"maps"
	"net"
	"net/netip"
	"slices"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// SetDials changes how a host takes those who dial it from now on.
func (n *Network) SetDials(ip netip.Addr, mode DialMode) {
	t := n.Host(ip)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dials = mode
}

// SlowReader lets the programs of a host read their connections no faster than so
// many bytes per second together: 0 means as fast as they like, less that they
// read nothing. Windows fill, and who writes to them waits.
func (n *Network) SlowReader(ip netip.Addr, rate int64) {
	t := n.Host(ip)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slow.change(actor.Now(t.ctx), rate)
	for _, e := range t.ends {
		e.readers.Wake()
	}
}

// Reset ends all connections between two hosts, at both ends, as a middlebox does
// that loses its state. It returns how many ends that were.
func (n *Network) Reset(a, b netip.Addr) (ended int) {
	for _, p := range []pair{{a.Unmap(), b.Unmap()}, {b.Unmap(), a.Unmap()}} {
		t := n.Host(p.from)
		t.mu.Lock()
		for _, e := range slices.Clone(t.ends) {
			if e.link.pair == p && !e.dialing && e.over == nil {
				e.fail(mem.ErrReset)
				ended++
			}
		}
		t.mu.Unlock()
		if a == b {
			break
		}
	}
	return ended
}

// Crash ends all that the programs of a host have opened, as a system does for a
// process that died: the other ends of its connections get a reset, who dials it
// is refused, and its datagrams are gone. The host is there: listening again is
// all that a restart needs.
func (n *Network) Crash(ip netip.Addr) { n.Host(ip).stop(true) }

// PowerOff takes a host away, silently. Nothing leaves it or arrives, nobody is
// told: who sends to it sends again until it gives up, who dials it waits.
func (n *Network) PowerOff(ip netip.Addr) {
	t := n.Host(ip)
	n.darken(t, true)
	t.stop(false)
}

// PowerOn brings a host back after PowerOff. It knows nothing of its connections:
// who goes on sending over one gets a reset.
func (n *Network) PowerOn(ip netip.Addr) {
	t := n.Host(ip)
	n.darken(t, false)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.off = false
	for _, e := range t.lost {
		if e.missing {
			e.sendReset(e.other)
		}
	}
	t.lost = nil
}

func (n *Network) darken(t *Transport, dark bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t.dark = dark
	n.version.Add(1)
}

// stop ends what the host's programs have opened, with or without a word.
func (t *Transport) stop(word bool) {
	t.mu.Lock()
	if !word {
		t.off = true
	}
	for _, e := range slices.Clone(t.ends) {
		if word {
			e.sendReset(e.other)
		} else {
			t.lost = append(t.lost, e)
		}
		e.fail(net.ErrClosed)
		e.drop(&e.chunks) // nobody is left to read them
		e.unread = 0
	}
	var all []interface{ Close() error }
	for _, port := range sortedPorts(t.listeners) {
		all = append(all, t.listeners[port])
	}
	for _, port := range sortedPorts(t.sockets) {
		all = append(all, t.sockets[port])
	}
	t.mu.Unlock()
	for _, c := range all { // they come back to the host to be forgotten
		c.Close()
	}
}

func sortedPorts[V any](m map[uint16]V) (ports []uint16) {
	for port := range m {
		ports = append(ports, port)
	}
	slices.Sort(ports)
	return ports
}

// abandon is called when the machine of a host is gone for good, after Crash or
// PowerOff: what was on its way to it is lost, and the world's machine answers for
// the host until there is another one ([Network.HostOn]).
func (n *Network) abandon(ip netip.Addr) {
	t := n.HostOn(n.ctx, ip)
	n.mu.Lock()
	senders := slices.Collect(maps.Values(n.hosts))
	n.mu.Unlock()
	for _, from := range senders {
		way := n.Traffic(from.ip, ip).OnTheWay()
		from.mu.Lock()
		l := from.links[t.ip]
		from.mu.Unlock()
		if l != nil {
			t.mu.Lock()
			l.arrived.lost[LostByDown].sum(way)
			t.mu.Unlock()
		}
	}
}
