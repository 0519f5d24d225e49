package actor

import (
	"container/heap"
	"context"
	"fmt"
	"hash/fnv"
	"io"
	"iter"
	"math/rand/v2"
	"os"
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
	count   uint64 // of tasks and alarms so far, to order equals
	watches []*watch
	steps   uint64
	onStep  func(Step)
	tick    bool // an alarm's call is running
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
	for !ref.node.ended.isOpen() || len(s.ready) > 0 {
		if sys.late.isOpen() {
			return sys.overdueError()
		}
		if s.step() || s.heed() || s.advance() {
			continue
		}
		return &DeadlockError{Waiting: s.report()}
	}
	return ref.Err()
}

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
	for len(s.alarms) > 0 {
		a := heap.Pop(&s.alarms).(*alarm)
		if a.at.After(s.clock) {
			s.clock = a.at
		}
		a.index = -1
		a.fire()
		return true
	}
	return false
}

// heed wakes those whose context has ended without the runtime's doing.
func (s *Scheduler) heed() bool {
	woken := s.sweep()
	for i := 0; i < len(s.watches); i++ {
		w := s.watches[i]
		if w.ctx.Err() == nil {
			continue
		}
		s.watches = append(s.watches[:i], s.watches[i+1:]...)
		i--
		w.done = true
		w.f()
		woken = true
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

func (s *Scheduler) report() []string {
	var lines []string
	for _, t := range s.tasks {
		what := "nothing in particular"
		if t.node != nil {
			if w := t.node.wait.Load(); w != nil {
				what = w.String()
			}
		}
		lines = append(lines, fmt.Sprintf("%s waits for %s", t.path(), what))
	}
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
	node   *node // nil for a helper
	index  int   // in tasks
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
	if t.node == nil {
		return "(stopper)"
	}
	return t.node.path()
}

// killed is what a parked task panics with when its world ends.
var killed = new(int)

func (s *Scheduler) newTask(n *node, run func()) {
	t := &task{sched: s, node: n, index: len(s.tasks)}
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
func (s *Scheduler) park(t *task) {
	t.state = taskParked
	if !t.yield(struct{}{}) {
		panic(killed)
	}
}

func (s *Scheduler) wakeUp(t *task, why wakeReason) {
	t.state, t.reason = taskReady, why
	s.ready = append(s.ready, t)
}

// mayYield lets another actor run first, now and then: a message's way in is a
// place where real goroutines would be overtaken.
func (s *Scheduler) mayYield() {
	t := s.owner()
	if len(s.ready) > 0 && s.chance.IntN(4) == 0 {
		s.wakeUp(t, wokenBySignal)
		if !t.yield(struct{}{}) {
			panic(killed)
		}
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

func (s *Scheduler) spawn(g *group, n *node, run func() error) {
	if g.empty == nil {
		g.empty = s.parking()
	}
	g.members++
	s.newTask(n, func() {
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

// A watch is an afterDone that waits for its context.
type watch struct {
	ctx  context.Context
	f    func()
	done bool
}

func (s *Scheduler) afterDone(ctx context.Context, f func()) func() bool {
	w := &watch{ctx: ctx, f: f}
	s.watches = append(s.watches, w)
	return func() bool {
		if w.done {
			return false
		}
		w.done = true
		for i, other := range s.watches {
			if other == w {
				s.watches = append(s.watches[:i], s.watches[i+1:]...)
				break
			}
		}
		return true
	}
}

// A place is the scheduler's parking.
type place struct {
	sched   *Scheduler
	set     bool
	waiters []*task
}

func (s *Scheduler) parking() parking { return &place{sched: s} }

func (p *place) wake() {
	for len(p.waiters) > 0 {
		t := p.waiters[0]
		p.waiters = p.waiters[1:]
		if t.state == taskParked {
			p.sched.wakeUp(t, wokenBySignal)
			return
		}
	}
	p.set = true
}

func (p *place) wait(ctx context.Context, until time.Time) error {
	s := p.sched
	t := s.owner()
	if p.set {
		p.set = false
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !until.IsZero() {
		if !until.After(s.clock) {
			return os.ErrDeadlineExceeded
		}
		a := s.after(until.Sub(s.clock), func() {
			if t.state == taskParked {
				s.wakeUp(t, wokenByTime)
			}
		})
		defer a.Stop()
	}
	t.ctx = ctx
	p.waiters = append(p.waiters, t)
	s.park(t)
	t.ctx = nil
	for i, w := range p.waiters {
		if w == t {
			p.waiters = append(p.waiters[:i], p.waiters[i+1:]...)
			break
		}
	}
	switch t.reason {
	case wokenByContext:
		return context.Cause(ctx)
	case wokenByTime:
		return os.ErrDeadlineExceeded
	case wokenBySignal:
	}
	return nil
}

// An alarm is a virtual timer.
type alarm struct {
	sched *Scheduler
	at    time.Time
	order uint64
	index int // in the heap, -1 when not set
	f     func()
}

func (s *Scheduler) after(d time.Duration, f func()) timer {
	a := &alarm{sched: s, index: -1, f: f}
	a.Reset(d)
	return a
}

func (a *alarm) fire() { a.f() }

// Stop takes the alarm out of the calendar.
func (a *alarm) Stop() bool {
	if a.index < 0 {
		return false
	}
	heap.Remove(&a.sched.alarms, a.index)
	a.index = -1
	return true
}

// Reset sets the alarm anew, d from now.
func (a *alarm) Reset(d time.Duration) bool {
	was := a.Stop()
	a.sched.count++
	a.at, a.order = a.sched.clock.Add(max(d, 0)), a.sched.count
	heap.Push(&a.sched.alarms, a)
	return was
}

// alarms is the calendar: by time, and in the order they were set.
type alarms []*alarm

func (h alarms) Len() int { return len(h) }
func (h alarms) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}
func (h alarms) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *alarms) Push(x any) {
	a := x.(*alarm)
	a.index = len(*h)
	*h = append(*h, a)
}
func (h *alarms) Pop() any {
	old := *h
	a := old[len(old)-1]
	*h = old[:len(old)-1]
	return a
}
