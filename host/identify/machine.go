package identify

import (
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The machine decides when a peer is asked, when it is told, and what is believed
// of what it says.
//
//	            room                 it answered
//	waiting ───────────▶ asking ───────────────────▶ known
//	   ▲                    │ no answer, or a bad one   │
//	   │                    ▼                           │ some of its pushes
//	   │                 unknown ── a push ──▶ known    │ were ignored, and
//	   └────────────────────────────────────────────────┘ it may speak again
//
// A peer that supports pushes is told, one push at a time, until it has been told
// the newest version of what this host says of itself.

// How much is done at a time, and how often.
const (
	// maxAsking is how many peers are asked at the same time, and maxAskingInbound
	// how many of those on connections that they opened: strangers that come and
	// do not answer must not delay those that this host wants.
	maxAsking        = 128
	maxAskingInbound = 96
	// maxPushing is how many peers are told at the same time, as in go-libp2p
	// (p2p/protocol/identify/id.go).
	maxPushing = 32
	// settle is how long this host waits for further changes before it tells
	// others of one.
	settle = 250 * time.Millisecond
	// pushBurst is how many pushes of one peer are taken at once, and pushEvery
	// how long it takes to earn one more. (go-libp2p, issues 3035 and 3266: any
	// number was taken.)
	pushBurst = 10
	pushEvery = 6 * time.Second
)

// connID names a connection of this service.
type connID uint64

// event is one of the things that happen, in order of their kinds.
type event struct {
	kind    eventKind
	conn    connID
	peer    peer.ID // connUp
	inbound bool    // connUp: the peer opened it
	behind  bool    // connUp: what this host says may have changed since it is open
	ticket  uint64  // pushRead
	info    *Info   // asked, pushRead: what the peer said; nil: nothing, see err
	err     error   // asked, pushed
}

type eventKind uint8

const (
	connUp   eventKind = iota // a connection is open
	connDown                  // it has ended
	asked                     // asking is over
	pushed                    // telling is over
	pushCame                  // the peer wants to tell something
	pushRead                  // it has
	changed                   // what this host says of itself is new
	tick                      // the deadline has come
)

// effect is one of the things to be done.
type effect struct {
	kind   effectKind
	conn   connID
	peer   peer.ID
	ticket uint64 // admit
	info   *Info  // learn
	fresh  bool   // learn: the protocols are new
}

type effectKind uint8

const (
	ask     effectKind = iota // ask the peer, on this connection
	push                      // tell the peer
	admit                     // read what it wants to tell
	ignore                    // reset that stream
	learn                     // this is what is known of it now
	settled                   // what can be said of the peer may be something else now
)

type phase uint8

const (
	phaseWaiting phase = iota // for its turn to be asked
	phaseAsking
	phaseKnown
	phaseUnknown // it did not answer
)

// remote is what the machine knows of one connection.
type remote struct {
	id      connID
	peer    *remotePeer
	inbound bool
	phase   phase
	why     error // phaseUnknown

	info      *Info         // what it has said; nil: nothing
	about     [parts]uint64 // the tickets of what is in it
	heard     uint64        // when it said something last: grows with each saying of anybody
	askTicket uint64
	again     bool // it has to be asked once more

	pushable bool   // it supports pushes
	queued   bool   // to be told
	pushing  bool   // one is under way
	telling  uint64 // the version that is
	told     uint64 // the version that it knows
}

// remotePeer is what the machine knows of a peer, as long as it is connected.
type remotePeer struct {
	id      peer.ID
	conns   []*remote // the oldest first
	tokens  int       // pushes it may make now
	earned  time.Time // when the last token was added
	ignored bool      // a push was, so it has to be asked again
}

// machine is the decisions of the service. A map is only looked up; what is done
// in an order is kept in slices.
type machine struct {
	conns    map[connID]*remote
	order    []*remote // the same, the oldest first
	peers    map[peer.ID]*remotePeer
	waiting  []*remote     // to be asked: those opened here
	guests   []*remote     // to be asked: those opened there
	stale    []*remotePeer // with pushes that were ignored
	asking   int           // now, of both kinds
	inbound  int           // of the second
	tickets  uint64        // given so far: a greater one began later
	sayings  uint64        // heard so far
	version  uint64        // of what this host says, from 1
	due      time.Time     // when others are told of it
	announce uint64        // the version that others are to be told
	queue    []*remote     // to be told
	pushing  int
}

func newMachine() *machine {
	return &machine{conns: make(map[connID]*remote), peers: make(map[peer.ID]*remotePeer), version: 1, announce: 1}
}

// Deadline is when the next tick is wanted; zero: never.
func (m *machine) Deadline() time.Time {
	at := m.due
	for _, p := range m.stale {
		if again := p.earned.Add(pushEvery); at.IsZero() || again.Before(at) {
			at = again
		}
	}
	return at
}

// Step takes one event and appends its effects to do.
func (m *machine) Step(now time.Time, ev event, do []effect) []effect {
	switch ev.kind {
	case connUp:
		m.up(now, ev)
	case connDown:
		do = m.down(ev.conn, do)
	case asked:
		do = m.answered(ev, do)
	case pushed:
		m.hasPushed(ev)
	case pushCame:
		do = m.came(now, ev.conn, do)
	case pushRead:
		do = m.read(ev, do)
	case changed:
		m.version++
		if m.due.IsZero() {
			m.due = now.Add(settle)
		}
	case tick:
		m.tick(now)
	}
	return m.begin(do)
}

func (m *machine) up(now time.Time, ev event) {
	if m.conns[ev.conn] != nil {
		return
	}
	p := m.peers[ev.peer]
	if p == nil {
		p = &remotePeer{id: ev.peer, tokens: pushBurst, earned: now}
		m.peers[ev.peer] = p
	}
	c := &remote{id: ev.conn, peer: p, inbound: ev.inbound, told: m.version}
	if ev.behind {
		c.told--
	}
	m.conns[ev.conn] = c
	m.order = append(m.order, c)
	p.conns = append(p.conns, c)
	m.enqueue(c)
}

func (m *machine) enqueue(c *remote) {
	c.phase = phaseWaiting
	if c.inbound {
		m.guests = append(m.guests, c)
	} else {
		m.waiting = append(m.waiting, c)
	}
}

func (m *machine) down(id connID, do []effect) []effect {
	c := m.conns[id]
	if c == nil {
		return do
	}
	delete(m.conns, id)
	if c.phase == phaseAsking {
		m.asks(c, -1)
	}
	if c.pushing {
		m.pushing--
	}
	m.order, m.queue = without(m.order, c), without(m.queue, c)
	m.waiting, m.guests = without(m.waiting, c), without(m.guests, c)
	p := c.peer
	p.conns = without(p.conns, c)
	if len(p.conns) == 0 {
		delete(m.peers, p.id)
		m.stale = without(m.stale, p)
	}
	return append(do, effect{kind: settled, peer: p.id})
}

func without[T comparable](all []T, one T) []T {
	if i := slices.Index(all, one); i >= 0 {
		return slices.Delete(all, i, i+1)
	}
	return all
}

func (m *machine) asks(c *remote, n int) {
	m.asking += n
	if c.inbound {
		m.inbound += n
	}
}

// answered takes note of the end of asking.
func (m *machine) answered(ev event, do []effect) []effect {
	c := m.conns[ev.conn]
	if c == nil || c.phase != phaseAsking {
		return do
	}
	m.asks(c, -1)
	c.phase, c.why = phaseKnown, nil
	if ev.info != nil {
		said := *ev.info
		if said.Protocols == nil {
			said.Protocols = []negotiate.Protocol{} // an answer is complete: it supports none
		}
		do = m.heard(c, c.askTicket, &said, do)
	} else if c.info == nil { // nor has it pushed meanwhile
		c.phase, c.why = phaseUnknown, ev.err
	}
	if c.again {
		c.again = false
		m.enqueue(c)
	}
	return append(do, effect{kind: settled, peer: c.peer.id})
}

// tell puts a connection into the queue of those to be told, if it is behind.
func (m *machine) tell(c *remote) {
	if c.pushable && !c.pushing && !c.queued && c.told < m.announce {
		c.queued = true
		m.queue = append(m.queue, c)
	}
}

func (m *machine) hasPushed(ev event) {
	c := m.conns[ev.conn]
	if c == nil || !c.pushing {
		return
	}
	m.pushing--
	c.pushing = false
	// A push that failed is not repeated: the next change is the next try.
	c.told = max(c.told, c.telling)
	m.tell(c)
}

func (m *machine) tick(now time.Time) {
	if !m.due.IsZero() && !now.Before(m.due) {
		m.due = time.Time{}
		m.announce = m.version
		for _, c := range m.order {
			m.tell(c)
		}
	}
	left := m.stale[:0]
	for _, p := range m.stale {
		if !p.spend(now) {
			left = append(left, p)
			continue
		}
		p.ignored = false
		for _, c := range p.conns {
			switch c.phase {
			case phaseAsking:
				c.again = true // the question is older than what was ignored
			case phaseKnown, phaseUnknown:
				m.enqueue(c)
			case phaseWaiting:
			}
		}
	}
	clear(m.stale[len(left):])
	m.stale = left
}

// begin starts what there is room for.
func (m *machine) begin(do []effect) []effect {
	start := func(c *remote) {
		m.tickets++
		c.phase, c.askTicket = phaseAsking, m.tickets
		m.asks(c, 1)
		do = append(do, effect{kind: ask, conn: c.id, peer: c.peer.id})
	}
	for len(m.waiting) > 0 && m.asking < maxAsking {
		c := m.waiting[0]
		m.waiting = slices.Delete(m.waiting, 0, 1)
		start(c)
	}
	for len(m.guests) > 0 && m.asking < maxAsking && m.inbound < maxAskingInbound {
		c := m.guests[0]
		m.guests = slices.Delete(m.guests, 0, 1)
		start(c)
	}
	for len(m.queue) > 0 && m.pushing < maxPushing {
		c := m.queue[0]
		m.queue = slices.Delete(m.queue, 0, 1)
		c.queued = false
		if c.told >= m.announce || !c.pushable {
			continue
		}
		m.pushing++
		c.pushing, c.telling = true, m.version
		do = append(do, effect{kind: push, conn: c.id, peer: c.peer.id})
	}
	return do
}
