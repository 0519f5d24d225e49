package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

const (
	// MaxBacklog is how many streams of this end may be without an answer of the
	// remote. The opening of more waits inside the machine (libp2p specs,
	// yamux/README.md, ACK backlog).
	MaxBacklog = 256
	// MaxPongs is how many answers to pings may wait to be sent. Known peers have
	// one ping under way; one that has more of them in a single read, or does not
	// read the answers, ends the connection.
	MaxPongs = 64
	// MaxRefusals is how many refusals of streams may wait to be sent. A remote
	// that opens more streams than it may without reading the refusals ends the
	// connection. 4096 of them are 64 KiB here and 48 KiB on the wire.
	MaxRefusals = 4096

	// maxSpare is how many records of forgotten streams are kept for new ones.
	maxSpare = 32
	// idleSpare is how many of them are kept where no stream is live: a connection
	// that opens one after the other needs no more.
	idleSpare = 1
)

// Stats count what a machine saw and did that no effect tells. They only grow,
// RTT aside.
type Stats struct {
	Unknown    uint64        // frames for streams that do not live
	AfterClose uint64        // frames with bytes or an end on a stream whose remote had closed it
	Dropped    uint64        // bytes of bodies that nobody was given
	Refused    uint64        // streams of the remote that were refused
	Unasked    uint64        // answers to pings that nobody waits for
	Grown      uint64        // times that a window was made larger
	RTT        time.Duration // the round trip, half old and half new; 0 before the first answer
}

// A Machine routes the frames of one connection. The documentation of the
// package says what it decides. It is not safe for use by two goroutines.
type Machine struct {
	limits  muxer.Limits
	options Options
	dialer  bool
	start   int64 // the window that streams begin with
	backlog int   // how many streams may be without an answer

	streams  map[muxer.StreamID]*stream // looked up, never ranged over
	recent   *stream                    // the last one looked up
	inbound  int
	outbound int
	unacked  int // own streams that are announced, or about to be, and not answered
	nextID   uint64
	grown    int // bytes that all windows together have over their start
	spare    []*stream

	// What waits to be sent, in the order in which it is: the answers to pings,
	// the ping (in life), owing, refused, ready, the go-away.
	pongs   muxer.Queue[uint32]
	owing   muxer.Ring[*stream] // streams that owe control frames, oldest first
	refused muxer.Queue[refusal]
	ready   muxer.Ring[*stream] // streams with bytes waiting and credit, in turns
	bye     bool                // a go-away
	byeCode uint32

	opens muxer.Ring[*stream] // streams whose announcement waits for a place in the backlog

	reader reader  // of the head that is being received
	rest   int     // bytes of a frame's body still to come
	target *stream // whom they go to, nil when they are dropped
	ends   bool    // the stream's read half ends with them

	life    life
	leaving bool // one of the ends goes away: no new streams
	away    bool // it is this end, which tells the remote when the last stream is gone
	drained bool // Drained was said
	err     error
	stats   Stats
}

// A refusal is a stream of the remote whose Reset is owed.
type refusal struct {
	id   muxer.StreamID
	code uint32
}

var _ muxer.Machine = (*Machine)(nil)

// New returns the machine of one connection. The dialer's streams have odd
// numbers, the listener's even ones.
func New(role negotiate.Role, limits muxer.Limits, options Options) *Machine {
	m := &Machine{
		limits: limits.WithDefaults(), options: options.withDefaults(), dialer: role == negotiate.Dialer,
		start: StartWindow, backlog: MaxBacklog, nextID: 2, streams: map[muxer.StreamID]*stream{},
	}
	m.limits.Frame = min(m.limits.Frame, m.options.Frame)
	if m.dialer {
		m.nextID = 1
	}
	return m
}

// Step appends the effects of one event to do and returns it. After Fatal it
// answers only Room, and that with the go-away that is owed. Events for streams
// that are not there are ignored.
func (m *Machine) Step(now time.Time, event muxer.Event, do []muxer.Effect) []muxer.Effect {
	m.life.begin(now, m.options)
	if event.Kind == muxer.Room {
		return m.fill(now, event.N, do)
	}
	if m.err != nil {
		return do
	}
	switch event.Kind {
	case muxer.Received:
		return m.receive(now, event.Data, do)
	case muxer.Open:
		return m.open(now, do)
	case muxer.GoAway:
		return m.goAway(event.Code, do)
	case muxer.Tick:
		return m.tick(now, do)
	}
	s := m.find(event.Stream)
	if s == nil {
		return do
	}
	switch event.Kind {
	case muxer.Ready:
		// After CloseWrite its count is the last word, and after Reset nothing is.
		if s.write == sending {
			m.wait(s, event.N)
		}
	case muxer.CloseWrite:
		if s.write == sending {
			s.write = closing
			m.wait(s, event.N)
			m.owe(s)
		}
	case muxer.Consumed:
		m.consumed(now, s, event.N)
	case muxer.CloseRead:
		if s.read == receiving {
			s.read = dropping
			m.keepWindow(s)
		}
	case muxer.Reset:
		do = m.abort(s, event.Code, do)
	}
	return do
}

// open answers an Open. The announcement is owed at once and not held back for
// the first bytes: a remote that speaks first must learn of the stream. It waits
// only for a place in the backlog.
func (m *Machine) open(now time.Time, do []muxer.Effect) []muxer.Effect {
	if m.leaving {
		return append(do, muxer.Effect{Kind: muxer.Refused, Code: muxer.CodeShutdown})
	}
	if m.outbound >= m.limits.Outbound || m.nextID > MaxID {
		return append(do, muxer.Effect{Kind: muxer.Refused})
	}
	s := m.begin(now, muxer.NewStreamID(m.nextID, true))
	m.nextID += 2
	m.opens.Join(&s.place)
	m.admit()
	return append(do, muxer.Effect{Kind: muxer.Opened, Stream: s.id})
}

// goAway lets the connection drain.
func (m *Machine) goAway(code uint32, do []muxer.Effect) []muxer.Effect {
	if m.away {
		return do
	}
	m.leaving, m.away, m.byeCode = true, true, code
	m.bye = m.drained
	return m.drain(do)
}

// drain says Drained, once, when the connection is going away and empty. Only
// then the remote is told: every known peer ends the streams that it still has
// when it reads a go-away.
func (m *Machine) drain(do []muxer.Effect) []muxer.Effect {
	if !m.leaving || m.drained || len(m.streams) > 0 {
		return do
	}
	m.drained, m.bye = true, m.away
	return append(do, muxer.Effect{Kind: muxer.Drained})
}

// wait notes how many bytes are in a stream's send lane.
func (m *Machine) wait(s *stream, n int) {
	s.waiting = max(n, 0)
	m.line(s)
}

// line puts a stream into the ring of those that can send, or takes it out.
func (m *Machine) line(s *stream) {
	if s.waiting > 0 && s.credit > 0 && s.announced {
		m.ready.Join(&s.ready)
	} else {
		m.ready.Leave(&s.ready)
	}
}

// Deadline is when the connection needs a Tick to know whether the remote is
// still there. A machine that has seen no event yet knows no time, and asks for
// a Tick at once.
func (m *Machine) Deadline() time.Time {
	switch {
	case m.err != nil || m.options.KeepAlive < 0:
		return time.Time{}
	case m.life.due.IsZero():
		return time.Unix(0, 0)
	}
	return m.life.due
}

// Pending reports whether a Room event of at least [muxer.MinRoom] bytes would
// produce a Send.
func (m *Machine) Pending() bool {
	return m.bye || m.err == nil && (m.owed() || m.ready.Len() > 0)
}

// owed reports whether control frames other than the go-away wait.
func (m *Machine) owed() bool {
	return m.life.owed || m.pongs.Len()+m.owing.Len()+m.refused.Len() > 0
}

// AppendHead appends the head of a frame that a Send effect asks for.
func (m *Machine) AppendHead(dst []byte, send muxer.Effect) []byte { return appendHead(dst, send) }

// Err returns why Fatal was emitted: a [*muxer.ProtocolError] when the remote
// broke a rule, a [*muxer.GoAwayError] when it ended the connection for a reason,
// a [*muxer.SilentError] when it does not answer; nil before.
func (m *Machine) Err() error { return m.err }

// Streams returns how many streams are alive, those that owe a frame included.
func (m *Machine) Streams() int { return len(m.streams) }

// Stats returns the counters so far.
func (m *Machine) Stats() Stats {
	m.stats.RTT = m.life.rtt
	return m.stats
}
