package mplex

import "github.com/troupe-p2p/troupe/muxer"

// minCut is the smallest body, in bytes, that is cut off a larger one to fill a
// batch: a shorter rest of room is left empty, because the head and the handling
// of a scrap at both ends cost more than it carries. The first frame of a batch
// is cut however small the room, so that any room makes progress.
const minCut = 256

// fill answers a Room: frames of at most room bytes in all. Control frames come
// first, in the order in which they became due, so that a NewStream precedes its
// stream's data. A Close follows its stream's last byte.
func (m *Machine) fill(room int, do []muxer.Effect) []muxer.Effect {
	start := len(do)
	room, do = m.fillControl(room, do)
	if m.owing.Len()+m.refused.len() > 0 {
		return do
	}
	for m.ready.Len() > 0 {
		s := m.ready.First()
		e := frame(flagFrom(flagMessageReceiver, s.id), s.id, min(s.waiting, m.ready.Share(m.limits.Frame)))
		if fit := room - headSize(e); fit < e.N {
			if fit < 1 || fit < minCut && len(do) > start {
				return do
			}
			e.N = fit
		}
		room -= headSize(e) + e.N
		do = append(do, e)
		s.waiting -= e.N
		if s.waiting > 0 {
			m.ready.Turn()
			continue
		}
		m.ready.Leave(&s.ready)
		if s.write == closing {
			m.owing.Join(&s.owes)
			room, do = m.fillControl(room, do)
		}
	}
	return do
}

// fillControl sends what control frames fit and returns the room that is left.
func (m *Machine) fillControl(room int, do []muxer.Effect) (int, []muxer.Effect) {
	for m.owing.Len() > 0 {
		s := m.owing.First()
		var e muxer.Effect
		switch {
		case s.write == resetting:
			e = frame(flagFrom(flagResetReceiver, s.id), s.id, 0)
		case !s.announced:
			e = frame(flagNewStream, s.id, 0)
		default:
			e = frame(flagFrom(flagCloseReceiver, s.id), s.id, 0)
		}
		if room < headSize(e) {
			return room, do
		}
		room -= headSize(e)
		do = append(do, e)
		switch {
		case s.write == resetting:
			do = m.forget(s, do)
		case !s.announced:
			s.announced = true
			// It keeps the turn when its Close is due as well.
			if s.write == sending || s.waiting > 0 {
				m.owing.Leave(&s.owes)
			}
		default:
			s.write = closed
			m.owing.Leave(&s.owes)
			if s.read == ended {
				do = m.forget(s, do)
			}
		}
	}
	for m.refused.len() > 0 {
		e := frame(flagResetReceiver, m.refused.first(), 0)
		if room < headSize(e) {
			return room, do
		}
		room -= headSize(e)
		do = append(do, e)
		m.refused.drop()
	}
	return room, do
}

// refusals is the queue of refused streams whose Reset is owed, at most
// MaxRefusals. It takes memory only while the remote opens too many streams.
type refusals struct {
	ids  []muxer.StreamID
	sent int // how many of ids, from the front, are sent
}

func (q *refusals) len() int { return len(q.ids) - q.sent }

func (q *refusals) first() muxer.StreamID { return q.ids[q.sent] }

// drop takes the first one out, and gives the memory back after the last one.
func (q *refusals) drop() {
	if q.sent++; q.sent == len(q.ids) {
		q.ids, q.sent = nil, 0
	}
}

// add puts one at the end and reports whether there was a place for it.
func (q *refusals) add(id muxer.StreamID) bool {
	if q.len() == MaxRefusals {
		return false
	}
	if q.sent > 0 && len(q.ids) == cap(q.ids) {
		q.ids = q.ids[:copy(q.ids, q.ids[q.sent:])]
		q.sent = 0
	}
	q.ids = append(q.ids, id)
	return true
}
