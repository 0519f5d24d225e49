package actor

import (
	"context"
	"hash/fnv"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Scheduler is the deterministic carrier: it runs trees of actors in an order
// drawn from a seed, on a clock that jumps to the next timer when nobody can run.
// The same seed and the same program give the same run, step by step.
//
// The tree that [Scheduler.Run] starts is on the first island. More islands
// ([NewIsland]) are machines of their own, joined to the others only by what
// crosses between them ([Crossing]). On each island one actor runs at a time.
//
//	                    the calendar of islands
//	island 0   the tree of Run        ─┐  lockstep: the earliest island first,
//	island 1   tasks, ready, alarms   ─┼─ one instant, one island at a time
//	island 2   tasks, ready, alarms   ─┘  windows: all at once, up to what can
//	   …            │        ▲                     reach them from the others
//	                └────────┘ crossings: (time, source, number)
//
// Only actors may call into a simulation, and only to wait in it: a call from an
// ordinary goroutine panics when it can be told apart. Real sockets, sleeps and
// channels stop the world.
type Scheduler struct {
	seed    uint64
	options Options
	root    *Island
	islands []*Island         // that are on, in the order they were made
	made    int               // islands
	boots   map[string]uint64 // how many of a name are off
	past    Island            // has the steps and the hash of those that are off
	queue   islandQueue
	now     time.Duration // lockstep: the instant that is played
	running *Island       // lockstep: whose turn it is
	still   uint64        // lockstep: steps since the time moved

	parallel  bool          // a window is being played
	end       time.Duration // of that window
	lookahead time.Duration // nothing crosses faster; 0: no windows
	joined    bool          // actors have reached into other islands: no windows any more
	boxes     int           // mailboxes on the root's island
	idle      fibers
	band      *band
	watcher   *watcher

	halt    sync.Mutex // guards halted, and calls of onFail
	onFail  func(Failure)
	halted  error
	stopped atomic.Bool // halted is set
}

// Options are how a simulation runs.
type Options struct {
	// Seed chooses the run.
	Seed uint64
	// OnStep, if not nil, is told each step before it is taken. In a window it is
	// called by several goroutines at once, for different islands.
	OnStep func(Step)
	// Shards is how many threads play the islands of a window at the same time;
	// 1 plays the windows on one. 0 means no windows: the islands take turns,
	// instant by instant, and their actors may share memory. The steps are the
	// same for any number as long as they do not.
	Shards int
	// OnSlow, if not nil, is told of each actor that has computed for more than a
	// second of real time, by another goroutine while it still does.
	OnSlow func(SlowActor)
	// Horizon, if not zero, ends the simulation with a [*HorizonError] when that
	// much virtual time has passed.
	Horizon time.Duration
	// Check makes sure of each call who makes it: one by an ordinary goroutine
	// panics always, and not only when nobody runs. It makes a simulation slow.
	Check bool
}

// A Step is one turn of a simulation: an actor ran until it had to wait.
type Step struct {
	Number uint64        // of the steps of its island
	Island int           // in the order they were made, from 0
	At     time.Duration // virtual time since the start
	Actor  string        // its path
}

// simStart is when every simulation begins: an arbitrary, recognisable instant.
var simStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// never is later than anything happens.
const never = time.Duration(math.MaxInt64)

// maxStill is how many steps are taken without the time moving before that is
// called a livelock; in lockstep, how many for each island.
const maxStill = 1_000_000

// NewScheduler makes a scheduler for one run. onStep, if not nil, is told each
// step before it is taken.
func NewScheduler(seed uint64, onStep func(Step)) *Scheduler {
	return NewSimulation(Options{Seed: seed, OnStep: onStep})
}

// NewSimulation makes a scheduler for one run, with options.
func NewSimulation(o Options) *Scheduler {
	s := &Scheduler{seed: o.Seed, options: o}
	s.root = s.newIsland("")
	return s
}

// Elapsed is the virtual time since the start.
func (s *Scheduler) Elapsed() time.Duration {
	if s.parallel {
		return s.now
	}
	return max(s.now, s.root.clock)
}

// Steps is how many turns were taken, on all islands. It is asked between turns
// of the tree of Run, or after it.
func (s *Scheduler) Steps() (steps uint64) {
	for _, i := range s.islands {
		steps += i.steps
	}
	return steps + s.past.steps
}

// Hash stands for all steps: which actor ran when, on each island. Equal runs
// have equal hashes, for any number of shards. It is asked when Steps is.
func (s *Scheduler) Hash() (hash uint64) {
	hash = s.past.hash
	for _, i := range s.islands {
		hash = spread(hash ^ i.hash)
	}
	return hash
}

// Hashes are the hashes of the islands that are on, by the number of the island,
// to find out where two runs part.
func (s *Scheduler) Hashes() map[int]uint64 {
	list := make(map[int]uint64, len(s.islands))
	for _, i := range s.islands {
		list[i.index] = i.hash
	}
	return list
}

// Run runs a tree until it has ended, like the function [Run]; ctx only supplies
// values. It returns, after having ended whoever is left: a [*DeadlockError] when
// actors are left that wait for something that cannot happen, a [*LivelockError]
// when they go on without the time moving, a [*LeakError] when the tree has ended
// and actors of other islands have not.
func (s *Scheduler) Run(ctx context.Context, name string, f Func) error {
	ref := start(context.WithoutCancel(ctx), s.root, name, f)
	defer s.killAll()
	defer s.dismiss()
	defer s.watchSlow()()
	if err := s.play(ref.node); err != nil {
		return err
	}
	if err := ref.Err(); err != nil {
		return err
	}
	if left := s.report(s.islands[1:]); len(left) > 0 {
		return &LeakError{Actors: left}
	}
	return nil
}

// play takes turns until the root has ended.
func (s *Scheduler) play(root *node) error {
	sys := root.system
	for {
		if err := s.haltedBy(); err != nil {
			return err
		}
		if root.ended.isOpen() && len(s.root.ready) == 0 {
			return nil
		}
		if sys.late.isOpen() {
			return sys.overdueError()
		}
		i := s.queue[0]
		switch at := i.key; {
		case at == never:
			return &DeadlockError{Waiting: s.report(s.islands)}
		case s.options.Horizon > 0 && at > s.options.Horizon:
			return &HorizonError{Horizon: s.options.Horizon, Waiting: s.report(s.islands[:1])}
		case i != s.root && s.mayOpen():
			s.window(at)
		default:
			s.turn(i, root)
		}
	}
}

// turn plays one instant of one island.
func (s *Scheduler) turn(i *Island, root *node) {
	if i.key > s.now {
		s.now, s.still = i.key, 0
	}
	i.clock = max(i.clock, s.now)
	s.running = i
	before := i.steps
	if i == s.root {
		late := &root.system.late
		i.play(s.now+1, func() bool {
			return root.ended.isOpen() && len(i.ready) == 0 || late.isOpen()
		})
	} else {
		i.play(s.now+1, nil)
	}
	s.running = nil
	s.queue.fix(i)
	if s.still += i.steps - before; s.still > maxStill*uint64(len(s.islands)) {
		s.Halt(&LivelockError{At: s.now, Actors: i.runnable()})
	}
	if i == s.root {
		s.lookForEnds()
	}
}

// lookForEnds lets islands look whose actors wait for contexts that the runtime
// does not know: the scenario may have ended one.
func (s *Scheduler) lookForEnds() {
	for _, i := range s.islands[1:] {
		if i.polls() {
			i.attention = true
			s.touch(i)
		}
	}
}

// touch has an island take its turn now: something was done to it by another.
func (s *Scheduler) touch(i *Island) {
	if !s.parallel && s.running != i {
		i.clock = max(i.clock, s.now)
		s.queue.fix(i)
	}
}

// Halt ends the simulation where it stands, after the turn that is being taken,
// with an error for Run to return; the first one counts. Nobody is told.
func (s *Scheduler) Halt(err error) {
	s.halt.Lock()
	defer s.halt.Unlock()
	if s.halted == nil {
		s.halted = err
		s.stopped.Store(true)
	}
}

func (s *Scheduler) haltedBy() error {
	if !s.stopped.Load() {
		return nil
	}
	s.halt.Lock()
	defer s.halt.Unlock()
	return s.halted
}

// OnFailure has f called for each failure of an actor, at the actor where it
// happened. It is set before Run; f must not wait. In a window it is called by
// several goroutines at once.
func (s *Scheduler) OnFailure(f func(Failure)) { s.onFail = f }

func (s *Scheduler) failed(f Failure) {
	if s.onFail != nil {
		s.onFail(f)
	}
}

// report says of each actor that is left what it waits for.
func (s *Scheduler) report(islands []*Island) []string {
	var lines []string
	for _, i := range islands {
		for _, t := range i.tasks {
			lines = append(lines, t.path()+" waits for "+t.waitsFor())
		}
	}
	slices.Sort(lines)
	return lines
}

// killAll ends what is left, so that no goroutine outlives the simulation.
func (s *Scheduler) killAll() {
	for k := len(s.islands) - 1; k >= 0; k-- {
		s.running = s.islands[k]
		s.running.kill()
	}
	s.running = nil
}

// spread spreads a number over 64 bits (the finaliser of splitmix64: Steele, Lea,
// Flood, Fast Splittable Pseudorandom Number Generators, 2014).
func spread(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func nameHash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
