package main

import "time"

// retryMachine decides whether a transfer that broke off is tried again, and
// when: after a pause that doubles with each attempt that brought nothing, and
// not any more after too many of those in a row. An attempt that moved bytes
// starts the count again.
type retryMachine struct {
	max   int           // attempts in a row that may bring nothing, beyond the first
	first time.Duration // the first pause; half of it at the least, by chance
	most  time.Duration // the longest pause

	failures int
	due      time.Time
}

// retryEvent is the end of an attempt, or the time for the next one.
type retryEvent struct {
	tick   bool
	moved  int64   // bytes that the attempt moved
	chance float64 // in [0, 1)
}

// retryEffect is what is to be done: wait until the machine's deadline, try
// again now, or give up.
type retryEffect struct {
	kind    retryEffectKind
	pause   time.Duration // with retryWait
	attempt int           // with retryWait: which failure in a row it follows
}

type retryEffectKind uint8

const (
	retryWait retryEffectKind = iota
	retryNow
	retryGiveUp
)

// Deadline is when the next attempt is due; zero while one runs.
func (m *retryMachine) Deadline() time.Time { return m.due }

// Step takes one event and appends its effects to do.
func (m *retryMachine) Step(now time.Time, ev retryEvent, do []retryEffect) []retryEffect {
	if ev.tick {
		if m.due.IsZero() || now.Before(m.due) {
			return do
		}
		m.due = time.Time{}
		return append(do, retryEffect{kind: retryNow})
	}
	if ev.moved > 0 {
		m.failures = 0
	}
	m.failures++
	if m.failures > m.max {
		return append(do, retryEffect{kind: retryGiveUp})
	}
	pause := m.most
	if shift := m.failures - 1; shift < 20 && m.first<<shift < m.most {
		pause = m.first << shift
	}
	pause = pause/2 + time.Duration(float64(pause/2)*ev.chance)
	m.due = now.Add(pause)
	return append(do, retryEffect{kind: retryWait, pause: pause, attempt: m.failures})
}
