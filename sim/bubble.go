package sim

import (
	"cmp"
	"context"
	"io"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// Bubble runs ordinary Go code over simulated links: goroutines of its own, other
// libraries, and Troupe hosts among them. f and whatever it starts run in a bubble
// of package testing/synctest, where time is virtual: it moves when everybody
// waits. The network is that of [Test]: 20 ms from host to host where nothing else
// is said, and the same link machines.
//
//	sim.Bubble(t, 1, func(n *sim.Net) {
//		l, err := n.Host("server").Listen("tcp", ":80")
//		…
//		go http.Serve(l, handler)
//		c := http.Client{Transport: &http.Transport{DialContext: n.Host("client").Dial}}
//		c.Get("http://server/")
//	})
//
// # What it promises
//
// When bytes and datagrams arrive, which are lost and which come twice, is decided
// by the seed and by when they were sent. No two hosts receive at the same
// nanosecond: of those that would, one is a nanosecond late, so that whoever wakes
// up for the first has gone to sleep again before the second. The order of
// goroutines that can run at once for another reason, or that have set timers to
// the same instant, is the Go runtime's and no seed's: code that depends on it
// differs from run to run. [Test] orders that too, for actors.
//
// # What it is for
//
// Code that is not made of actors runs here only. And the race detector looks at
// it: with -race it finds what it cannot find under [Test], where one actor runs at
// a time. As on real sockets, a call of a host's network comes after the calls
// before it in the detector's eyes, so that it does not see a race with such calls
// between the two.
//
// # The rules of a bubble
//
// Time stands still while anybody is busy, or waits for what the bubble does not
// know: a real socket, a process, or a [sync.Mutex] that somebody holds over a wait.
// Such a test hangs. So do two that answer each other at once for as long as time
// has not moved, over a link without latency. All that waits for each other must be
// made inside.
//
// When f and the functions of n.T().Cleanup have returned, a virtual minute passes
// in which others may come to their end. What is open then fails the test by name,
// and is closed. A goroutine that is left even so ends the test binary with its
// stack, as package testing/synctest says.
func Bubble(t *testing.T, seed uint64, f func(n *Net)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		n := &Net{
			t:       t,
			network: NewNetwork(t.Context(), seed, usualLink),
			hosts:   map[string]*NetHost{},
			open:    map[io.Closer]string{},
		}
		n.network.turns = newTurnstile(t.Context())
		t.Cleanup(n.end)
		f(n)
	})
}

// A Net is the network of a [Bubble]. Its methods may be called from several
// goroutines, all of them inside.
type Net struct {
	t       *testing.T
	network *Network

	mu    sync.Mutex // guards the rest; never held over a wait
	hosts map[string]*NetHost
	order int
	open  map[io.Closer]string // listeners and connections, and what they are called
}

// T is the test inside the bubble: its Context and Cleanup belong to it, which
// those of the test outside do not. T.Run and T.Parallel must not be called.
func (n *Net) T() *testing.T { return n.t }

// Network is what the hosts share, for faults.
func (n *Net) Network() *Network { return n.network }

// Host returns the host with a name, and makes it if there is none: the first one
// has the address 10.0.0.1, the second one 10.0.0.2. An IP address as the name
// gives the host with that address.
func (n *Net) Host(name string) *NetHost {
	n.mu.Lock()
	defer n.mu.Unlock()
	if h := n.hosts[name]; h != nil {
		return h
	}
	ip, err := netip.ParseAddr(name)
	if err != nil {
		ip = n.nextIP()
	}
	if h := n.at(ip.Unmap()); h != nil {
		return h
	}
	h := &NetHost{net: n, name: name, ip: ip.Unmap(), transport: n.network.Host(ip)}
	n.hosts[name] = h
	return h
}

// at returns the host with an address, or nil. The caller holds the lock.
func (n *Net) at(ip netip.Addr) *NetHost {
	for _, h := range n.hosts {
		if h.ip == ip {
			return h
		}
	}
	return nil
}

// nextIP returns an address that no host has. The caller holds the lock.
func (n *Net) nextIP() netip.Addr {
	for {
		n.order++
		ip := netip.AddrFrom4([4]byte{10, byte(n.order >> 16), byte(n.order >> 8), byte(n.order)})
		if n.at(ip) == nil {
			return ip
		}
	}
}

// find returns the address of a host by its name.
func (n *Net) find(name string) (netip.Addr, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h := n.hosts[name]
	if h == nil {
		return netip.Addr{}, false
	}
	return h.ip, true
}

// Link changes both directions between two hosts from now on.
func (n *Net) Link(a, b string, c LinkConfig) {
	n.Direction(a, b, c)
	n.Direction(b, a, c)
}

// Direction changes the link from one host to another from now on.
func (n *Net) Direction(from, to string, c LinkConfig) {
	n.network.SetLink(n.Host(from).ip, n.Host(to).ip, c)
}

// opened notes that something must be closed again.
func (n *Net) opened(what io.Closer, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[what] = name
}

// gone notes that it was.
func (n *Net) gone(what io.Closer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, what)
}

// patience is how long, in virtual time, Bubble lets the others go on at its end:
// the news of a close must get over the links, and some linger.
const patience = time.Minute

// end reports what nobody closes. A test that gave up has reported enough.
func (n *Net) end() {
	gaveUp := n.t.Failed()
	for _, name := range n.finish() {
		if gaveUp {
			continue
		}
		n.t.Errorf("sim: %s was left open: close it before the bubble ends", name)
	}
}

// finish lets the others come to their end, closes what is open then, and returns
// its names.
func (n *Net) finish() (names []string) {
	ctx := context.WithoutCancel(n.t.Context()) // which may have ended
	actor.NewSignal(ctx, "the end of the others").Wait(ctx, actor.Now(ctx).Add(patience))
	for _, l := range n.left() {
		names = append(names, l.name)
		l.close()
	}
	return names
}

type leftOpen struct {
	name  string
	close func() error
}

// left returns what is open, by name.
func (n *Net) left() []leftOpen {
	n.mu.Lock()
	defer n.mu.Unlock()
	var left []leftOpen
	for what, name := range n.open {
		left = append(left, leftOpen{name, what.Close})
	}
	slices.SortFunc(left, func(a, b leftOpen) int { return cmp.Compare(a.name, b.name) })
	return left
}
