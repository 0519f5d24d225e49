package actor

import "time"

// The restart machine decides what the end of a child means. It is the same
// machine for one supervised actor and for a group with a strategy.
//
//	         exited, to be restarted                all affected are down,
//	running ───────────────────────▶ needed ───────────────────────────▶ running
//	   │ exited for good               ▲           pause is over: start
//	   ▼                               │ exited
//	  over                  running ─▶ stopping (affected by a sibling's end)
//
// Told to stop, or with its budget used up, it brings all children down, the
// last one first, and then says allDone or giveUp.

type plan struct {
	strategy   Strategy
	whens      []When // one a child, in start order
	max        int
	within     time.Duration
	backoff    time.Duration
	backoffMax time.Duration
}

type restartEventKind uint8

const (
	begin       restartEventKind = iota // start everything
	childExited                         // child ended, by itself or as told
	childLate                           // child was told to stop and has not, within its grace
	tick                                // the deadline has come
	stopAsked                           // the supervisor is told to end
)

type restartEvent struct {
	kind   restartEventKind
	child  int
	failed bool
	chance float64 // in [0,1): the random part of a pause
}

type restartEffectKind uint8

const (
	startChild restartEffectKind = iota
	stopChild
	allDone     // nothing is left to supervise
	giveUp      // the budget is used up; everything is down
	giveUpStuck // a child did not stop; everything else is down
)

type restartEffect struct {
	kind  restartEffectKind
	child int
}

type childPhase uint8

const (
	childNeeded   childPhase = iota // down, to be started when its time has come
	childRunning                    // started
	childStopping                   // told to stop
	childOver                       // down for good
	childLost                       // told to stop, late: no longer waited for
)

type childState struct {
	phase    childPhase
	again    bool      // running or stopping, and to be started again afterwards
	due      time.Time // needed: not before
	failures int       // in a row, for the pause
	started  time.Time
}

type ending uint8

const (
	endNot  ending = iota
	endStop        // as told
	endGiveUp
	endStuck
	ended
)

type restartMachine struct {
	plan     plan
	children []childState
	history  []time.Time // restarts within the period
	ending   ending
}

func newRestartMachine(p plan) *restartMachine {
	return &restartMachine{plan: p, children: make([]childState, len(p.whens))}
}

// Deadline is when a needed child may be started next; zero when nothing would
// come of a tick.
func (m *restartMachine) Deadline() time.Time {
	var first time.Time
	if m.ending != endNot {
		return first
	}
	for _, c := range m.children {
		if c.phase == childStopping || (c.phase == childRunning && c.again) {
			return time.Time{} // a round goes on; an exit comes first
		}
		if c.phase != childNeeded {
			continue
		}
		if first.IsZero() || (m.plan.strategy == OneForOne && c.due.Before(first)) {
			first = c.due
		}
	}
	return first
}

// Step takes one event and appends its effects to do.
func (m *restartMachine) Step(now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
	switch ev.kind {
	case begin:
		for i := range m.children {
			m.children[i].due = now
		}
	case childExited:
		m.exited(now, ev)
	case childLate:
		if m.children[ev.child].phase == childStopping {
			m.children[ev.child].phase = childLost
			if m.ending == endNot {
				m.ending = endStuck
			}
		}
	case tick:
	case stopAsked:
		if m.ending == endNot {
			m.ending = endStop
		}
	}
	return m.settle(now, do)
}

// exited records the end of a child and which siblings it affects.
func (m *restartMachine) exited(now time.Time, ev restartEvent) {
	c := &m.children[ev.child]
	was := c.phase
	if was == childNeeded || was == childOver {
		return // it is down already
	}
	c.phase = childOver
	if m.ending != endNot || was == childLost {
		return
	}
	if was == childStopping || c.again {
		// Part of a round: a failure on the way down counts for nothing more.
		if c.again && m.plan.whens[ev.child] != Never {
			c.phase = childNeeded
		}
		c.again = false
		return
	}
	when := m.plan.whens[ev.child]
	if when == Never || (when == OnFailure && !ev.failed) {
		return
	}
	m.history = append(m.history, now)
	for len(m.history) > 0 && now.Sub(m.history[0]) > m.plan.within {
		m.history = m.history[1:]
	}
	if len(m.history) > max(m.plan.max, 0) {
		m.ending = endGiveUp
		return
	}
	if now.Sub(c.started) > m.plan.within {
		c.failures = 0
	}
	c.phase = childNeeded
	c.due = now.Add(m.pause(c.failures, ev.chance))
	c.failures++
	m.affect(ev.child, c.due)
}

// affect marks the siblings that are restarted together with child.
func (m *restartMachine) affect(child int, due time.Time) {
	from := len(m.children)
	switch m.plan.strategy {
	case OneForOne:
	case RestForOne:
		from = child + 1
	case OneForAll:
		from = 0
	}
	for i := from; i < len(m.children); i++ {
		c := &m.children[i]
		switch c.phase {
		case childRunning, childStopping:
			c.again = true
			c.due = due
		case childNeeded:
			if c.due.Before(due) {
				c.due = due
			}
		case childOver, childLost:
		}
	}
}

// pause is the time before the next start, after so many failures in a row.
func (m *restartMachine) pause(failures int, chance float64) time.Duration {
	d := m.plan.backoff
	if d <= 0 {
		return 0
	}
	for range failures {
		if d >= m.plan.backoffMax/2 {
			d = m.plan.backoffMax
			break
		}
		d *= 2
	}
	return d - time.Duration(chance*float64(d)/4)
}

// settle does what the state asks for next: bring down, or start.
func (m *restartMachine) settle(now time.Time, do []restartEffect) []restartEffect {
	if m.ending == ended {
		return do
	}
	if m.ending != endNot {
		return m.bringDown(do)
	}
	// A round: those affected go down one at a time, the last one first.
	down := -1
	for i, c := range m.children {
		if c.phase == childStopping {
			return do
		}
		if c.phase == childRunning && c.again {
			down = i
		}
	}
	if down >= 0 {
		m.children[down].phase = childStopping
		return append(do, restartEffect{stopChild, down})
	}
	left := false
	for i := range m.children {
		c := &m.children[i]
		if c.phase == childNeeded {
			left = true
			if c.due.After(now) {
				if m.plan.strategy != OneForOne {
					return do // start order
				}
				continue
			}
			c.phase, c.started = childRunning, now
			do = append(do, restartEffect{startChild, i})
		}
		left = left || c.phase == childRunning
	}
	if !left {
		m.ending = ended
		do = append(do, restartEffect{kind: allDone})
	}
	return do
}

// bringDown stops everything, the last one first, and says when it is over.
func (m *restartMachine) bringDown(do []restartEffect) []restartEffect {
	running := -1
	for i, c := range m.children {
		if c.phase == childStopping {
			return do
		}
		if c.phase == childRunning {
			running = i
		}
	}
	if running >= 0 {
		m.children[running].phase = childStopping
		return append(do, restartEffect{stopChild, running})
	}
	kind := allDone
	switch m.ending {
	case endGiveUp:
		kind = giveUp
	case endStuck:
		kind = giveUpStuck
	case endNot, endStop, ended:
	}
	m.ending = ended
	return append(do, restartEffect{kind: kind})
}
