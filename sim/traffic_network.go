package sim

import "net/netip"

// Traffic is what became of what one host has sent to another one.
func (n *Network) Traffic(from, to netip.Addr) (t Traffic) {
	to = to.Unmap()
	h := n.Host(from)
	h.mu.Lock()
	l := h.links[to]
	if l != nil {
		t = l.sent
	}
	h.mu.Unlock()
	if l == nil {
		return t
	}
	t.add(n.arrived(l))
	return t
}

// arrived is what the receiver has counted of a link.
func (n *Network) arrived(l *link) Traffic {
	n.mu.Lock()
	h := n.hosts[l.pair.to]
	n.mu.Unlock()
	if h == nil {
		return Traffic{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return l.arrived
}

// HostTraffic is what became of all that a host has sent, and what it has counted
// of what came to it: of that Sent is nothing.
func (n *Network) HostTraffic(ip netip.Addr) (out, in Traffic) {
	h := n.Host(ip)
	h.mu.Lock()
	for _, l := range h.in {
		in.add(l.arrived)
	}
	var links []*link
	for _, l := range h.links {
		out.add(l.sent)
		links = append(links, l)
	}
	h.mu.Unlock()
	for _, l := range links {
		out.add(n.arrived(l))
	}
	return out, in
}

// TotalTraffic is what became of all that was ever sent.
func (n *Network) TotalTraffic() (all Traffic) {
	n.mu.Lock()
	var hosts []*Transport
	for _, h := range n.hosts {
		hosts = append(hosts, h)
	}
	n.mu.Unlock()
	for _, h := range hosts {
		out, _ := n.HostTraffic(h.ip)
		all.add(out)
	}
	return all
}
