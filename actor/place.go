package actor

import (
	"context"
	"errors"
	"os"
	"time"
)

// ErrPowerOff is why a wait on a simulated machine fails whose power is off: see
// [Island.PowerOff].
var ErrPowerOff = errors.New("actor: the machine's power is off")

// A place is the scheduler's parking.
//
// A wake is given to the first in line who still waits. One that time or a
// context has woken already is passed over, although it may not have run yet:
// it will report the time or the context, so the wake must go to somebody else,
// or be kept. One that a wake has woken is out of the line; a second wake goes
// to the next one.
type place struct {
	island      *Island
	first, last *task // the line
	set         bool  // a wake that found nobody
}

func (p *place) wake() {
	s := p.island.sched
	if s.parallel && p.island == s.root {
		s.wakeLater(p)
		return
	}
	p.island.check()
	for t := p.first; t != nil; t = p.first {
		if s.parallel && t.island != p.island {
			p.island.late = append(p.island.late, p)
			return
		}
		p.leave(t)
		if t.state == taskParked {
			t.wakeUp(wokenBySignal)
			return
		}
	}
	p.set = true
}

func (p *place) wait(ctx context.Context, until time.Time) error {
	i := p.island
	if i.sched.parallel {
		i.meet(ctx)
	}
	t := i.mayYield()
	if p.set {
		p.set = false
		return nil
	}
	if i.off && t.state != taskEnded {
		return ErrPowerOff
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !until.IsZero() {
		left := i.left(until)
		if left <= 0 {
			return os.ErrDeadlineExceeded
		}
		// It can go off only while t is parked here: the clock moves when
		// nobody can run.
		t.alarm.Reset(left)
	}
	p.enter(t)
	t.heed(ctx)
	if t.island != i {
		i.guests = append(i.guests, t)
	}
	t.park()
	if t.island != i {
		i.sayGoodbye(t)
	}
	t.unheed()
	if !until.IsZero() {
		t.alarm.Stop()
	}
	switch t.reason {
	case wokenByContext:
		p.leave(t)
		return context.Cause(ctx)
	case wokenByTime:
		p.leave(t)
		return os.ErrDeadlineExceeded
	case wokenByPowerOff:
		p.leave(t)
		return ErrPowerOff
	case wokenBySignal:
	}
	return nil
}

// rest is wait for a task that gives its stack away until it is woken: it returns
// true, and then the task must end its run at once. It begins another one when it
// is woken.
func (p *place) rest() bool {
	t := p.island.mayYield()
	if p.set {
		p.set = false
		return false
	}
	p.enter(t)
	t.state, t.rests = taskParked, true
	return true
}

func (p *place) enter(t *task) {
	t.behind = nil
	if p.last == nil {
		p.first = t
	} else {
		p.last.behind = t
	}
	p.last = t
}

func (p *place) leave(t *task) {
	var before *task
	for at := p.first; at != nil; before, at = at, at.behind {
		if at != t {
			continue
		}
		if before == nil {
			p.first = t.behind
		} else {
			before.behind = t.behind
		}
		if p.last == t {
			p.last = before
		}
		t.behind = nil
		return
	}
}
