package actor

import (
	"context"
	"time"
)

// A Crossing is the way from one machine of a simulation to another one, or to
// itself.
type Crossing struct{ from, to carrier }

// A letter is what crosses.
type letter struct {
	to    *Island
	at    time.Duration
	order uint64
	what  Arrival
}

// An Arrival is something that crosses. Arrive is called when it is there, outside
// of any actor, and must not wait.
type Arrival interface{ Arrive() }

type call func()

// Arrive calls it.
func (f call) Arrive() { f() }

// NewCrossing returns the way from the machine that the actor of from is on to
// that of to.
func NewCrossing(from, to context.Context) Crossing {
	return Crossing{carrierOf(from), carrierOf(to)}
}

// Simulated reports whether it is in a simulation; elsewhere what crosses at one
// instant arrives in any order.
func (c Crossing) Simulated() bool { return c.from.simulator() != nil }

// Far reports whether it leads to another machine: then what is sent must not
// touch what is there, and what is there must not touch what sent it, but in the
// calls that cross.
func (c Crossing) Far() bool { return c.from != c.to }

// At has f called once, on the other machine, at the given time of [WorldNow],
// outside of any actor; f must not wait. It is called by the machine that it
// leads from. The time is at least the look-ahead from now, see [LookAhead]. What
// crosses is called in the order of the times, of the machines it comes from, and
// in which they sent it.
func (c Crossing) At(at time.Time, f func()) { c.Send(at, call(f)) }

// Send is At for something that is there already, so that nothing is allocated.
func (c Crossing) Send(at time.Time, what Arrival) {
	from, to := c.from.simulator(), c.to.simulator()
	if from == nil || to == nil {
		c.to.after(at.Sub(c.to.now()), what.Arrive)
		return
	}
	if from.off || to.off {
		return
	}
	when := max(at.Sub(simStart), from.nowTrue())
	from.count++
	if s := from.sched; s.parallel && from != to {
		if when < s.end {
			s.Halt(errTooFast)
		}
		from.out = append(from.out, letter{to, when, from.count, what})
		return
	}
	to.deliver(from.index, letter{to, when, from.count, what})
	to.sched.touch(to)
}

// deliver puts a letter into the calendar.
func (i *Island) deliver(source int, l letter) {
	if i.off {
		return
	}
	var a *alarm
	if last := len(i.spare) - 1; last >= 0 {
		a, i.spare[last] = i.spare[last], nil
		i.spare = i.spare[:last]
	} else {
		a = &alarm{island: i, once: true}
	}
	a.at, a.source, a.order, a.what = l.at, source, l.order, l.what
	i.alarms.add(a)
}

// LookAhead tells the simulation of the actor that ctx belongs to that nothing
// crosses between two machines in less than d: so they may be played side by side
// for that long. 0 means that something may cross in no time. It is called by the
// tree of [Scheduler.Run]. Outside of a simulation it does nothing.
func LookAhead(ctx context.Context, d time.Duration) {
	if i := carrierOf(ctx).simulator(); i != nil {
		i.sched.lookahead = max(d, 0)
	}
}

// WorldNow is [Now] on the simulation's own clock, which no skew of a machine's
// clock touches: the time of what crosses.
func WorldNow(ctx context.Context) time.Time {
	c := carrierOf(ctx)
	if i := c.simulator(); i != nil {
		return simStart.Add(i.nowTrue())
	}
	return c.now()
}
