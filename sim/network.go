package sim

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/troupe-p2p/troupe/actor"
)

// A Network is what the hosts of one world see of each other. Its methods may be
// called from several goroutines.
//
// Each host has a lock of its own, for its uplink, its side of its connections
// and what it receives; what one host does to another is done in [Transport.ship]
// only. The network's lock guards what all hosts share, and is taken after a
// host's lock, never before.
type Network struct {
	ctx     context.Context
	seed    uint64
	turns   *turnstile    // in a bubble, else nil
	version atomic.Uint64 // of what the lock guards: links look again when it has changed

	mu        sync.Mutex // guards the rest; never held over a wait
	usual     LinkConfig
	set       map[pair]LinkConfig // where something else was said
	hosts     map[netip.Addr]*Transport
	regions   *Regions
	cuts      []*cut
	disturbed []*disturbance
}

// A pair is a direction between two hosts.
type pair struct{ from, to netip.Addr }

// NewNetwork returns a network without hosts in which all links are as usual
// says. ctx is the actor that owns the world: its carrier and clock are those of
// the network, and its end means nothing to it.
func NewNetwork(ctx context.Context, seed uint64, usual LinkConfig) *Network {
	n := &Network{
		ctx:   ctx,
		seed:  seed,
		usual: usual,
		set:   make(map[pair]LinkConfig),
		hosts: make(map[netip.Addr]*Transport),
	}
	n.changed()
	return n
}

// Host returns the network as the host with the given address has it, and makes
// that host if there is none. The same address gives the same transport. A host
// reaches itself over a link like any other.
func (n *Network) Host(ip netip.Addr) *Transport { return n.hostOn(n.ctx, ip) }

// HostOn is Host on the machine that ctx belongs to, from now on, see
// [actor.Island]: what belongs to the host runs there.
func (n *Network) HostOn(ctx context.Context, ip netip.Addr) *Transport {
	t := n.hostOn(ctx, ip)
	n.mu.Lock()
	defer n.mu.Unlock()
	t.ctx = ctx
	n.version.Add(1)
	return t
}

func (n *Network) hostOn(ctx context.Context, ip netip.Addr) *Transport {
	ip = ip.Unmap()
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.hosts[ip]
	if t == nil {
		t = newTransport(ctx, n, ip, len(n.hosts))
		n.hosts[ip] = t
		n.version.Add(1)
	}
	return t
}

// SetLink changes what the direction from one host to another does from now on,
// also to connections that are open. When the bytes that are on their way
// arrive is settled already.
func (n *Network) SetLink(from, to netip.Addr, c LinkConfig) {
	p := pair{from.Unmap(), to.Unmap()}
	n.mu.Lock()
	n.set[p] = c
	n.changed()
	n.mu.Unlock()
	h := n.Host(p.from)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.link(p.to)
}

// changed has links look again, and the simulation how fast something may cross.
// The caller holds the lock.
func (n *Network) changed() {
	n.version.Add(1)
	least := n.usual.Latency
	for _, c := range n.set {
		least = min(least, c.Latency)
	}
	if n.regions != nil {
		least = min(least, n.regions.least())
	}
	c := n.usual
	for _, d := range n.disturbed {
		c.Latency = least
		d.change(&c)
		least = min(least, c.Latency)
	}
	actor.LookAhead(n.ctx, max(least, 0))
}

// config is how a direction is by now. The caller holds the lock.
func (n *Network) config(p pair) LinkConfig {
	c, ok := n.set[p]
	if !ok {
		c = n.usual
		from, to := n.hosts[p.from], n.hosts[p.to]
		if n.regions != nil && from != nil && to != nil {
			if latency, ok := n.regions.latency(from.region, to.region); ok {
				c.Latency = latency
			}
		}
	}
	for _, d := range n.disturbed {
		if d.touches(p) {
			d.change(&c)
		}
	}
	return c
}

// chance is the key of the random numbers of one direction: a hash of the seed
// and the two hosts.
func (n *Network) chance(p pair) uint64 {
	h := mix(n.seed)
	for _, ip := range []netip.Addr{p.from, p.to} {
		for _, c := range ip.As16() {
			h = mix(h ^ uint64(c))
		}
	}
	return h
}

// draw is a random number of a host, for one purpose.
func (n *Network) draw(purpose string, ip netip.Addr) uint64 {
	h := n.chance(pair{ip, ip})
	for _, c := range []byte(purpose) {
		h = mix(h ^ uint64(c))
	}
	return h
}

// A link is a link machine with what driving it needs. The lock of the host that
// sends guards it, but for what is said to be the receiver's.
type link struct {
	network *Network
	from    *Transport
	to      *Transport // nil: no host has the address
	pair    pair
	way     actor.Crossing
	version uint64
	config  LinkConfig
	machine *linkMachine
	do      []linkEffect
	sent    Traffic

	arrived Traffic // the receiver's lock guards it, and known
	known   bool    // to the receiver
}

// link returns the link to another host as it is by now. The caller holds the
// host's lock.
func (t *Transport) link(to netip.Addr) *link {
	to = to.Unmap()
	l := t.links[to]
	if l == nil {
		p := pair{t.ip, to}
		l = &link{network: t.network, from: t, pair: p}
		t.links[to] = l
	}
	l.refresh()
	return l
}

// refresh takes over what has changed in the network. The caller holds the
// sender's lock.
func (l *link) refresh() {
	n := l.network
	version := n.version.Load()
	if l.machine != nil && l.version == version {
		return
	}
	n.mu.Lock()
	l.version = version
	if l.to = n.hosts[l.pair.to]; l.to != nil {
		l.way = actor.NewCrossing(l.from.ctx, l.to.ctx)
	}
	config := n.config(l.pair)
	back := n.config(pair{l.pair.to, l.pair.from}).Latency
	blocked := n.blocked(l.pair)
	n.mu.Unlock()
	now := l.from.now()
	if l.machine == nil {
		l.config = config
		l.machine = newLinkMachine(config, n.chance(l.pair), &l.from.up)
		l.machine.back = max(back, 0)
	}
	if config != l.config || back != l.machine.back {
		l.config = config
		l.do = l.machine.Step(now, linkEvent{kind: linkChange, config: config, back: max(back, 0)}, l.do[:0])
	}
	l.do = l.machine.Step(now, linkEvent{kind: linkBlock, reason: blocked}, l.do[:0])
}

// step asks the machine, and counts what is lost at once. The effects are valid
// until the next step.
func (l *link) step(e linkEvent) []linkEffect {
	l.refresh()
	l.do = l.machine.Step(l.from.now(), e, l.do[:0])
	for _, f := range l.do {
		if f.kind == linkLost {
			l.sent.Sent.add(f.packets, f.n)
			l.sent.lost[f.reason].add(f.packets, f.n)
		}
	}
	return l.do
}

// signal asks for something without bytes; ok is false when it is lost.
func (l *link) signal() (f linkEffect, ok bool) {
	do := l.step(linkEvent{kind: linkSignal})
	f = do[len(do)-1]
	return f, f.kind == linkArrive
}
