package sim

import (
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"net/netip"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
)

// Config is what a run depends on besides the program: the same configuration
// and the same program give the same run, step by step.
type Config struct {
	// Seed chooses the run: who of those that can run does so first, keys,
	// jitter.
	Seed uint64
	// Link is how each direction between two hosts is where nothing else was
	// said. The zero value takes no time.
	Link LinkConfig
	// Shards is how many threads play the hosts of a world with latency side by
	// side; 1 plays them one after the other for as long. The run is the same for
	// any number. 0 plays the hosts in turns, instant by instant, and is what a
	// scenario needs whose handlers share memory with those of other hosts, or with
	// the scenario while it sleeps.
	Shards int
	// Trace, if not nil, gets a line for each step and each World.Log; with shards
	// those of different hosts come in any order.
	Trace io.Writer
	// Slow, if not nil, is told of actors that compute for more than a second.
	Slow func(actor.SlowActor)
}

// A Result is what can be said of a run.
type Result struct {
	Seed    uint64
	Steps   uint64        // turns of actors
	Hash    uint64        // of all steps: equal runs have equal hashes
	Elapsed time.Duration // virtual
}

// String says it in one line.
func (r Result) String() string {
	return fmt.Sprintf("seed %d: %d steps in %v of virtual time, trace %016x", r.Seed, r.Steps, r.Elapsed, r.Hash)
}

// A World is a number of hosts, the network between them, and the actor that
// plays the scenario. Its methods are called by that actor and by those below
// it.
type World struct {
	self    *actor.Self
	network *Network
	config  Config
	trace   *trace
	hosts   []*host.Host
	places  map[string]netip.Addr
}

// Run plays a scenario from its beginning to its end: when scenario returns, the
// hosts are stopped in the reverse order of their start, and Run returns when
// everything has ended. It blocks, and takes real time only for what the hosts
// compute. ctx supplies values only.
//
// Errors: what scenario returned or panicked with, an [*actor.DeadlockError] when
// nothing can happen any more, an [*actor.OverdueError] when a host does not stop.
func Run(ctx context.Context, c Config, scenario func(w *World) error) (Result, error) {
	t := newTrace(c.Trace)
	o := actor.Options{Seed: c.Seed, Shards: c.Shards, OnSlow: c.Slow}
	if c.Trace != nil {
		o.OnStep = t.step
	}
	s := actor.NewSimulation(o)
	t.elapsed = s.Elapsed
	err := s.Run(ctx, "world", func(self *actor.Self) error {
		w := &World{self: self, network: NewNetwork(self, c.Seed, c.Link), config: c, trace: t, places: map[string]netip.Addr{}}
		err := scenario(w)
		for i := len(w.hosts) - 1; i >= 0; i-- {
			if ended := w.hosts[i].Close(); err == nil {
				err = ended
			}
		}
		return err
	})
	return Result{Seed: c.Seed, Steps: s.Steps(), Hash: mix(s.Hash() ^ t.hash.Sum64()), Elapsed: s.Elapsed()}, err
}

// Self is the actor that plays the scenario: the context for whatever it does.
func (w *World) Self() *actor.Self { return w.self }

// Host starts a host with an address of its own (10.0.0.1 for the first one) at
// port 4001, and the usual parts of package host. More options change that. A
// host that cannot start ends the scenario.
func (w *World) Host(name string, more ...host.Option) *host.Host {
	if _, taken := w.places[name]; taken {
		panic(fmt.Errorf("sim: there are two hosts named %q: give each its own name", name))
	}
	ip := w.nextIP()
	w.places[name] = ip
	machine := actor.NewIsland(w.self, name)
	options := []host.Option{
		host.Name(name),
		host.Transport(w.network.HostOn(machine.Outside(), ip)),
		host.Listen(fmt.Sprintf("/ip4/%s/tcp/4001", ip)),
	}
	h, err := host.New(machine.Context(w.self), append(options, more...)...)
	if err != nil {
		panic(fmt.Errorf("sim: start the host %q: %w", name, err))
	}
	w.hosts = append(w.hosts, h)
	return h
}

func (w *World) nextIP() netip.Addr {
	n := len(w.places) + 1
	return netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
}

// IP is the address of a host.
func (w *World) IP(name string) netip.Addr {
	ip, ok := w.places[name]
	if !ok {
		panic(fmt.Errorf("sim: there is no host named %q", name))
	}
	return ip
}

// Link changes both directions between two hosts from now on.
func (w *World) Link(a, b string, c LinkConfig) {
	w.Direction(a, b, c)
	w.Direction(b, a, c)
}

// Direction changes the link from one host to another from now on.
func (w *World) Direction(from, to string, c LinkConfig) {
	w.network.SetLink(w.IP(from), w.IP(to), c)
}

// Sleep lets the world go on for d.
func (w *World) Sleep(d time.Duration) error { return w.self.Sleep(d) }

// Log adds a line to the trace, and so to its hash: what the scenario saw.
func (w *World) Log(format string, args ...any) {
	w.trace.log(fmt.Sprintf(format, args...))
}

// Tree is everything that runs in the world, as it is now.
func (w *World) Tree() actor.Node {
	tree := w.self.Tree()
	for _, h := range w.hosts {
		tree.Children = append(tree.Children, h.Tree())
	}
	return tree
}

// trace writes the steps of a run down, and hashes what the scenario said.
type trace struct {
	mu    sync.Mutex // guards the rest
	steps uint64
	hash  interface {
		io.Writer
		Sum64() uint64
	}
	lines   io.Writer // may be nil
	elapsed func() time.Duration
}

func newTrace(lines io.Writer) *trace { return &trace{hash: fnv.New64a(), lines: lines} }

func (t *trace) step(s actor.Step) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.steps++
	fmt.Fprintf(t.lines, "%d %v %s\n", t.steps, s.At, s.Actor)
}

func (t *trace) log(text string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	at := t.elapsed()
	fmt.Fprintf(t.hash, "%v says %s\n", at, text)
	if t.lines != nil {
		fmt.Fprintf(t.lines, "%d %v says %s\n", t.steps, at, text)
	}
}
