package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

// fill answers a Room: frames of at most room bytes in all. Control frames come
// first, in the order in which they became due, so that a SYN precedes its
// stream's data. A FIN follows its stream's last byte, and the go-away
// everything.
func (m *Machine) fill(now time.Time, room int, do []muxer.Effect) []muxer.Effect {
	start := len(do)
	if m.err == nil {
		if room, do = m.fillControl(now, room, do); m.owed() {
			return do
		}
	}
	for m.err == nil && m.ready.Len() > 0 {
		s := m.ready.First()
		n := muxer.Cut(s.sendable(m.ready.Share(m.limits.Frame)), room-headSize, len(do) == start)
		if n == 0 {
			return do
		}
		room -= headSize + n
		do = append(do, data(s.id, n))
		s.waiting -= n
		s.credit -= int64(n)
		if s.waiting > 0 && s.credit > 0 {
			m.ready.Turn()
			continue
		}
		m.ready.Leave(&s.ready)
		if s.waiting == 0 && s.write == closing {
			m.owe(s)
			room, do = m.fillControl(now, room, do)
		}
	}
	if m.bye && room >= headSize {
		m.bye = false
		do = append(do, session(typeGoAway, 0, m.byeCode))
	}
	return do
}

// fillControl sends what control frames fit and returns the room that is left.
func (m *Machine) fillControl(now time.Time, room int, do []muxer.Effect) (int, []muxer.Effect) {
	for ; m.pongs.Len() > 0 && room >= headSize; m.pongs.Drop() {
		room -= headSize
		do = append(do, session(typePing, flagACK, m.pongs.First()))
	}
	if l := &m.life; l.owed && room >= headSize {
		l.owed, l.sent = false, now
		room -= headSize
		do = append(do, session(typePing, flagSYN, l.value))
	}
	for m.owing.Len() > 0 && room >= headSize {
		s := m.owing.First()
		e, _ := m.owes(s)
		room -= headSize
		do = append(do, e)
		do = m.paid(s, do)
	}
	for ; m.refused.Len() > 0 && room >= headSize; m.refused.Drop() {
		room -= headSize
		do = append(do, control(typeWindowUpdate, flagRST, m.refused.First().id, m.refused.First().code))
	}
	return room, do
}
