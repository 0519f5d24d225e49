package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

// life is what a machine knows of the remote's being there: when it was heard,
// and the one ping that may be under way.
type life struct {
	heard time.Time // the last read
	due   time.Time // the next Tick; moves only with ticks, so that reads cost no timer

	asking bool      // a ping is due or under way
	owed   bool      // it waits to be sent
	value  uint32    // what it carries
	asked  time.Time // when it became due
	sent   time.Time

	rtt      time.Duration // 0 before the first answer
	measured time.Time
}

// begin sets the clock with the first event.
func (l *life) begin(now time.Time, o Options) {
	if l.due.IsZero() {
		l.heard, l.due = now, now.Add(o.KeepAlive)
	}
}

// ask makes a ping due, unless one is under way.
func (l *life) ask(now time.Time) {
	if !l.asking {
		l.asking, l.owed, l.asked = true, true, now
		l.value++
	}
}

// answered takes the answer to a ping and reports whether somebody waits for it.
func (l *life) answered(now time.Time, value uint32) bool {
	if !l.asking || l.owed || value != l.value {
		return false
	}
	l.asking, l.measured = false, now
	// A round trip of no time is one all the same.
	trip := max(now.Sub(l.sent), 1)
	if l.rtt == 0 {
		l.rtt = trip
	} else {
		l.rtt = max((l.rtt+trip)/2, 1)
	}
	return true
}

// tick asks a remote that has been silent for a while whether it is there, and
// gives up one that has been silent since. Any byte is a sign of life.
func (m *Machine) tick(now time.Time, do []muxer.Effect) []muxer.Effect {
	l := &m.life
	if m.options.KeepAlive < 0 || l.due.After(now) {
		return do
	}
	if !l.asking {
		if quiet := l.heard.Add(m.options.KeepAlive); quiet.After(now) {
			l.due = quiet
			return do
		}
		l.ask(now)
		l.due = now.Add(m.options.Answer)
		return do
	}
	since := l.heard
	if l.asked.After(since) {
		since = l.asked
	}
	if limit := since.Add(m.options.Answer); limit.After(now) {
		l.due = limit
		return do
	}
	m.bye = false
	m.err = &muxer.SilentError{Muxer: string(ID), Silent: now.Sub(l.heard)}
	return append(do, muxer.Effect{Kind: muxer.Fatal})
}

// ping answers a ping of the remote, or takes the answer to one of this end. An
// answer that nobody waits for is ignored: go and py do the same.
func (m *Machine) ping(now time.Time, h head, do []muxer.Effect) []muxer.Effect {
	if h.has(flagSYN) {
		if !m.pongs.Add(h.length, MaxPongs) {
			return m.fail(RulePongs, 0, MaxPongs+1, do)
		}
		return do
	}
	if !m.life.answered(now, h.length) {
		m.stats.Unasked++
	}
	return do
}
