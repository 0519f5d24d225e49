package sim

import "time"

type linkEventKind uint8

const (
	linkSend     linkEventKind = iota // n bytes of a connection want to leave
	linkSignal                        // something of a connection without bytes: a question, an answer, the end
	linkDatagram                      // n bytes that travel by themselves
	linkChange                        // the link is another one from now on
	linkBlock                         // nothing gets over from now on, for the reason; unknown: everything again
)

// A linkEvent is what happens to a link.
type linkEvent struct {
	kind   linkEventKind
	n      int
	config LinkConfig
	back   time.Duration // linkChange: the latency of the other direction
	reason Reason        // linkBlock
}

type linkEffectKind uint8

const (
	linkArrive linkEffectKind = iota // the first n of the bytes arrive at the time at
	linkFull                         // none is taken before the time at: ask again then
	linkLost                         // n bytes in so many packets are lost for the reason
)

// A linkEffect is what a link does with an event.
//
//	event           effects
//	linkSend        linkArrive, after a linkLost for what had to be sent again
//	                linkFull: the queue has no room
//	                linkLost: blocked; nothing was taken
//	linkSignal      linkArrive, or linkLost when blocked
//	linkDatagram    linkArrive once or twice, or linkLost
//	linkChange      none
//	linkBlock       none
type linkEffect struct {
	kind    linkEffectKind
	n       int
	at      time.Time
	reason  Reason
	packets int    // linkLost
	flip    uint64 // linkArrive: 1 + the number of the bit that is changed; 0: none
	twin    bool   // linkArrive: the second of a datagram
}

// A linkMachine is one direction between two hosts, as far as it is decided when
// something is sent: the uplink of the sending host, which it shares with the
// host's other links, a wire of its own, and what happens on the way. What the
// downlink of the receiving host adds is decided there, at the arrival. It keeps
// no bytes and has no deadline: each answer is a time, and whoever asked acts on
// it.
type linkMachine struct {
	config  LinkConfig
	back    time.Duration
	up      *queue // of the host
	own     queue
	dice    dice
	bad     bool   // in a burst of losses
	blocked Reason // nothing gets over
}

// newLinkMachine makes a link behind an uplink. key is a hash of the seed and the
// two hosts.
func newLinkMachine(c LinkConfig, key uint64, up *queue) *linkMachine {
	m := &linkMachine{config: c.usual(), up: up, dice: dice{key: key}}
	m.own.rate, m.own.limit = m.config.Bandwidth, m.config.Queue
	m.back = m.config.Latency
	return m
}

// Step takes one event and appends its effects to do.
func (m *linkMachine) Step(now time.Time, e linkEvent, do []linkEffect) []linkEffect {
	switch e.kind {
	case linkSend:
		return m.send(now, e.n, do)
	case linkSignal:
		return m.signal(now, do)
	case linkDatagram:
		return m.datagram(now, e.n, do)
	case linkChange:
		m.config, m.back = e.config.usual(), e.back
		m.own.change(now, m.config.Bandwidth, m.config.Queue)
	case linkBlock:
		m.blocked = e.reason
	}
	return do
}

// Deadline returns zero: a link never acts by itself.
func (m *linkMachine) Deadline() time.Time { return time.Time{} }

// full is when there is room for n bytes on both wires; zero: there is now.
func (m *linkMachine) full(now time.Time, n int) time.Time {
	if wait := m.up.over(now, n); wait > 0 {
		return now.Add(wait)
	}
	if m.own.rate > 0 {
		enters := m.up.leaves(now, n)
		if wait := m.own.over(enters, n); wait > 0 {
			// The wire empties while the uplink is busy, so look again when it is free.
			return later(now, m.up.free).Add(wait)
		}
	}
	return time.Time{}
}

// leave sends n bytes over both wires.
func (m *linkMachine) leave(now time.Time, n int) time.Time {
	return m.own.take(m.up.take(now, n), n)
}

// send takes a chunk if there is room in the queues for all of it: a smaller one
// would let full queues cost an event for each few bytes.
func (m *linkMachine) send(now time.Time, n int, do []linkEffect) []linkEffect {
	n = min(n, m.config.Chunk)
	if m.blocked != unknown {
		return append(do, linkEffect{kind: linkLost, n: min(n, m.config.segment()), packets: 1, reason: m.blocked})
	}
	if at := m.full(now, n); !at.IsZero() {
		return append(do, linkEffect{kind: linkFull, at: at})
	}
	late, again, bytes := m.resend(n)
	if again > 0 {
		do = append(do, linkEffect{kind: linkLost, n: bytes, packets: again, reason: LostByChance})
	}
	// What is sent again takes its bandwidth at once, not when its time has come.
	at := m.leave(now, n+bytes).Add(m.config.Latency + m.jitter() + late)
	return append(do, linkEffect{kind: linkArrive, n: n, at: at, flip: m.flip(n)})
}

// signal takes what has no bytes, whatever the queues hold.
func (m *linkMachine) signal(now time.Time, do []linkEffect) []linkEffect {
	if m.blocked != unknown {
		return append(do, linkEffect{kind: linkLost, packets: 1, reason: m.blocked})
	}
	late, again, _ := m.resend(1)
	if again > 0 {
		do = append(do, linkEffect{kind: linkLost, packets: again, reason: LostByChance})
	}
	at := m.leave(now, 0).Add(m.config.Latency + m.jitter() + late)
	return append(do, linkEffect{kind: linkArrive, at: at})
}

// datagram decides what becomes of one. All its random numbers are drawn whatever
// happens to it, so that its fate does not move those of later ones.
func (m *linkMachine) datagram(now time.Time, n int, do []linkEffect) []linkEffect {
	var (
		jitter = m.jitter()
		lost   = m.lost()
		twice  = m.config.Duplicate.hits(m.dice.draw(ofDuplicate))
		late   = m.config.Reorder.hits(m.dice.draw(ofReorder))
		flip   = m.flip(n)
		reason = unknown
	)
	switch {
	case m.blocked != unknown:
		reason = m.blocked
	case n > m.config.MTU:
		reason = LostByMTU
	case !m.full(now, n).IsZero():
		reason = LostByQueue
	}
	if reason != unknown {
		return append(do, linkEffect{kind: linkLost, n: n, packets: 1, reason: reason})
	}
	at := m.leave(now, n).Add(m.config.Latency + jitter)
	if lost { // on the way: it has taken its bandwidth
		return append(do, linkEffect{kind: linkLost, n: n, packets: 1, reason: LostByChance})
	}
	if late {
		at = at.Add(m.config.ReorderBy)
	}
	do = append(do, linkEffect{kind: linkArrive, n: n, at: at, flip: flip})
	if twice {
		do = append(do, linkEffect{kind: linkArrive, n: n, at: at, flip: flip, twin: true})
	}
	return do
}

func (m *linkMachine) jitter() time.Duration {
	x := m.dice.draw(ofJitter)
	if m.config.Jitter == 0 {
		return 0
	}
	return time.Duration(x % uint64(m.config.Jitter+1))
}

// lost draws whether one packet is lost.
func (m *linkMachine) lost() bool {
	turn := m.dice.draw(ofBurst)
	if m.bad {
		m.bad = !m.config.Burst.End.hits(turn) && m.config.Burst.Begin > 0
	} else {
		m.bad = m.config.Burst.Begin.hits(turn)
	}
	chance := m.config.Loss
	if m.bad {
		chance = m.config.Burst.Loss
	}
	return chance.hits(m.dice.draw(ofLoss))
}

// flip draws which bit of n bytes is changed: 1 + its number, or 0.
func (m *linkMachine) flip(n int) uint64 {
	x := m.dice.draw(ofFlip)
	if n == 0 || !m.config.Flip.hits(x) {
		return 0
	}
	return 1 + mix(x)%(uint64(n)*8)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
