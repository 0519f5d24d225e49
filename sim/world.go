package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
)

// Config is what a run depends on besides the program: the same configuration
// and the same program give the same run, step by step.
type Config struct {
	// Seed chooses the run: who of those that can run does so first, keys,
	// jitter, faults.
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
	// Horizon is how much virtual time a run may take; one that would take more
	// fails. 0 means no end.
	Horizon time.Duration
	// Plan, if not nil, replaces the seed and all faults of the scenario.
	Plan *Plan
	// Record, if not nil, gets all events of the run.
	Record *Trace
	// Trace, if not nil, gets them as lines of text when the run has ended.
	Trace io.Writer
	// Watch, if not nil, is told each event as it happens, a turn before it is
	// taken: those of one instant in the order of this run, which a [Trace] sorts by
	// host. It only looks, and must not wait. An error of it ends the run where it
	// stands, without the checks of the end: [Run] returns it in a [*Failure]. Hosts
	// must take turns: Shards is 0.
	Watch func(w *World, e Event) error
	// Slow, if not nil, is told of actors that compute for more than a second.
	Slow func(actor.SlowActor)
}

// A Result is what can be said of a run.
type Result struct {
	Seed    uint64
	Steps   uint64        // turns of actors
	Hash    uint64        // of all events: equal runs have equal hashes
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
	sched   *actor.Scheduler
	network *Network
	config  Config
	record  *recorder
	sites   []*Site
	byName  map[string]*Site
	over    bool // the scenario has ended well
	play    play
	checks  checks
}

// Run plays a scenario from its beginning to its end: when scenario returns, the
// world heals, the checks for the end are made, the hosts are stopped in the
// reverse order of their start, and Run returns when everything has ended. It
// blocks, and takes real time only for what the hosts compute. ctx supplies
// values only.
//
// Errors: what scenario returned, or panicked with; a [*Failure] when a check
// failed, an actor panicked, nothing could happen any more or a host did not
// stop. [FailureOf] makes a Failure of each of them.
func Run(ctx context.Context, c Config, scenario func(w *World) error) (Result, error) {
	if c.Plan != nil {
		c.Seed = c.Plan.Seed
	}
	if c.Watch != nil && c.Shards != 0 {
		return Result{Seed: c.Seed}, errors.New("sim: a run with Watch is played in turns: leave Shards at 0")
	}
	if c.Trace != nil && c.Record == nil {
		c.Record = &Trace{}
	}
	w := &World{config: c, record: newRecorder(c), byName: map[string]*Site{}}
	o := actor.Options{Seed: c.Seed, Shards: c.Shards, Horizon: c.Horizon, OnSlow: c.Slow}
	if c.Shards == 0 || c.Record != nil {
		o.OnStep = w.step
	}
	w.sched = actor.NewSimulation(o)
	w.sched.OnFailure(w.failed)
	err := w.sched.Run(ctx, "world", func(self *actor.Self) error {
		w.self, w.network = self, NewNetwork(self, c.Seed, c.Link)
		return w.run(scenario)
	})
	if f := w.checks.failure; f != nil || errors.As(err, &f) {
		err = f // without what it came through
	}
	if err != nil {
		w.note(EventFailure, FailureOf(err).Signature())
	}
	names := make([]string, len(w.sites))
	for i, s := range w.sites {
		names[i] = s.name
	}
	hash := mix(w.sched.Hash() ^ w.record.finish(names))
	if c.Trace != nil {
		err = errors.Join(err, c.Record.WriteText(c.Trace))
	}
	return Result{Seed: c.Seed, Steps: w.sched.Steps(), Hash: hash, Elapsed: w.sched.Elapsed()}, err
}

// run is the body of the world's actor.
func (w *World) run(scenario func(w *World) error) error {
	if w.config.Plan != nil {
		w.schedule(w.config.Plan.Faults)
	}
	if err := scenario(w); err != nil {
		return err
	}
	w.Heal()
	if err := w.liveness(); err != nil {
		return err
	}
	w.over = true
	if err := w.ending(); err != nil {
		return err
	}
	var first error
	for i := len(w.sites) - 1; i >= 0; i-- {
		if err := w.sites[i].close(); first == nil {
			first = err
		}
	}
	if first != nil {
		return first
	}
	return w.atBase()
}

// step is told each turn before it is taken. When machines take turns, all that
// was before the time moved is settled.
func (w *World) step(s actor.Step) {
	if w.config.Shards == 0 && s.At > w.checks.last {
		w.checks.last = s.At
		w.invariants()
	}
	e := Event{s.At, EventStep, s.Actor}
	if w.config.Record != nil {
		place := worldLane
		if s.Island != 0 {
			place = hostIn(s.Actor)
		}
		w.record.put(place, e)
	}
	w.watch(e)
}

// tell records an event that is no step.
func (w *World) tell(lane string, e Event) {
	w.record.put(lane, e)
	w.watch(e)
}

// watch shows an event to whoever looks on.
func (w *World) watch(e Event) {
	if w.config.Watch == nil || w.halted() {
		return
	}
	if err := w.config.Watch(w, e); err != nil {
		w.fail("the watch", err)
	}
}

// hostIn is the name of the host in the path of one of its actors.
func hostIn(path string) string {
	_, path, _ = strings.Cut(path, "/")
	name, _, _ := strings.Cut(path, "/")
	return name
}

// note adds an event of the world itself that is no step.
func (w *World) note(k EventKind, text string) {
	w.tell(worldLane, Event{w.Elapsed(), k, text})
}

// Self is the actor that plays the scenario: the context for whatever it does.
func (w *World) Self() *actor.Self { return w.self }

// Seed is the seed of the run.
func (w *World) Seed() uint64 { return w.config.Seed }

// Elapsed is the virtual time since the start of the world.
func (w *World) Elapsed() time.Duration { return w.sched.Elapsed() }

// Host starts a host with an address of its own (10.0.0.1 for the first one) at
// port 4001, and the usual parts of package host. More options change that. A
// host that cannot start ends the scenario.
//
// A host that a fault has ended starts again with the same options, as another
// [host.Host]: to follow it, and to set up handlers again, use [World.Site].
func (w *World) Host(name string, more ...host.Option) *host.Host {
	return w.site(name, nil, more).Host
}

// Site declares a host and starts it, like [World.Host], with the address book
// kept on the site's disk. setup is called at each of its starts; nil does
// nothing.
func (w *World) Site(name string, setup Setup, more ...host.Option) *Site {
	if setup == nil {
		setup = func(*Site) error { return nil }
	}
	return w.site(name, setup, more)
}

// Hosts declares and starts n hosts as [World.Site] does. They are named host-1,
// host-2 and so on, after those that there are.
func (w *World) Hosts(n int, setup Setup, more ...host.Option) []*Site {
	all := make([]*Site, n)
	for i := range all {
		all[i] = w.Site(fmt.Sprintf("host-%d", len(w.sites)+1), setup, more...)
	}
	return all
}

func (w *World) site(name string, setup Setup, more []host.Option) *Site {
	if w.byName[name] != nil {
		panic(fmt.Errorf("sim: there are two hosts named %q: give each its own name", name))
	}
	n := len(w.sites) + 1
	s := &Site{world: w, name: name, setup: setup, options: more, kept: newKept()}
	s.ip = netip.AddrFrom4([4]byte{10, byte(n >> 16), byte(n >> 8), byte(n)})
	w.sites = append(w.sites, s)
	w.byName[name] = s
	s.begin()
	if err := s.started.Wait(w.self); err != nil {
		panic(fmt.Errorf("sim: start the host %q: %w", name, err))
	}
	return s
}

// Named returns a site.
func (w *World) Named(name string) *Site {
	s := w.byName[name]
	if s == nil {
		panic(fmt.Errorf("sim: there is no host named %q", name))
	}
	return s
}

// IP is the address of a host.
func (w *World) IP(name string) netip.Addr { return w.Named(name).ip }

// Link changes both directions between two hosts from now on.
func (w *World) Link(a, b string, c LinkConfig) {
	w.Direction(a, b, c)
	w.Direction(b, a, c)
}

// Direction changes the link from one host to another from now on. Faults that
// last are added to it.
func (w *World) Direction(from, to string, c LinkConfig) {
	w.network.SetLink(w.IP(from), w.IP(to), c)
}

// Sleep lets the world go on for d.
func (w *World) Sleep(d time.Duration) error { return w.self.Sleep(d) }

// Run lets the world go on for d, heals it, and then gives every Eventually the
// time it asks for. A check that fails ends the scenario.
func (w *World) Run(d time.Duration) {
	err := w.self.Sleep(d)
	if err == nil {
		w.Heal()
		err = w.liveness()
	}
	w.Must(err)
}

// Must ends the scenario with an error, if it is one. Errors that are reported
// in this way can be told from each other, so that the faults behind them are
// searched for (see [Test]).
func (w *World) Must(err error) {
	var f *Failure
	if err != nil && !errors.As(err, &f) {
		err = &Failure{"the scenario", w.Elapsed(), err}
	}
	if err != nil {
		panic(err)
	}
}

// Log adds a line to the trace, and so to its hash: what the scenario saw.
func (w *World) Log(format string, args ...any) {
	w.note(EventLog, fmt.Sprintf(format, args...))
}

// Tree is everything that runs in the world, as it is now.
func (w *World) Tree() actor.Node {
	tree := w.self.Tree()
	for _, s := range w.sites {
		tree.Children = append(tree.Children, s.ref.Tree())
	}
	return tree
}
