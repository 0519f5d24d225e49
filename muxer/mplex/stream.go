package mplex

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

// A writeHalf is what this end may still send on a stream.
type writeHalf uint8

const (
	sending   writeHalf = iota // the user may write
	closing                    // a Close is owed, after the bytes that wait
	closed                     // the Close is sent
	resetting                  // a Reset is owed: the stream has ended here
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
	announced bool // the remote knows it: its NewStream was sent or received

	waiting int // bytes in the send lane
	unread  int // bytes delivered and not yet consumed

	ready muxer.Seat[*stream] // in Machine.ready: bytes wait
	owes  muxer.Seat[*stream] // in Machine.owing: a control frame waits
	late  muxer.Seat[*stream] // in Machine.late: its reader is too slow
	due   time.Time           // when it is reset for that
}

// begin makes the record of a new stream, from a forgotten one if there is one.
func (m *Machine) begin(id muxer.StreamID, announced bool) *stream {
	var s *stream
	if n := len(m.spare); n > 0 {
		s, m.spare = m.spare[n-1], m.spare[:n-1]
	} else {
		s = &stream{}
		s.ready.Of, s.owes.Of, s.late.Of = s, s, s
	}
	s.id, s.announced = id, announced
	m.streams[id] = s
	if id.Opened() {
		m.outbound++
	} else {
		m.inbound++
	}
	return s
}

// forget ends a stream for good and keeps its record for the next one.
func (m *Machine) forget(s *stream, do []muxer.Effect) []muxer.Effect {
	do = m.caughtUp(s, do)
	m.ready.Leave(&s.ready)
	m.owing.Leave(&s.owes)
	delete(m.streams, s.id)
	if s.id.Opened() {
		m.outbound--
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
	s.write, s.read, s.waiting, s.unread = sending, receiving, 0, 0
	if len(m.spare) < maxSpare {
		m.spare = append(m.spare, s)
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

// abort ends both halves here and leaves a Reset owed. A remote that has never
// heard of the stream need not hear of its end.
func (m *Machine) abort(s *stream, do []muxer.Effect) []muxer.Effect {
	if !s.announced {
		return m.forget(s, do)
	}
	do = m.caughtUp(s, do)
	s.write, s.waiting = resetting, 0
	m.ready.Leave(&s.ready)
	m.owing.Join(&s.owes)
	return do
}

// fellBehind notes that the reader of a stream is over its limit, and stops the
// reading of the connection.
func (m *Machine) fellBehind(now time.Time, s *stream, do []muxer.Effect) []muxer.Effect {
	m.stats.Overflows++
	s.due = now.Add(m.limits.SlowReader)
	m.late.Join(&s.late)
	if m.late.Len() == 1 {
		do = append(do, muxer.Effect{Kind: muxer.Pause})
	}
	return do
}

// caughtUp takes a stream off the late ones, if it is one, and goes on reading
// when it was the last.
func (m *Machine) caughtUp(s *stream, do []muxer.Effect) []muxer.Effect {
	if !s.late.Seated() {
		return do
	}
	m.late.Leave(&s.late)
	if m.late.Len() == 0 {
		do = append(do, muxer.Effect{Kind: muxer.Resume})
	}
	return do
}
