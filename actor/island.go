package actor

import (
	"context"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

// An Island is one machine of a simulation: a carrier with its own choice of who
// runs, its own calendar and its own clock. What its actors do takes effect
// elsewhere only through a [Crossing].
//
// Its methods that change it (Pause, Skew, PowerOff …) are called by the tree of
// [Scheduler.Run], while the other islands stand still.
type Island struct {
	sched *Scheduler
	name  string
	index int // in the order they were made
	key   time.Duration
	slot  int    // in the queue
	boot  uint64 // how many of this name were before it

	chance  *rand.Rand
	clock   time.Duration
	ready   []*task
	tasks   []*task // all that live, for reports
	current *task
	next    *task // takes the next turn: it was held up in the last one
	alarms  calendar
	count   uint64   // of alarms and crossings so far, to order equals
	out     []letter // that leave at the end of the window
	spare   []*alarm // that carried something here
	late    []*place // to wake at the end of the window: tasks of other islands wait there
	guests  []*task  // of other islands that wait at places of this one

	steps uint64
	hash  uint64 // of the steps
	still uint64 // steps since the time moved

	attention bool // contexts are to be looked at
	ends      []*watch
	polled    polled
	hardship
}

// NewIsland makes a machine, named as its tree will be, in the simulation of the
// actor that ctx belongs to, or nil when that is not in one. The tree of
// [Scheduler.Run] makes islands, nobody else.
func NewIsland(ctx context.Context, name string) *Island {
	i := carrierOf(ctx).simulator()
	if i == nil {
		return nil
	}
	return i.sched.newIsland(name)
}

func (s *Scheduler) newIsland(name string) *Island {
	if s.parallel {
		panic("actor: an island was made by an actor of another one than the first")
	}
	i := &Island{sched: s, name: name, index: s.made, key: never, clock: s.now}
	s.made++
	i.boot = s.boots[name]
	i.chance = rand.New(rand.NewPCG(s.seed, 0x74726f757065^i.salt(nameHash(name))^nameHash("")))
	s.islands = append(s.islands, i)
	s.queue.add(i)
	return i
}

// salt makes the chance of a machine that was started again another one.
func (i *Island) salt(x uint64) uint64 {
	if i.boot > 0 {
		x = spread(x + i.boot)
	}
	return x
}

type islandKey struct{}

// Context returns ctx with the island as the place of what is started with it:
// [Start] and [Run] begin a tree of its own there, whose path begins with that of
// the actor that ctx belongs to. The end of ctx stops the tree.
func (i *Island) Context(ctx context.Context) context.Context {
	return context.WithValue(ctx, islandKey{}, i)
}

// Outside is [Outside] for the island: a context that never ends and belongs to no
// actor, on its clock and carrier.
func (i *Island) Outside() context.Context { return &outside{context.Background(), i} }

// placeOf returns the island that ctx says a tree is to be started on, or nil
// when parent is there already.
func placeOf(ctx context.Context, parent *Self) *Island {
	i, _ := ctx.Value(islandKey{}).(*Island)
	if i == nil || parent.node.system.carrier == carrier(i) {
		return nil
	}
	return i
}

// play goes on until the time end, or until nothing is left to do before it.
func (i *Island) play(end time.Duration, over func() bool) {
	for (over == nil || !over()) && !i.stuck {
		if i.sched.parallel {
			if i.next != nil { // held up until the end of the window
				return
			}
		} else if i.sched.stopped.Load() {
			return
		}
		switch {
		case len(i.ready) > 0 || i.next != nil:
			if i.clock >= end || i.held() {
				return
			}
			i.step()
		case i.attention || i.polls():
			if !i.heed() && !i.advance(end) {
				return
			}
		default:
			if !i.advance(end) {
				return
			}
		}
	}
}

// step lets one runnable actor run until it waits.
func (i *Island) step() {
	t := i.next
	i.clock = later(i.clock, i.service)
	if i.next = nil; t == nil {
		k := 0
		if len(i.ready) > 1 {
			k = i.chance.IntN(len(i.ready))
		}
		t = i.ready[k]
		last := len(i.ready) - 1
		i.ready[k], i.ready[last] = i.ready[last], nil
		i.ready = i.ready[:last]
		i.steps++
		i.hash = spread(i.hash ^ uint64(i.clock)*0x9e3779b97f4a7c15 ^ t.id)
		if f := i.sched.options.OnStep; f != nil {
			f(Step{Number: i.steps, Island: i.index, At: i.clock, Actor: t.path()})
		}
	}
	i.current = t
	t.state = taskRunning
	w := i.sched.watcher
	if w != nil {
		w.begins(i, t)
	}
	f := t.fiber
	if f == nil { // it begins, or has rested
		f = i.sched.fiber()
		f.task, t.fiber, t.rests = t, f, false
	}
	f.next()
	if w != nil {
		w.ends(i)
	}
	i.current = nil
	if f.task == nil {
		if t.fiber = nil; !t.rests {
			i.remove(t)
		}
		i.sched.keep(f)
	}
	if i.still++; i.still > maxStill {
		i.sched.Halt(&LivelockError{At: i.clock, Actors: i.runnable()})
		i.still = 0
		i.stuck = true
	}
}

// runnable are the actors that could run.
func (i *Island) runnable() []string {
	var paths []string
	for _, t := range i.ready {
		paths = append(paths, t.path())
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// advance moves the clock to the next alarm, if that comes before end, and lets
// it go off.
func (i *Island) advance(end time.Duration) bool {
	if len(i.alarms) == 0 || i.held() {
		return false
	}
	a := i.alarms[0]
	if max(a.at, i.clock) >= end {
		return false
	}
	i.alarms.remove(a)
	if a.at > i.clock {
		i.clock, i.still = a.at, 0
	}
	a.ring()
	return true
}

// due is when the island has something to do.
func (i *Island) due() time.Duration {
	at := never
	switch {
	case i.off || i.stuck:
		return never
	case len(i.ready) > 0 || i.next != nil || i.attention:
		at = i.clock
	case len(i.alarms) > 0:
		at = max(i.alarms[0].at, i.clock)
	}
	if at < i.frozen {
		at = i.frozen
	}
	return at
}

// caller returns the running task; a wait outside of one is a mistake. In
// lockstep it may be one of another island.
func (i *Island) caller() *task {
	var t *task
	if s := i.sched; s.parallel {
		t = i.current
	} else if s.running != nil {
		t = s.running.current
	}
	if t == nil {
		panic("actor: an ordinary goroutine or a timer's call tried to wait inside a simulation; only actors may")
	}
	if i.sched.options.Check {
		t.mustBeHere()
	}
	return t
}

// mayYield lets another actor run first, now and then: every place where an
// actor could wait is one where a real goroutine may be overtaken.
func (i *Island) mayYield() *task {
	t := i.caller()
	at := t.island
	if len(at.ready) > 0 && at.chance.Uint64()&3 == 0 {
		t.wakeUp(wokenBySignal)
		t.giveTurn()
	}
	return t
}

// spawn, join and the rest make the island a carrier.

func (i *Island) spawn(g *group, n *node, role string, run func() error) {
	i.check()
	if i.off {
		return
	}
	if g.empty == nil {
		g.empty = i.parking()
	}
	g.members++
	i.newTask(g, n, role, run)
	i.sched.touch(i)
}

func (i *Island) join(g *group) error {
	for g.members > 0 {
		g.empty.wait(context.Background(), time.Time{})
	}
	return g.first
}

func (i *Island) yield()             { i.mayYield() }
func (i *Island) simulator() *Island { return i }
func (i *Island) parking() parking   { return &place{island: i} }
func (i *Island) signal(what string) Signal {
	return Signal{i.parking(), &waitNote{what: what}}
}

func (i *Island) random(name string) *rand.Rand {
	return rand.New(rand.NewPCG(i.sched.seed, i.salt(nameHash(name))))
}

func (i *Island) entropy(name string) io.Reader {
	var seed [32]byte
	r := rand.New(rand.NewPCG(i.sched.seed, ^i.salt(nameHash(name))))
	for k := range seed {
		seed[k] = byte(r.Uint64())
	}
	return rand.NewChaCha8(seed)
}
