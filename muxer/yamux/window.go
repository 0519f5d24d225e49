package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

// tuneTrips is how many round trips a window may take to be half consumed before
// it counts as too small (as go-yamux and js-libp2p-yamux have it).
const tuneTrips = 4

// freshRTT is how old a round trip's measure may be before a stream that
// receives much has a new one made.
const freshRTT = 30 * time.Second

// consumed counts what the user has read, and grants it again once it is half of
// the window.
func (m *Machine) consumed(now time.Time, s *stream, n int) {
	n = min(n, s.unread)
	if n <= 0 {
		return
	}
	s.unread -= n
	if s.read != receiving || s.write == resetting {
		return
	}
	s.eaten += n
	if s.granting || 2*s.eaten < s.window {
		return
	}
	s.granting = true
	m.grow(now, s)
	m.owe(s)
}

// grow doubles the window of a stream that is consumed faster than the round
// trip allows, within the limits.
func (m *Machine) grow(now time.Time, s *stream) {
	if l := &m.life; l.rtt > 0 && now.Sub(s.epoch) < tuneTrips*l.rtt {
		more := min(s.window, m.options.Window-s.window, m.limits.WindowBudget-m.grown)
		if more > 0 && (m.limits.Lender == nil || m.limits.Lender.Lend(more)) {
			s.window += more
			s.growth += more
			m.grown += more
			m.stats.Grown++
		}
	}
	s.epoch = now
	if l := &m.life; l.rtt == 0 || now.Sub(l.measured) >= freshRTT {
		l.ask(now)
	}
}

// due is what a WindowUpdate that is sent now grants.
func (s *stream) due() uint32 {
	if !s.granting {
		return 0
	}
	return uint32(s.eaten + s.growth)
}

// granted notes that the WindowUpdate that was due is sent.
func (s *stream) granted() {
	s.allowed += int64(s.due())
	if s.granting {
		s.granting, s.eaten, s.growth = false, 0, 0
	}
}

// keepWindow notes that nothing more is granted on a stream: its remote has
// closed it, or its user reads no more.
func (m *Machine) keepWindow(s *stream) {
	s.granting, s.eaten = false, 0
	m.owe(s)
}

// credit counts what the remote grants.
func (m *Machine) credit(s *stream, n uint32, do []muxer.Effect) []muxer.Effect {
	if sum := s.credit + int64(n); sum > maxCredit {
		return m.fail(RuleCredit, s.id.Wire(), uint64(sum), do)
	}
	s.credit += int64(n)
	m.line(s)
	return do
}

// sendable is how many bytes of a stream can be sent, in frames of at most n.
func (s *stream) sendable(n int) int {
	return int(min(int64(min(s.waiting, n)), s.credit))
}
