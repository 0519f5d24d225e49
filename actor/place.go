package actor

import (
	"context"
	"os"
	"slices"
	"time"
)

// A place is the scheduler's parking.
//
// A wake is given to the first in line who still waits. One that time or a
// context has woken already is passed over, although it may not have run yet:
// it will report the time or the context, so the wake must go to somebody else,
// or be kept. One that a wake has woken is out of the line; a second wake goes
// to the next one.
type place struct {
	sched *Scheduler
	set   bool // a wake that found nobody
	line  []*task
}

func (s *Scheduler) parking() parking { return &place{sched: s} }

func (s *Scheduler) signal(what string) Signal { return Signal{s.parking(), &waitNote{what: what}} }

func (p *place) wake() {
	for len(p.line) > 0 {
		t := p.line[0]
		p.line = slices.Delete(p.line, 0, 1)
		if t.state == taskParked {
			p.sched.wakeUp(t, wokenBySignal)
			return
		}
	}
	p.set = true
}

func (p *place) wait(ctx context.Context, until time.Time) error {
	s := p.sched
	s.mayYield()
	if p.set {
		p.set = false
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	t := s.owner()
	if !until.IsZero() {
		if !until.After(s.clock) {
			return os.ErrDeadlineExceeded
		}
		// It can go off only while t is parked here: the clock moves when
		// nobody can run.
		a := s.after(until.Sub(s.clock), func() { s.wakeUp(t, wokenByTime) })
		defer a.Stop()
	}
	t.ctx = ctx
	p.line = append(p.line, t)
	t.park()
	t.ctx = nil
	switch t.reason {
	case wokenByContext:
		p.leave(t)
		return context.Cause(ctx)
	case wokenByTime:
		p.leave(t)
		return os.ErrDeadlineExceeded
	case wokenBySignal:
	}
	return nil
}

func (p *place) leave(t *task) {
	if i := slices.Index(p.line, t); i >= 0 {
		p.line = slices.Delete(p.line, i, i+1)
	}
}
