package swarm

import (
	"slices"
	"time"
)

// The dial machine decides which address of one peer is tried when.
//
//	wanted ─▶ ranked, then one after the other with a pause between,
//	          at once after a failure, at most maxAttempts at the same time
//
//	         begin          linked            won
//	waiting ──────▶ trying ────────▶ linked ──────▶ all others are cancelled: done
//	                  │                │
//	                  └── failed ──────┴──▶ over    none is left: give up
//
// Names (/dns…) are looked up first, without a pause; what they stand for joins
// the others. When a connection has come about in another way (satisfied),
// nothing new is tried, and what has a link already may come to its end: the
// remote may count on it.
const (
	// maxAttempts is how many addresses are tried at the same time (go-libp2p
	// swarm, "DefaultPerPeerRateLimit").
	maxAttempts = 8
	// publicPause and localPause are between the beginnings of two attempts, by
	// the kind of the later one (RFC 8305; go-libp2p dial ranker).
	publicPause = 250 * time.Millisecond
	localPause  = 30 * time.Millisecond
	// publicLimit and localLimit bound an attempt, link and upgrade together,
	// and, by the slowest kind among its addresses, the whole dial (go-libp2p
	// swarm, dial timeouts).
	publicLimit = 15 * time.Second
	localLimit  = 5 * time.Second
	// lateAfter is how long attempts may take to notice that their time is over
	// before the dial ends without them.
	lateAfter = time.Second
)

// reach is the kind of an address, in the order of their ranks.
type reach uint8

const (
	named   reach = iota // a name that is looked up first
	local                // this machine or its network: loopback, link-local, private, memory
	public               // the rest
	relayed              // through another peer
)

// target is an address that may lead to the peer.
type target struct {
	id    int // the dial's number for the address
	reach reach
	six   bool // IPv6: first within its kind, as go-libp2p ranks
}

func (t target) limit() time.Duration {
	if t.reach == local {
		return localLimit
	}
	return publicLimit
}

func (t target) pause() time.Duration {
	switch t.reach {
	case named:
		return 0
	case local:
		return localPause
	case public, relayed:
	}
	return publicPause
}

type dialEventKind uint8

const (
	dialWanted    dialEventKind = iota // targets may lead to the peer
	dialLinked                         // the attempt id has a link and upgrades it
	dialFailed                         // the attempt id has come to nothing; targets is what a name stands for
	dialWon                            // the attempt id has led to the peer
	dialSatisfied                      // there is a connection, made in another way
	dialTick                           // the deadline has come
)

type dialEvent struct {
	kind    dialEventKind
	id      int
	targets []target
}

type dialEffectKind uint8

const (
	dialTry    dialEffectKind = iota // begin the attempt id, which has until at
	dialCancel                       // end the attempt id
	dialDone                         // the peer is reached
	dialGiveUp                       // it is not
	dialLate                         // it is not, and the time is over
)

type dialEffect struct {
	kind dialEffectKind
	id   int
	at   time.Time
}

type attemptPhase uint8

const (
	attemptWaiting attemptPhase = iota
	attemptTrying
	attemptLinked
	attemptOver
)

type attemptState struct {
	target
	phase attemptPhase
}

type dialMachine struct {
	attempts  []attemptState // by rank; equals in the order they came
	running   int
	begun     bool
	end       time.Time // of the whole dial: no attempt begins or runs after it
	start     time.Time // when it began
	next      time.Time // no attempt with a pause begins before
	satisfied bool
	over      bool
}

// Deadline is when the next attempt may begin, or the time of the dial is over.
func (m *dialMachine) Deadline() time.Time {
	switch {
	case m.over || !m.begun:
		return time.Time{}
	case m.first() >= 0 && !m.satisfied && m.running < maxAttempts && m.next.Before(m.end):
		return m.next
	}
	return m.end.Add(lateAfter)
}

// Step takes one event and appends its effects to do. After dialDone, dialGiveUp
// or dialLate, each the last effect, nothing has any.
func (m *dialMachine) Step(now time.Time, ev dialEvent, do []dialEffect) []dialEffect {
	if m.over {
		return do
	}
	if !m.begun {
		m.begun, m.start = true, now
	}
	switch ev.kind {
	case dialWanted:
		m.want(ev.targets)
	case dialLinked:
		if a := m.find(ev.id); a != nil && a.phase == attemptTrying {
			a.phase = attemptLinked
		}
	case dialFailed:
		if a := m.find(ev.id); a != nil && a.live() {
			a.phase = attemptOver
			m.running--
			m.next = now // a failure needs no pause
		}
		m.want(ev.targets)
	case dialWon:
		if a := m.find(ev.id); a != nil && a.live() {
			a.phase = attemptOver
			m.running--
			m.over = true
			return append(m.cancel(do, true), dialEffect{kind: dialDone})
		}
	case dialSatisfied:
		m.satisfied = true
		do = m.cancel(do, false)
	case dialTick:
		if !now.Before(m.end.Add(lateAfter)) {
			m.over = true
			return append(m.cancel(do, true), dialEffect{kind: dialLate})
		}
	}
	return m.proceed(now, do)
}

// want ranks targets among those that wait.
func (m *dialMachine) want(targets []target) {
	limit := m.end.Sub(m.start)
	if m.end.IsZero() {
		limit = localLimit
	}
	for _, t := range targets {
		if m.find(t.id) != nil {
			continue
		}
		m.attempts = append(m.attempts, attemptState{target: t})
		limit = max(limit, t.limit())
	}
	m.end = m.start.Add(limit)
	slices.SortStableFunc(m.attempts, func(a, b attemptState) int {
		switch {
		case a.reach != b.reach:
			return int(a.reach) - int(b.reach)
		case a.six == b.six:
			return 0
		case a.six:
			return -1
		}
		return 1
	})
}

// proceed begins what may begin now, and gives up when nothing is left.
func (m *dialMachine) proceed(now time.Time, do []dialEffect) []dialEffect {
	for !m.satisfied && m.running < maxAttempts && now.Before(m.end) {
		i := m.first()
		if i < 0 {
			break
		}
		a := &m.attempts[i]
		if a.reach != named && now.Before(m.next) {
			break
		}
		a.phase = attemptTrying
		m.running++
		until := now.Add(a.limit())
		if until.After(m.end) {
			until = m.end
		}
		do = append(do, dialEffect{kind: dialTry, id: a.id, at: until})
		if following := m.first(); following >= 0 && a.reach != named {
			m.next = now.Add(m.attempts[following].pause())
		}
	}
	if m.running > 0 {
		return do
	}
	if m.satisfied {
		m.over = true
		return append(do, dialEffect{kind: dialDone})
	}
	switch {
	case m.first() < 0:
		m.over = true
		return append(do, dialEffect{kind: dialGiveUp})
	case !now.Before(m.end):
		m.over = true
		return append(do, dialEffect{kind: dialLate})
	}
	return do
}

// cancel ends the attempts that run, those that have a link only if linked says so.
func (m *dialMachine) cancel(do []dialEffect, linked bool) []dialEffect {
	for i := range m.attempts {
		a := &m.attempts[i]
		if a.phase == attemptTrying || (linked && a.phase == attemptLinked) {
			a.phase = attemptOver
			m.running--
			do = append(do, dialEffect{kind: dialCancel, id: a.id})
		}
	}
	return do
}

// first is the index of the best one that waits, -1 if none does.
func (m *dialMachine) first() int {
	return slices.IndexFunc(m.attempts, func(a attemptState) bool { return a.phase == attemptWaiting })
}

func (m *dialMachine) find(id int) *attemptState {
	for i := range m.attempts {
		if m.attempts[i].id == id {
			return &m.attempts[i]
		}
	}
	return nil
}

func (a *attemptState) live() bool { return a.phase == attemptTrying || a.phase == attemptLinked }
