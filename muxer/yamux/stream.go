package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

// A writeHalf is what this end may still send on a stream.
type writeHalf uint8

const (
	sending   writeHalf = iota // the user may write
	closing                    // a FIN is owed, after the bytes that wait
	closed                     // the FIN is sent
	resetting                  // an RST is owed: the stream has ended here
)

// A readHalf is what may still arrive on a stream.
type readHalf uint8

const (
	receiving readHalf = iota // what arrives is delivered
	dropping                  // the user reads no more: what arrives is dropped
	ended                     // the remote has closed
)

// A stream is the record of one live stream. Records are recycled.
type stream struct {
	id        muxer.StreamID
	write     writeHalf
	read      readHalf
	admitted  bool // it has a place in the backlog; streams of the remote need none
	announced bool // the remote knows it: its SYN was sent or received
	acked     bool // and has answered, or, when it is the remote's, was answered
	granting  bool // a WindowUpdate is owed

	code    uint32 // of the RST that is owed
	waiting int    // bytes in the send lane
	credit  int64  // bytes that may be sent
	allowed int64  // bytes that the remote may send
	window  int    // the size that allowed is brought back to
	unread  int    // bytes delivered and not yet consumed
	eaten   int    // bytes consumed and not yet granted again
	growth  int    // bytes of window to grant besides
	epoch   time.Time

	ready muxer.Seat[*stream] // in Machine.ready: bytes can be sent
	owes  muxer.Seat[*stream] // in Machine.owing: a control frame waits
	place muxer.Seat[*stream] // in Machine.opens: it waits for a place in the backlog
}

// begin makes the record of a new stream, from a forgotten one if there is one.
func (m *Machine) begin(now time.Time, id muxer.StreamID) *stream {
	var s *stream
	if n := len(m.spare); n > 0 {
		s, m.spare = m.spare[n-1], m.spare[:n-1]
	} else {
		s = &stream{}
		s.ready.Of, s.owes.Of, s.place.Of = s, s, s
	}
	s.id, s.epoch = id, now
	s.credit, s.allowed, s.window = m.start, m.start, int(m.start)
	m.streams[id] = s
	if id.Opened() {
		m.outbound++
	} else {
		s.admitted, s.announced = true, true
		m.inbound++
	}
	return s
}

// forget ends a stream for good and keeps its record for the next one.
func (m *Machine) forget(s *stream, do []muxer.Effect) []muxer.Effect {
	m.ready.Leave(&s.ready)
	m.owing.Leave(&s.owes)
	m.opens.Leave(&s.place)
	if over := s.window - int(m.start); over > 0 {
		m.grown -= over
		if m.limits.Lender != nil {
			m.limits.Lender.Lend(-over)
		}
	}
	delete(m.streams, s.id)
	if s.id.Opened() {
		m.outbound--
		if s.admitted {
			m.answered(s)
		}
	} else {
		m.inbound--
	}
	// A frame of this stream may be half received, and the record is about to
	// belong to another stream.
	if m.target == s {
		m.target = nil
	}
	if m.recent == s {
		m.recent = nil
	}
	do = append(do, muxer.Effect{Kind: muxer.Forget, Stream: s.id})
	s.write, s.read = sending, receiving
	s.admitted, s.announced, s.acked, s.granting = false, false, false, false
	s.code, s.waiting, s.unread, s.eaten, s.growth = 0, 0, 0, 0, 0
	if len(m.spare) < maxSpare {
		m.spare = append(m.spare, s)
	}
	if len(m.streams) == 0 && len(m.spare) > idleSpare {
		clear(m.spare[idleSpare:])
		m.spare = m.spare[:idleSpare]
	}
	return m.drain(do)
}

// find returns the live stream, or nil. Frames and events come in runs of one
// stream, so the last one found is tried first.
func (m *Machine) find(id muxer.StreamID) *stream {
	if s := m.recent; s != nil && s.id == id {
		return s
	}
	s := m.streams[id]
	if s != nil {
		m.recent = s
	}
	return s
}

// admit gives places in the backlog to the streams that wait for one.
func (m *Machine) admit() {
	for m.unacked < m.backlog && m.opens.Len() > 0 {
		s := m.opens.First()
		m.opens.Leave(&s.place)
		s.admitted = true
		m.unacked++
		m.owe(s)
	}
}

// answered notes that the remote knows a stream of this end, which leaves the
// backlog.
func (m *Machine) answered(s *stream) {
	if !s.acked {
		s.acked = true
		m.unacked--
		m.admit()
	}
}

// abort ends both halves here and leaves an RST owed. A remote that has never
// heard of the stream need not hear of its end.
func (m *Machine) abort(s *stream, code uint32, do []muxer.Effect) []muxer.Effect {
	if !s.announced {
		return m.forget(s, do)
	}
	if s.write == resetting {
		return do
	}
	s.write, s.code, s.waiting, s.granting = resetting, code, 0, false
	m.line(s)
	m.owe(s)
	return do
}

// owes returns the control frame that a stream is to send next, if there is one.
// The ACK is a frame of its own and first: peers are known that ignore the other
// flags beside it.
func (m *Machine) owes(s *stream) (e muxer.Effect, ok bool) {
	switch {
	case s.write == resetting:
		return control(typeWindowUpdate, flagRST, s.id, s.code), true
	case !s.announced:
		return control(typeWindowUpdate, flagSYN, s.id, 0), s.admitted
	case !s.id.Opened() && !s.acked:
		return control(typeWindowUpdate, flagACK, s.id, s.due()), true
	case s.granting:
		return control(typeWindowUpdate, 0, s.id, s.due()), true
	case s.write == closing && s.waiting == 0:
		return control(typeWindowUpdate, flagFIN, s.id, 0), true
	}
	return e, false
}

// owe puts a stream among those that owe control frames if it owes one, or takes
// it out.
func (m *Machine) owe(s *stream) {
	if _, ok := m.owes(s); ok {
		m.owing.Join(&s.owes)
	} else {
		m.owing.Leave(&s.owes)
	}
}

// paid notes that the control frame which owes returned is sent.
func (m *Machine) paid(s *stream, do []muxer.Effect) []muxer.Effect {
	switch {
	case s.write == resetting:
		return m.forget(s, do)
	case !s.announced:
		s.announced = true
		m.line(s)
	case !s.id.Opened() && !s.acked:
		s.acked = true
		s.granted()
	case s.granting:
		s.granted()
	default:
		s.write = closed
		if s.read == ended {
			return m.forget(s, do)
		}
	}
	m.owe(s)
	return do
}
