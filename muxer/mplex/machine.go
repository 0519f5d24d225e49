package mplex

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

const (
	// MaxRefusals is how many refusals of streams may wait to be sent. A remote
	// that opens more streams than it may without reading the refusals ends the
	// connection. 4096 of them are 32 KiB here and at most 44 KiB on the wire,
	// and as many as an honest burst is likely to hold.
	MaxRefusals = 4096

	// maxSpare is how many records of forgotten streams are kept for new ones.
	maxSpare = 32
)

// An Overflow is what happens to a stream that holds more unread bytes than
// Limits.StreamBuffer.
type Overflow uint8

const (
	// PauseThenReset stops reading the connection until the stream's reader has
	// consumed down to half of the limit. After Limits.SlowReader the stream is
	// reset and reading goes on. Other streams wait meanwhile; nothing is lost
	// when the reader was only briefly busy. It is the default: go-mplex does
	// the same, with the same 5 seconds.
	PauseThenReset Overflow = iota
	// ResetAtOnce resets the stream as soon as it is over the limit, without
	// taking the bytes that exceed it. Other streams never wait; a sender that
	// is faster than the reader by more than the limit loses the stream.
	ResetAtOnce
)

// String returns the policy's name as traces and logs have it.
func (o Overflow) String() string {
	if o == ResetAtOnce {
		return "reset-at-once"
	}
	return "pause-then-reset"
}

// Stats count what a machine saw and did that no effect tells. They only grow.
type Stats struct {
	Unknown    uint64 // frames for streams that do not live
	AfterClose uint64 // frames on a stream whose remote had closed it
	Dropped    uint64 // bytes of messages and other bodies that nobody was given, without names
	Refused    uint64 // streams of the remote that were refused
	Overflows  uint64 // times that a stream went over its buffer limit
	SlowResets uint64 // streams reset for a reader that was too slow
}

// A Machine routes the frames of one connection. The documentation of the
// package says what it decides. It is not safe for use by two goroutines.
type Machine struct {
	limits muxer.Limits
	policy Overflow

	streams  map[muxer.StreamID]*stream // looked up, never ranged over
	recent   *stream                    // the last one looked up
	inbound  int
	outbound int
	nextID   uint64
	spare    []*stream

	// What waits to be sent, in the order in which it is: owing, refused, ready.
	owing   muxer.Ring[*stream]         // streams that owe control frames, oldest first
	refused muxer.Queue[muxer.StreamID] // refused streams whose Reset is owed
	ready   muxer.Ring[*stream]         // streams with bytes waiting, in turns

	// The streams whose reader is too slow, the earliest deadline first: every
	// one has the same time, so the order of joining is that of the deadlines.
	late muxer.Ring[*stream]

	head   head    // of the frame that is being received
	rest   int     // bytes of its body still to come
	target *stream // whom they go to, nil when they are dropped
	naming bool    // they are the name of a stream

	leaving bool // GoAway: no new streams
	drained bool // Drained was said
	err     error
	stats   Stats
}

var _ muxer.Machine = (*Machine)(nil)

// Factory returns the muxer's factory for a connection's upgrade, with machines
// of the given policy.
func Factory(policy Overflow) muxer.Factory {
	return muxer.Factory{
		Protocol: ID,
		New: func(role negotiate.Role, limits muxer.Limits) muxer.Machine {
			return New(role, limits, policy)
		},
	}
}

// New returns the machine of one connection. mplex treats both roles alike. The
// largest frame sent is Limits.Frame, but never above [MaxBody].
func New(_ negotiate.Role, limits muxer.Limits, policy Overflow) *Machine {
	limits = limits.WithDefaults()
	limits.Frame = min(limits.Frame, MaxBody)
	return &Machine{limits: limits, policy: policy, streams: map[muxer.StreamID]*stream{}}
}

// Step appends the effects of one event to do and returns it. After Fatal it
// does nothing. Events for streams that are not there are ignored.
func (m *Machine) Step(now time.Time, event muxer.Event, do []muxer.Effect) []muxer.Effect {
	if m.err != nil {
		return do
	}
	switch event.Kind {
	case muxer.Received:
		return m.receive(now, event.Data, do)
	case muxer.Room:
		return m.fill(event.N, do)
	case muxer.Open:
		return m.open(do)
	case muxer.GoAway:
		m.leaving = true
		return m.drain(do)
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
			if s.waiting == 0 {
				m.owing.Join(&s.owes)
			}
		}
	case muxer.Consumed:
		s.unread = max(s.unread-event.N, 0)
		if s.unread <= m.limits.StreamBuffer/2 {
			do = m.caughtUp(s, do)
		}
	case muxer.CloseRead:
		if s.read == receiving {
			s.read = dropping
		}
		do = m.caughtUp(s, do)
	case muxer.Reset:
		do = m.abort(s, do)
	}
	return do
}

// open answers an Open. The NewStream is owed at once and not held back for the
// first bytes: a remote that speaks first must learn of the stream.
func (m *Machine) open(do []muxer.Effect) []muxer.Effect {
	if m.leaving || m.outbound >= m.limits.Outbound || m.nextID > MaxID {
		return append(do, muxer.Effect{Kind: muxer.Refused})
	}
	s := m.begin(muxer.NewStreamID(m.nextID, true), false)
	m.nextID++
	m.owing.Join(&s.owes)
	return append(do, muxer.Effect{Kind: muxer.Opened, Stream: s.id})
}

// wait notes how many bytes are in a stream's send lane.
func (m *Machine) wait(s *stream, n int) {
	s.waiting = max(n, 0)
	if s.waiting > 0 {
		m.ready.Join(&s.ready)
	} else {
		m.ready.Leave(&s.ready)
	}
}

// tick resets the streams whose readers have used up their time.
func (m *Machine) tick(now time.Time, do []muxer.Effect) []muxer.Effect {
	for m.late.Len() > 0 {
		s := m.late.First()
		if s.due.After(now) {
			break
		}
		do = m.resetSlow(s, do)
	}
	return do
}

// resetSlow resets a stream for its slow reader.
func (m *Machine) resetSlow(s *stream, do []muxer.Effect) []muxer.Effect {
	m.stats.SlowResets++
	do = append(do, muxer.Effect{
		Kind: muxer.PeerReset, Local: true, Stream: s.id, Code: muxer.CodeResourceLimit,
	})
	return m.abort(s, do)
}

// drain says Drained, once, when the connection is going away and empty.
func (m *Machine) drain(do []muxer.Effect) []muxer.Effect {
	if !m.leaving || m.drained || len(m.streams) > 0 {
		return do
	}
	m.drained = true
	return append(do, muxer.Effect{Kind: muxer.Drained})
}

// Deadline is when the slowest reader's time is used up, and the zero time when
// no reader is too slow.
func (m *Machine) Deadline() time.Time {
	if m.err != nil || m.late.Len() == 0 {
		return time.Time{}
	}
	return m.late.First().due
}

// Pending reports whether a Room event of at least [muxer.MinRoom] bytes would
// produce a Send.
func (m *Machine) Pending() bool {
	return m.err == nil && m.owing.Len()+m.refused.Len()+m.ready.Len() > 0
}

// AppendHead appends the head of a frame that a Send effect asks for.
func (m *Machine) AppendHead(dst []byte, send muxer.Effect) []byte { return appendHead(dst, send) }

// Err returns the [*muxer.ProtocolError] that Fatal was emitted for, nil before.
func (m *Machine) Err() error { return m.err }

// Streams returns how many streams are alive, those that owe a frame included.
func (m *Machine) Streams() int { return len(m.streams) }

// Stats returns the counters so far.
func (m *Machine) Stats() Stats { return m.stats }
