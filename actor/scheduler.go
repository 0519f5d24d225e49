package actor

import (
	"container/heap"
	"context"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"slices"
	"time"
)

// A Scheduler is the deterministic carrier: it runs a tree of actors on one
// goroutine, one actor at a time, in an order drawn from a seed, on a clock that
// jumps to the next timer when nobody can run. The same seed and the same
// program give the same run, step by step.
//
// Only actors may call into a simulation, and only to wait in it: a call from an
// ordinary goroutine panics when it can be told apart. Real sockets, sleeps and
// channels stop the world.
type Scheduler struct {
	seed    uint64
	chance  *rand.Rand
	clock   time.Time
	ready   []*task
	tasks   []*task // all that live, for cancellations and reports
	current *task
	alarms  alarms
	count   uint64   // of alarms so far, to order equals
	watches []*watch // in the order they were set
	steps   uint64
	onStep  func(Step)
	onFail  func(Failure)
	halted  error
}

// A Step is one turn of a simulation: an actor ran until it had to wait.
type Step struct {
	Number uint64
	At     time.Duration // virtual time since the start
	Actor  string        // its path
}

// simStart is when every simulation begins: an arbitrary, recognisable instant.
var simStart = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// NewScheduler makes a scheduler for one run. onStep, if not nil, is told each
// step before it is taken.
func NewScheduler(seed uint64, onStep func(Step)) *Scheduler {
	return &Scheduler{seed: seed, chance: rand.New(rand.NewPCG(seed, 0x74726f757065)), clock: simStart, onStep: onStep}
}

// Elapsed is the virtual time since the start.
func (s *Scheduler) Elapsed() time.Duration { return s.clock.Sub(simStart) }

// Run runs a tree until it has ended, like the function [Run]; ctx only supplies
// values. It returns a [*DeadlockError] when actors are left that wait for
// something that cannot happen, after having ended them.
func (s *Scheduler) Run(ctx context.Context, name string, f Func) error {
	ref := start(context.WithoutCancel(ctx), s, name, f)
	sys := ref.node.system
	defer s.killAll()
	for s.halted == nil && (!ref.node.ended.isOpen() || len(s.ready) > 0) {
		if sys.late.isOpen() {
			return sys.overdueError()
		}
		if s.step() || s.heed() || s.advance() {
			continue
		}
		return &DeadlockError{Waiting: s.report()}
	}
	if s.halted != nil {
		return s.halted
	}
	return ref.Err()
}

// Halt ends the simulation where it stands, after the turn that is being taken,
// with an error for Run to return; the first one counts. Nobody is told.
func (s *Scheduler) Halt(err error) {
	if s.halted == nil {
		s.halted = err
	}
}

// OnFailure has f called for each failure of an actor, at the actor where it
// happened. It is set before Run; f must not wait.
func (s *Scheduler) OnFailure(f func(Failure)) { s.onFail = f }

// step lets one runnable actor run until it waits.
func (s *Scheduler) step() bool {
	if len(s.ready) == 0 {
		return false
	}
	i := 0
	if len(s.ready) > 1 {
		i = s.chance.IntN(len(s.ready))
	}
	t := s.ready[i]
	last := len(s.ready) - 1
	s.ready[i] = s.ready[last]
	s.ready = s.ready[:last]
	s.steps++
	if s.onStep != nil {
		s.onStep(Step{Number: s.steps, At: s.Elapsed(), Actor: t.path()})
	}
	s.current = t
	t.state = taskRunning
	_, alive := t.next()
	s.current = nil
	if !alive {
		s.remove(t)
	}
	return true
}

// advance moves the clock to the next alarm and lets it go off.
func (s *Scheduler) advance() bool {
	if len(s.alarms) == 0 {
		return false
	}
	a := heap.Pop(&s.alarms).(*alarm)
	if a.at.After(s.clock) {
		s.clock = a.at
	}
	a.f()
	return true
}

// heed wakes those whose context has ended without the runtime's doing.
func (s *Scheduler) heed() bool {
	woken := s.sweep()
	for _, w := range slices.Clone(s.watches) {
		if w.ctx.Err() != nil && w.stop() {
			w.f()
			woken = true
		}
	}
	return woken
}

func (s *Scheduler) sweep() bool {
	woken := false
	for _, t := range s.tasks {
		if t.state == taskParked && t.ctx != nil && t.ctx.Err() != nil {
			s.wakeUp(t, wokenByContext)
			woken = true
		}
	}
	return woken
}

// report says of each actor that is left what it waits for.
func (s *Scheduler) report() []string {
	var lines []string
	for _, t := range s.tasks {
		what := "something that the runtime does not know"
		if t.role != "" {
			what = "its end"
		} else if w := t.node.wait.Load(); w != nil {
			what = w.String()
		}
		lines = append(lines, t.path()+" waits for "+what)
	}
	slices.Sort(lines)
	return lines
}

// killAll ends what is left, so that no goroutine outlives the simulation.
func (s *Scheduler) killAll() {
	for len(s.tasks) > 0 {
		t := s.tasks[len(s.tasks)-1]
		s.current = t
		t.stop()
		s.current = nil
		s.remove(t)
	}
	s.ready = nil
}

// A task is an actor (or a helper of the runtime) as a coroutine.
type task struct {
	sched  *Scheduler
	node   *node
	role   string // of a helper, in what it does for the actor
	index  int    // in tasks
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	state  taskState
	ctx    context.Context // parked: may end the wait
	reason wakeReason
}

type taskState uint8

const (
	taskReady taskState = iota
	taskRunning
	taskParked
)

type wakeReason uint8

const (
	wokenBySignal wakeReason = iota
	wokenByContext
	wokenByTime
)

func (t *task) path() string {
	if t.role != "" {
		return t.role + " " + t.node.path()
	}
	return t.node.path()
}

// killed is what a parked task panics with when its world ends.
var killed = new(int)

func (s *Scheduler) newTask(n *node, role string, run func()) {
	t := &task{sched: s, node: n, role: role, index: len(s.tasks)}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		t.yield = yield
		swallowKill(run)
	})
	s.tasks = append(s.tasks, t)
	s.ready = append(s.ready, t)
}

func (s *Scheduler) remove(t *task) {
	last := len(s.tasks) - 1
	s.tasks[t.index] = s.tasks[last]
	s.tasks[t.index].index = t.index
	s.tasks[last] = nil
	s.tasks = s.tasks[:last]
}

// park gives the turn away until wakeUp.
func (t *task) park() {
	t.state = taskParked
	t.giveTurn()
}

func (t *task) giveTurn() {
	if !t.yield(struct{}{}) {
		panic(killed)
	}
}

func (s *Scheduler) wakeUp(t *task, why wakeReason) {
	t.state, t.reason = taskReady, why
	s.ready = append(s.ready, t)
}

func (s *Scheduler) yield() { s.mayYield() }

// mayYield lets another actor run first, now and then: every place where an
// actor could wait is one where a real goroutine may be overtaken.
func (s *Scheduler) mayYield() {
	t := s.owner()
	if len(s.ready) > 0 && s.chance.IntN(4) == 0 {
		s.wakeUp(t, wokenBySignal)
		t.giveTurn()
	}
}

// owner returns the running task; a wait outside of one is a mistake.
func (s *Scheduler) owner() *task {
	if s.current == nil {
		panic("actor: an ordinary goroutine or a timer's call tried to wait inside a simulation; only actors may")
	}
	return s.current
}

// spawn, join and the rest make the scheduler a carrier.

func (s *Scheduler) spawn(g *group, n *node, role string, run func() error) {
	if g.empty == nil {
		g.empty = s.parking()
	}
	g.members++
	s.newTask(n, role, func() {
		defer func() {
			g.members--
			if g.members == 0 {
				g.empty.wake()
			}
		}()
		if err := run(); err != nil && g.first == nil {
			g.first = err
		}
	})
}

func (s *Scheduler) join(g *group) error {
	for g.members > 0 {
		g.empty.wait(context.Background(), time.Time{})
	}
	return g.first
}

func (s *Scheduler) now() time.Time        { return s.clock }
func (s *Scheduler) simulator() *Scheduler { return s }
func (s *Scheduler) cancelled()            { s.sweep() }

func (s *Scheduler) random(name string) *rand.Rand {
	return rand.New(rand.NewPCG(s.seed, nameHash(name)))
}

func (s *Scheduler) entropy(name string) io.Reader {
	var seed [32]byte
	r := rand.New(rand.NewPCG(s.seed, ^nameHash(name)))
	for i := range seed {
		seed[i] = byte(r.Uint64())
	}
	return rand.NewChaCha8(seed)
}

func nameHash(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return h.Sum64()
}
