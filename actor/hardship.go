package actor

import (
	"slices"
	"time"
)

// hardship is what a machine suffers.
type hardship struct {
	service time.Duration // what a step takes
	frozen  time.Duration // nothing happens before
	offset  time.Duration // of its clock
	drift   time.Duration // of its clock, in nanoseconds for each second
	from    time.Duration // since when
	off     bool
	stuck   bool // in a livelock, reported
}

// Slow has each step of an actor of the island take d of virtual time from now
// on: a machine that computes slowly. 0 makes it as fast as usual.
func (i *Island) Slow(d time.Duration) { i.service = max(d, 0) }

// Pause has nothing happen on the island for d, as when a machine is suspended:
// its actors do not run, its timers go off late, what comes for it waits. Pausing
// again replaces the pause; 0 ends it.
func (i *Island) Pause(d time.Duration) {
	i.frozen = later(i.nowTrue(), max(d, 0))
	i.sched.touch(i)
}

// held reports whether the island is paused.
func (i *Island) held() bool { return i.clock < i.frozen || i.stuck }

// Skew sets the island's clock: offset ahead of the simulation's (behind, when
// negative), and from now on drift nanoseconds faster for each second, or slower.
// Timers run by it. A step back of the clock changes no timer that is set.
// drift is bounded to half a second.
func (i *Island) Skew(offset, drift time.Duration) {
	i.offset, i.from = offset, i.nowTrue()
	i.drift = min(max(drift, -time.Second/2), time.Second/2)
}

// nowTrue is the simulation's time.
func (i *Island) nowTrue() time.Duration {
	if s := i.sched; !s.parallel && i.clock < s.now {
		i.clock = s.now
	}
	return i.clock
}

// now is the time on the island's clock.
func (i *Island) now() time.Time {
	at := i.nowTrue()
	if i.drift != 0 {
		at += scale(at-i.from, i.drift)
	}
	return simStart.Add(at + i.offset)
}

// scale is d*drift/second, without leaving 64 bits.
func scale(d, drift time.Duration) time.Duration {
	return d/time.Second*drift + d%time.Second*drift/time.Second
}

// lasts is how long d on the island's clock takes: rounded up, so that no alarm
// goes off early.
func (i *Island) lasts(d time.Duration) time.Duration {
	if i.drift == 0 || d == 0 {
		return d
	}
	rate := time.Second + i.drift
	whole, rest := d/rate, d%rate
	return whole*time.Second + (rest*time.Second+rate-1)/rate
}

// left is how long it is until a time of the island's clock, by that clock.
func (i *Island) left(until time.Time) time.Duration { return until.Sub(i.now()) }

// Elapsed is the simulation's time on the island, since the start.
func (i *Island) Elapsed() time.Duration { return i.nowTrue() }

// PowerOff ends the island at once and for good: its actors are gone where they
// stand, without telling anybody, and nothing reaches it or leaves it any more.
// Deferred functions run; what they send is lost, and their waits fail. Actors of
// other islands that wait for one of its actors get [ErrPowerOff]; a [Watch] on
// the root of its tree, and who waits for its end, learn that it has ended.
//
// A machine of the same name may be made again: another one, with other chance.
func (i *Island) PowerOff() {
	s := i.sched
	if i.off {
		return
	}
	if i == s.root || s.parallel || s.running == i {
		panic("actor: a machine's power is turned off by the tree of Run, for another machine")
	}
	i.off = true
	var roots []*node
	for _, t := range i.tasks {
		if t.role == "" && t.node.parent == nil {
			roots = append(roots, t.node)
		}
	}
	was := s.running
	s.running = i
	i.kill()
	s.running = was
	guests := slices.Clone(i.guests)
	for _, t := range guests {
		if t.state == taskParked {
			t.wakeUp(wokenByPowerOff)
		}
	}
	for _, n := range roots {
		n.close(&ExitError{Path: n.path(), Err: ErrPowerOff})
	}
	i.spare, i.polled = nil, polled{}
	s.forget(i)
}

// Off reports whether the power is off.
func (i *Island) Off() bool { return i.off }

// sayGoodbye takes a task off the guests.
func (i *Island) sayGoodbye(t *task) {
	if k := slices.Index(i.guests, t); k >= 0 {
		i.guests = slices.Delete(i.guests, k, k+1)
	}
}

// forget takes an island out that is off for good.
func (s *Scheduler) forget(i *Island) {
	s.queue.fix(i)
	s.queue.remove(i)
	k := slices.Index(s.islands, i)
	s.islands = slices.Delete(s.islands, k, k+1)
	if s.boots == nil {
		s.boots = map[string]uint64{}
	}
	s.boots[i.name]++
	s.past.steps += i.steps
	s.past.hash = spread(s.past.hash ^ i.hash)
}
