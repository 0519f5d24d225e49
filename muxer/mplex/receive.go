package mplex

import (
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// The rules whose breach ends the connection, as [muxer.ProtocolError] has them.
const (
	RuleVarintLength  = "a varint has at most 9 bytes"
	RuleVarintMinimal = "a varint has its shortest form"
	RuleBody          = "a frame's body has at most 1048576 bytes"
	RuleFlag          = "a flag is between 0 and 6"
	RuleNewStream     = "a new stream has a number that no live stream has"
	RuleRefusals      = "at most 4096 streams are refused before the refusals are read"
)

// receive takes one read: parts of frames, whole ones, many of them.
func (m *Machine) receive(now time.Time, data buf.Chunk, do []muxer.Effect) []muxer.Effect {
	p := data.Bytes()
	for at := 0; at < len(p); {
		if m.rest > 0 {
			n := min(m.rest, len(p)-at)
			m.rest -= n
			do = m.body(now, data, at, at+n, do)
			at += n
			continue
		}
		n, length, v := m.head.take(p[at:])
		at += n
		switch v {
		case more:
			return do
		case complete:
			do = m.begun(m.head.key, length, do)
		case overlong:
			do = m.fail(RuleVarintLength, m.partID(), maxVarint+1, do)
		case padded:
			do = m.fail(RuleVarintMinimal, m.partID(), 0, do)
		}
		if m.err != nil {
			return do
		}
	}
	return do
}

// partID returns the number of the stream whose head is broken, if that part of
// the head was read.
func (m *Machine) partID() uint64 {
	if m.head.second {
		return m.head.key >> 3
	}
	return 0
}

// begun decides what a frame means once its head is complete. What remains of
// the frame is its body, which goes to m.target or nowhere.
func (m *Machine) begun(key, length uint64, do []muxer.Effect) []muxer.Effect {
	wire, flag := key>>3, uint8(key&7)
	if flag == flagInvalid {
		return m.fail(RuleFlag, wire, flagInvalid, do)
	}
	if length > MaxBody {
		return m.fail(RuleBody, wire, length, do)
	}
	m.rest, m.target, m.naming = int(length), nil, flag == flagNewStream
	if flag == flagNewStream {
		return m.accept(muxer.NewStreamID(wire, false), do)
	}
	// An odd flag comes from the acceptor of the stream, so this end opened it.
	s := m.find(muxer.NewStreamID(wire, flag&1 == 1))
	if s == nil || !s.announced {
		m.stats.Unknown++
		return do
	}
	switch flag {
	case flagMessageReceiver, flagMessageInitiator:
		if s.read == ended {
			m.stats.AfterClose++
		}
		m.target = s
	case flagCloseReceiver, flagCloseInitiator:
		do = m.remoteClosed(s, do)
	case flagResetReceiver, flagResetInitiator:
		// After the user's own reset the user is told no more. The Reset that is
		// still owed then is dropped with the record: the remote has no such
		// stream any longer.
		if s.write != resetting {
			do = append(do, muxer.Effect{Kind: muxer.PeerReset, Stream: s.id})
		}
		do = m.forget(s, do)
	}
	return do
}

// accept takes a new stream of the remote, or refuses it.
func (m *Machine) accept(id muxer.StreamID, do []muxer.Effect) []muxer.Effect {
	if m.find(id) != nil {
		return m.fail(RuleNewStream, id.Wire(), id.Wire(), do)
	}
	if m.leaving || m.inbound >= m.limits.Inbound {
		m.stats.Refused++
		if !m.refused.Add(id, MaxRefusals) {
			return m.fail(RuleRefusals, id.Wire(), MaxRefusals+1, do)
		}
		return do
	}
	m.begin(id, true)
	return append(do, muxer.Effect{Kind: muxer.Accept, Stream: id})
}

// remoteClosed ends the read half of a stream. Nothing more can arrive on it, so
// it no longer holds the reading of the connection up.
func (m *Machine) remoteClosed(s *stream, do []muxer.Effect) []muxer.Effect {
	if s.write == resetting {
		return do
	}
	if s.read == ended {
		m.stats.AfterClose++
		return do
	}
	s.read = ended
	do = append(do, muxer.Effect{Kind: muxer.EOF, Stream: s.id})
	do = m.caughtUp(s, do)
	if s.write == closed {
		do = m.forget(s, do)
	}
	return do
}

// body hands the bytes from..to of a read, a piece of the current frame's body,
// to its stream.
func (m *Machine) body(now time.Time, data buf.Chunk, from, to int, do []muxer.Effect) []muxer.Effect {
	s, n := m.target, to-from
	if m.naming {
		return do
	}
	if s == nil || s.read != receiving || s.write == resetting {
		m.stats.Dropped += uint64(n)
		return do
	}
	over := s.unread+n > m.limits.StreamBuffer
	if over && m.policy == ResetAtOnce {
		m.stats.Overflows++
		m.stats.Dropped += uint64(n)
		return m.resetSlow(s, do)
	}
	s.unread += n
	do = append(do, muxer.Effect{Kind: muxer.Deliver, Stream: s.id, Data: data.Slice(from, to)})
	if over && !s.late.Seated() {
		do = m.fellBehind(now, s, do)
	}
	return do
}

// fail ends the connection.
func (m *Machine) fail(rule string, stream, got uint64, do []muxer.Effect) []muxer.Effect {
	m.err = &muxer.ProtocolError{Muxer: string(ID), Rule: rule, Stream: stream, Got: got}
	return append(do, muxer.Effect{Kind: muxer.Fatal})
}
