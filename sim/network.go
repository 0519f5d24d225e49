package sim

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// A Network is what the hosts of one world see of each other. Its methods may be
// called from several goroutines.
type Network struct {
	ctx  context.Context
	seed uint64

	mu        sync.Mutex // guards the rest; never held over a wait
	usual     LinkConfig
	links     map[pair]*link
	listeners map[netip.AddrPort]*mem.Listener
	hosts     map[netip.Addr]*Transport
}

// A pair is a direction between two hosts.
type pair struct{ from, to netip.Addr }

// A link is a link machine with what driving it needs.
type link struct {
	network *Network
	machine *linkMachine
	do      []linkEffect
}

// NewNetwork returns a network without hosts in which all links are as usual
// says. ctx is the actor that owns the world: its carrier and clock are those of
// the network, and its end means nothing to it.
func NewNetwork(ctx context.Context, seed uint64, usual LinkConfig) *Network {
	return &Network{
		ctx:       ctx,
		seed:      seed,
		usual:     usual,
		links:     make(map[pair]*link),
		listeners: make(map[netip.AddrPort]*mem.Listener),
		hosts:     make(map[netip.Addr]*Transport),
	}
}

// Host returns the network as the host with the given address has it, and makes
// that host if there is none. The same address gives the same transport. A host
// reaches itself over a link like any other.
func (n *Network) Host(ip netip.Addr) *Transport {
	ip = ip.Unmap()
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.hosts[ip]
	if t == nil {
		t = &Transport{network: n, ip: ip, next: firstPort}
		n.hosts[ip] = t
	}
	return t
}

// SetLink changes what the direction from one host to another does from now on,
// also to connections that are open. When the bytes that are on their way
// arrive is settled already.
func (n *Network) SetLink(from, to netip.Addr, c LinkConfig) {
	l := n.link(from, to)
	n.mu.Lock()
	defer n.mu.Unlock()
	l.do = l.machine.Step(actor.Now(n.ctx), linkEvent{kind: linkChange, config: c}, l.do[:0])
}

// link returns the link of a direction.
func (n *Network) link(from, to netip.Addr) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	p := pair{from.Unmap(), to.Unmap()}
	l := n.links[p]
	if l == nil {
		key := n.chance("jitter", p)
		l = &link{network: n, machine: newLinkMachine(n.usual, key)}
		n.links[p] = l
	}
	return l
}

// chance is the key of the random numbers of one kind on one link: a hash of the
// seed, the kind and the two hosts.
func (n *Network) chance(domain string, p pair) uint64 {
	h := mix(n.seed)
	for _, c := range []byte(domain) {
		h = mix(h ^ uint64(c))
	}
	for _, ip := range []netip.Addr{p.from, p.to} {
		for _, c := range ip.As16() {
			h = mix(h ^ uint64(c))
		}
	}
	return h
}

// delay is the link as a pipe asks it.
func (l *link) delay(now time.Time, n int) (took int, at time.Time) {
	e := linkEvent{kind: linkSend, n: n}
	if n == 0 {
		e.kind = linkSignal
	}
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	l.do = l.machine.Step(now, e, l.do[:0])
	return l.do[0].n, l.do[0].at
}

// window is how many bytes a new connection may have under way.
func (l *link) window() int {
	l.network.mu.Lock()
	defer l.network.mu.Unlock()
	return l.machine.config.Window
}

// cross waits until something without bytes has got over the link, or ctx ends
// (its cause is returned).
func (l *link) cross(ctx context.Context) error {
	_, at := l.delay(actor.Now(l.network.ctx), 0)
	return l.network.until(ctx, at)
}

// until waits for a time, or for the end of ctx.
func (n *Network) until(ctx context.Context, at time.Time) error {
	s := actor.NewSignal(n.ctx, "the network")
	for at.After(actor.Now(n.ctx)) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s.Wait(ctx, at)
	}
	return nil
}
