package actor

import (
	"context"
	"slices"
	"time"
)

// How a simulation learns that a context has ended. It cannot ask the context to
// tell it: that takes a goroutine, and contexts tell in no order. But it knows
// when it ends one itself: a context of an actor ends by [Self.end], a timeout by
// its alarm or its cancel function. So those who wait are listed with the actor
// whose context theirs was made from, and looked at when that may have ended.
// Contexts that somebody else can end, too, are polled: at each instant of their
// island, once nobody can run.

// waits are those that a context of one actor may end.
type waits struct {
	tasks   *task
	watches *watch
}

// heeds is how a parked task stands in lists.
type heeds struct {
	of         *waits
	prev, next *task
	poll       int // its number among the polled, from 1; 0: it is not
}

// polled are an island's waits for contexts that the runtime does not know.
type polled struct {
	tasks   []*task
	watches []*watch
}

// heed lists t with what may end ctx.
func (t *task) heed(ctx context.Context) {
	self, direct := ctx.(*Self)
	if !direct {
		if ctx.Done() == nil {
			return
		}
		self = selfOf(ctx)
	}
	t.ctx = ctx
	if self != nil {
		w := self.simWaits()
		t.heeds.of, t.heeds.next = w, w.tasks
		if w.tasks != nil {
			w.tasks.heeds.prev = t
		}
		w.tasks = t
	}
	if !direct && !known(ctx) {
		p := &t.island.polled
		p.tasks = append(p.tasks, t)
		t.heeds.poll = len(p.tasks)
	}
}

func (t *task) unheed() {
	if t.ctx == nil {
		return
	}
	t.ctx = nil
	h := &t.heeds
	if h.of != nil {
		if h.prev != nil {
			h.prev.heeds.next = h.next
		} else {
			h.of.tasks = h.next
		}
		if h.next != nil {
			h.next.heeds.prev = h.prev
		}
	}
	if h.poll > 0 {
		p := &t.island.polled
		last := p.tasks[len(p.tasks)-1]
		p.tasks[h.poll-1], last.heeds.poll = last, h.poll
		p.tasks[len(p.tasks)-1] = nil
		p.tasks = p.tasks[:len(p.tasks)-1]
	}
	*h = heeds{}
}

// simWaits returns the list of an actor.
func (s *Self) simWaits() *waits {
	if s.sim == nil {
		s.sim = &waits{}
	}
	return s.sim
}

// known reports whether a context ends only by the runtime's doing.
func known(ctx context.Context) bool {
	switch c := ctx.(type) {
	case *Self:
		return true
	case *timeout:
		return c.known
	}
	return ctx.Done() == nil
}

// cancelled wakes those whose context has ended with that of self.
func (i *Island) cancelled(self *Self) {
	i.check()
	if self == nil || self.sim == nil {
		i.attention = true
		return
	}
	for t := self.sim.tasks; t != nil; t = t.heeds.next {
		t.isOver()
	}
	for w := self.sim.watches; w != nil; {
		next := w.next
		w.isOver()
		w = next
	}
}

func (t *task) isOver() bool {
	if t.state != taskParked || t.ctx.Err() == nil {
		return false
	}
	t.wakeUp(wokenByContext)
	return true
}

// polls reports whether contexts must be polled.
func (i *Island) polls() bool {
	return len(i.ends) > 0 || len(i.polled.tasks) > 0 || len(i.polled.watches) > 0
}

// heed wakes those whose context has ended without the runtime's doing, and calls
// what was to be called when one had ended.
func (i *Island) heed() (woken bool) {
	i.attention = false
	for k := 0; k < len(i.polled.tasks); k++ {
		woken = i.polled.tasks[k].isOver() || woken
	}
	for k := len(i.polled.watches) - 1; k >= 0; k-- {
		if k < len(i.polled.watches) {
			i.polled.watches[k].isOver()
		}
	}
	for len(i.ends) > 0 {
		list := i.ends
		i.ends = nil
		slices.SortFunc(list, func(a, b *watch) int { return int(a.order) - int(b.order) })
		for _, w := range list {
			if w.state == watchOver {
				w.state = watchGone
				w.f()
				woken = true
			}
		}
	}
	return woken
}

// A watch is an afterDone that waits for its context.
type watch struct {
	island     *Island
	order      uint64
	ctx        context.Context
	f          func()
	state      watchState
	of         *waits
	prev, next *watch
	poll       int
}

type watchState uint8

const (
	watchSet  watchState = iota
	watchOver            // the context has ended, and f will be called
	watchGone
)

func (i *Island) afterDone(ctx context.Context, f func()) func() bool {
	i.count++
	w := &watch{island: i, order: i.count, ctx: ctx, f: f}
	self, direct := ctx.(*Self)
	if !direct {
		if ctx.Done() == nil {
			return w.stop
		}
		self = selfOf(ctx)
	}
	if self != nil {
		list := self.simWaits()
		w.of, w.next = list, list.watches
		if list.watches != nil {
			list.watches.prev = w
		}
		list.watches = w
	}
	if !direct && !known(ctx) {
		i.polled.watches = append(i.polled.watches, w)
		w.poll = len(i.polled.watches)
	}
	w.isOver()
	return w.stop
}

// isOver has f called soon if the context has ended.
func (w *watch) isOver() {
	if w.state == watchSet && w.ctx.Err() != nil {
		w.unlist()
		w.state = watchOver
		w.island.ends = append(w.island.ends, w)
		w.island.attention = true
		w.island.sched.touch(w.island)
	}
}

// stop takes the watch away and reports whether it was still there.
func (w *watch) stop() bool {
	if w.state == watchGone {
		return false
	}
	if w.state == watchSet {
		w.unlist()
	}
	w.state = watchGone
	return true
}

func (w *watch) unlist() {
	if w.of != nil {
		if w.prev != nil {
			w.prev.next = w.next
		} else {
			w.of.watches = w.next
		}
		if w.next != nil {
			w.next.prev = w.prev
		}
		w.of, w.prev, w.next = nil, nil, nil
	}
	if w.poll > 0 {
		p := &w.island.polled
		last := p.watches[len(p.watches)-1]
		p.watches[w.poll-1], last.poll = last, w.poll
		p.watches[len(p.watches)-1] = nil
		p.watches = p.watches[:len(p.watches)-1]
		w.poll = 0
	}
}

// withTimeout is context.WithTimeout in virtual time. A context made from it
// ends with the same cause, and says Canceled of itself.
func (i *Island) withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	at := i.now().Add(d)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(at) {
		at = sooner
	}
	inner, cancel := context.WithCancelCause(ctx)
	c := &timeout{inner, at, known(ctx)}
	end := func(cause error) {
		cancel(cause)
		i.cancelled(selfOf(ctx))
	}
	left := at.Sub(i.now())
	if left <= 0 {
		end(context.DeadlineExceeded)
		return c, func() {}
	}
	a := i.after(left, func() { end(context.DeadlineExceeded) })
	return c, func() {
		a.Stop()
		end(context.Canceled)
	}
}

// A timeout is a context with a deadline in virtual time.
type timeout struct {
	context.Context
	at    time.Time
	known bool // nobody but the runtime ends what it was made from
}

// Deadline is when the context ends, on the virtual clock.
func (c *timeout) Deadline() (time.Time, bool) { return c.at, true }

// Err is DeadlineExceeded when the time was up.
func (c *timeout) Err() error {
	err := c.Context.Err()
	if err != nil && context.Cause(c.Context) == context.DeadlineExceeded {
		return context.DeadlineExceeded
	}
	return err
}
