package mplex

import "github.com/troupe-p2p/troupe/muxer"

// fill answers a Room: frames of at most room bytes in all. Control frames come
// first, in the order in which they became due, so that a NewStream precedes its
// stream's data. A Close follows its stream's last byte.
func (m *Machine) fill(room int, do []muxer.Effect) []muxer.Effect {
	start := len(do)
	room, do = m.fillControl(room, do)
	if m.owing.Len()+m.refused.Len() > 0 {
		return do
	}
	for m.ready.Len() > 0 {
		s := m.ready.First()
		e := frame(flagFrom(flagMessageReceiver, s.id), s.id, min(s.waiting, m.ready.Share(m.limits.Frame)))
		if e.N = muxer.Cut(e.N, room-headSize(e), len(do) == start); e.N == 0 {
			return do
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
	for m.refused.Len() > 0 {
		e := frame(flagResetReceiver, m.refused.First(), 0)
		if room < headSize(e) {
			return room, do
		}
		room -= headSize(e)
		do = append(do, e)
		m.refused.Drop()
	}
	return room, do
}
