package actor

import (
	"container/heap"
	"context"
	"slices"
	"time"
)

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

// Stop takes the alarm out of the calendar.
func (a *alarm) Stop() bool {
	if a.index < 0 {
		return false
	}
	heap.Remove(&a.sched.alarms, a.index)
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
	a.index = -1
	*h = old[:len(old)-1]
	return a
}

// A watch is an afterDone that waits for its context.
type watch struct {
	sched *Scheduler
	ctx   context.Context
	f     func()
}

func (s *Scheduler) afterDone(ctx context.Context, f func()) func() bool {
	w := &watch{s, ctx, f}
	s.watches = append(s.watches, w)
	return w.stop
}

// stop takes the watch away and reports whether it was still there.
func (w *watch) stop() bool {
	i := slices.Index(w.sched.watches, w)
	if i < 0 {
		return false
	}
	w.sched.watches = slices.Delete(w.sched.watches, i, i+1)
	return true
}

// withTimeout is context.WithTimeout in virtual time. A context made from it
// ends with the same cause, and says Canceled of itself.
func (s *Scheduler) withTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	at := s.clock.Add(d)
	if sooner, ok := ctx.Deadline(); ok && sooner.Before(at) {
		at = sooner
	}
	inner, cancel := context.WithCancelCause(ctx)
	c := &timeout{inner, at}
	over := func() {
		cancel(context.DeadlineExceeded)
		s.cancelled()
	}
	if !at.After(s.clock) {
		over()
		return c, func() {}
	}
	a := s.after(at.Sub(s.clock), over)
	return c, func() {
		a.Stop()
		cancel(context.Canceled)
		s.cancelled()
	}
}

// A timeout is a context with a deadline in virtual time.
type timeout struct {
	context.Context
	at time.Time
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
