package perf

import "time"

// The pace machine decides when a transfer is looked at although nothing moved,
// when its progress is reported, and when it is given up.
//
//	begin ──▶ wake, moved, moved, … ──▶ report, wake ──▶ … ──▶ slow | long
//
// Whenever least bytes have moved, in both directions together, a new period
// begins; one that passes without is the last. So a remote that sends a byte now
// and then keeps nothing busy.

// paceEventKind says what happened.
type paceEventKind uint8

const (
	paceBegin paceEventKind = iota // the stream is open
	paceMoved                      // in and out bytes moved; none when the wake came
)

type paceEvent struct {
	kind    paceEventKind
	in, out uint64
}

// paceEffectKind says what is to be done.
type paceEffectKind uint8

const (
	paceReport paceEffectKind = iota // tell that in and out bytes moved in the time took
	paceWake                         // come back at the time at, if not before
	paceSlow                         // give up: least bytes did not move in a period
	paceLong                         // give up: the time is over
)

type paceEffect struct {
	kind    paceEffectKind
	took    time.Duration
	in, out uint64
	at      time.Time
}

// paceMark is how far a transfer was at some time.
type paceMark struct {
	at      time.Time
	in, out uint64
}

// paceMachine is the pace of one stream. A zero duration means never.
type paceMachine struct {
	every   time.Duration // between two reports
	period  time.Duration // in which least bytes must move
	least   uint64
	longest time.Duration // the whole transfer

	now      paceMark
	began    time.Time
	reported paceMark // the last report
	checked  paceMark // the begin of the period
	wake     time.Time
}

// Step takes one event and appends what is to be done, in order.
func (m *paceMachine) Step(now time.Time, ev paceEvent, do []paceEffect) []paceEffect {
	m.now.at = now
	switch ev.kind {
	case paceBegin:
		m.began, m.reported, m.checked = now, m.now, m.now
	case paceMoved:
		m.now.in += ev.in
		m.now.out += ev.out
	}
	if m.every > 0 && now.Sub(m.reported.at) >= m.every {
		do = append(do, paceEffect{
			kind: paceReport, took: now.Sub(m.reported.at),
			in: m.now.in - m.reported.in, out: m.now.out - m.reported.out,
		})
		m.reported = m.now
	}
	if m.longest > 0 && now.Sub(m.began) >= m.longest {
		return append(do, paceEffect{kind: paceLong})
	}
	if m.now.in-m.checked.in+m.now.out-m.checked.out >= m.least {
		m.checked = m.now
	} else if m.period > 0 && now.Sub(m.checked.at) >= m.period {
		return append(do, paceEffect{kind: paceSlow})
	}
	// What is due only moves away. A wake that comes too early does no harm, so it
	// is not moved with each block.
	if next := m.next(); !next.IsZero() && !m.wake.After(now) {
		m.wake = next
		do = append(do, paceEffect{kind: paceWake, at: next})
	}
	return do
}

// next is when something is due, or the zero time.
func (m *paceMachine) next() time.Time {
	var first time.Time
	for _, due := range [...]struct {
		since time.Time
		d     time.Duration
	}{{m.reported.at, m.every}, {m.checked.at, m.period}, {m.began, m.longest}} {
		if at := due.since.Add(due.d); due.d > 0 && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}
