package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// The rules whose breach ends the connection, as [muxer.ProtocolError] has them.
const (
	RuleVersion   = "a frame has version 0"
	RuleType      = "a frame's type is between 0 and 3"
	RuleSession   = "bytes and windows belong to a stream, which is not 0"
	RuleParity    = "a new stream has a number of the end that opens it"
	RuleNewStream = "a new stream has a number that no live stream has"
	RuleWindow    = "a body is not larger than the window"
	RuleCredit    = "a window is at most 4294967295 bytes"
	RulePongs     = "at most 64 pings are sent before their answers are read"
	RuleRefusals  = "at most 4096 streams are refused before the refusals are read"
)

// The codes of a go-away (libp2p specs, yamux/README.md, session termination).
const (
	goAwayNormal   = 0
	goAwayProtocol = 1
)

// receive takes one read: parts of frames, whole ones, many of them.
func (m *Machine) receive(now time.Time, data buf.Chunk, do []muxer.Effect) []muxer.Effect {
	m.life.heard = now
	p := data.Bytes()
	for at := 0; at < len(p); {
		if m.rest > 0 {
			n := min(m.rest, len(p)-at)
			m.rest -= n
			do = m.body(data, at, at+n, do)
			at += n
			continue
		}
		h, n, complete := m.reader.take(p[at:])
		at += n
		if !complete {
			return do
		}
		if do = m.begun(now, h, do); m.err != nil {
			return do
		}
	}
	return do
}

// begun decides what a frame means once its head is complete. What remains of
// the frame is its body, which goes to m.target or nowhere.
func (m *Machine) begun(now time.Time, h head, do []muxer.Effect) []muxer.Effect {
	wire := uint64(h.stream)
	switch {
	case h.version != 0:
		return m.fail(RuleVersion, wire, uint64(h.version), do)
	case h.kind == typePing:
		return m.ping(now, h, do)
	case h.kind == typeGoAway:
		return m.remoteGoesAway(h.length, do)
	case h.kind > typeGoAway:
		return m.fail(RuleType, wire, uint64(h.kind), do)
	case wire == 0:
		return m.fail(RuleSession, 0, 0, do)
	}
	if h.kind == typeData {
		// No honest remote has so large a window on any stream, not even on one
		// that has ended here meanwhile.
		if int64(h.length) > max(m.start, int64(m.options.Window)) {
			return m.fail(RuleWindow, wire, uint64(h.length), do)
		}
		m.rest, m.target, m.ends = int(h.length), nil, false
	}
	id := muxer.NewStreamID(wire, m.own(h.stream))
	s := m.find(id)
	if h.has(flagSYN) {
		s, do = m.accept(now, h, id, s, do)
		if s == nil {
			return do
		}
	}
	if s == nil || !s.announced {
		m.stats.Unknown++
		return do
	}
	return m.frame(h, s, do)
}

// own reports whether a number is one of those of this end's streams: the
// dialer's are odd (libp2p specs, yamux/README.md).
func (m *Machine) own(wire uint32) bool { return wire&1 == 1 == m.dialer }

// accept takes a new stream of the remote, or refuses it and returns nil. was is
// the stream that lives under the number.
func (m *Machine) accept(now time.Time, h head, id muxer.StreamID, was *stream, do []muxer.Effect) (*stream, []muxer.Effect) {
	switch {
	case id.Opened():
		return nil, m.fail(RuleParity, id.Wire(), id.Wire(), do)
	case was != nil:
		return nil, m.fail(RuleNewStream, id.Wire(), id.Wire(), do)
	case h.kind == typeData && int64(h.length) > m.start:
		return nil, m.fail(RuleWindow, id.Wire(), uint64(h.length), do)
	case h.has(flagRST):
		m.stats.Unknown++ // it begins and ends with one frame: nobody need hear of it
		return nil, do
	}
	if m.leaving || m.inbound >= m.limits.Inbound {
		r := refusal{id, muxer.CodeResourceLimit}
		if m.leaving {
			r.code = muxer.CodeShutdown
		}
		m.stats.Refused++
		if !m.refused.Add(r, MaxRefusals) {
			do = m.fail(RuleRefusals, id.Wire(), MaxRefusals+1, do)
		}
		return nil, do
	}
	s := m.begin(now, id)
	m.owe(s) // its ACK: early, so that the remote's backlog never fills up for us
	return s, append(do, muxer.Effect{Kind: muxer.Accept, Stream: id})
}

// frame takes a frame of a live stream: first what it grants or carries, then
// its end.
func (m *Machine) frame(h head, s *stream, do []muxer.Effect) []muxer.Effect {
	if s.id.Opened() {
		m.answered(s) // whatever the frame: the remote knows the stream
	}
	if h.has(flagRST) {
		return m.remoteReset(h, s, do)
	}
	if h.kind == typeWindowUpdate {
		if do = m.credit(s, h.length, do); m.err != nil {
			return do
		}
	} else {
		if int64(h.length) > s.allowed {
			return m.fail(RuleWindow, s.id.Wire(), uint64(h.length), do)
		}
		s.allowed -= int64(h.length)
		if h.length > 0 {
			if s.read == ended {
				m.stats.AfterClose++
			}
			m.target, m.ends = s, h.has(flagFIN) && s.read != ended
			return do
		}
	}
	if h.has(flagFIN) {
		do = m.remoteClosed(s, do)
	}
	return do
}

// remoteReset ends a stream. The code is in the length field of a WindowUpdate,
// and any number is one: go-libp2p's table grows. After the user's own reset the
// user is told no more, and the RST that is still owed is dropped with the
// record: the remote has no such stream any longer.
func (m *Machine) remoteReset(h head, s *stream, do []muxer.Effect) []muxer.Effect {
	if s.write != resetting {
		e := muxer.Effect{Kind: muxer.PeerReset, Stream: s.id}
		if h.kind == typeWindowUpdate {
			e.Code = h.length
		}
		do = append(do, e)
	}
	return m.forget(s, do)
}

// remoteClosed ends the read half of a stream.
func (m *Machine) remoteClosed(s *stream, do []muxer.Effect) []muxer.Effect {
	if s.write == resetting {
		return do
	}
	if s.read == ended {
		m.stats.AfterClose++
		return do
	}
	s.read = ended
	m.keepWindow(s)
	do = append(do, muxer.Effect{Kind: muxer.EOF, Stream: s.id})
	if s.write == closed {
		do = m.forget(s, do)
	}
	return do
}

// remoteGoesAway takes a go-away. A normal one leaves the streams that live to
// their ends; any other says that the remote has ended the connection already.
func (m *Machine) remoteGoesAway(code uint32, do []muxer.Effect) []muxer.Effect {
	if code == goAwayNormal {
		m.leaving = true
		return m.drain(do)
	}
	m.err = &muxer.GoAwayError{Muxer: string(ID), Code: code}
	m.bye = false
	return append(do, muxer.Effect{Kind: muxer.Fatal})
}

// body hands the bytes from..to of a read, a piece of the current frame's body,
// to its stream, and ends the read half behind the last piece if the frame says
// so.
func (m *Machine) body(data buf.Chunk, from, to int, do []muxer.Effect) []muxer.Effect {
	s, n := m.target, to-from
	if s == nil || s.read != receiving || s.write == resetting {
		m.stats.Dropped += uint64(n)
	} else {
		s.unread += n
		do = append(do, muxer.Effect{Kind: muxer.Deliver, Stream: s.id, Data: data.Slice(from, to)})
	}
	if s != nil && m.ends && m.rest == 0 {
		do = m.remoteClosed(s, do)
	}
	return do
}

// fail ends the connection and leaves a go-away owed.
func (m *Machine) fail(rule string, stream, got uint64, do []muxer.Effect) []muxer.Effect {
	m.err = &muxer.ProtocolError{Muxer: string(ID), Rule: rule, Stream: stream, Got: got, Code: goAwayProtocol}
	m.bye, m.byeCode = true, goAwayProtocol
	return append(do, muxer.Effect{Kind: muxer.Fatal})
}
