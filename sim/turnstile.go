package sim

import (
	"context"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A turnstile lets the hosts of a bubble receive one after the other. A bubble
// wakes those whose timers are set to one instant in random order, and at the same
// time. So there is one timer for all hosts, and no two of them receive at the
// same nanosecond: whoever was woken by the one waits again before the next one's
// turn. Of those that are due together the host that was made first comes first.
type turnstile struct {
	ctx context.Context

	mu    sync.Mutex // guards the rest; taken after any lock of a host
	due   map[*Transport]time.Time
	last  time.Time // somebody received
	timer actor.Timer
}

func newTurnstile(ctx context.Context) *turnstile {
	return &turnstile{ctx: ctx, due: map[*Transport]time.Time{}}
}

// expect has a host receive at a time instead of the one it was given before; the
// zero time means never.
func (s *turnstile) expect(t *Transport, at time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if delete(s.due, t); !at.IsZero() {
		s.due[t] = at
	}
	s.arm()
}

// next returns who comes first, and when; nil: nobody.
func (s *turnstile) next() (first *Transport, at time.Time) {
	for t, due := range s.due {
		if first == nil || due.Before(at) || due.Equal(at) && t.place < first.place {
			first, at = t, due
		}
	}
	if soonest := s.last.Add(1); at.Before(soonest) {
		at = soonest
	}
	return first, at
}

// arm sets the timer to the next one's turn.
func (s *turnstile) arm() {
	s.timer.Stop()
	if first, at := s.next(); first != nil {
		s.timer = actor.AfterFunc(s.ctx, at.Sub(actor.Now(s.ctx)), s.pass)
	}
}

// pass lets the next one receive.
func (s *turnstile) pass() {
	if t := s.turn(actor.Now(s.ctx)); t != nil {
		t.receive()
	}
}

// turn takes out whose turn it is, if anybody's: a timer may come too late to be
// stopped.
func (s *turnstile) turn(now time.Time) *Transport {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, at := s.next()
	if t == nil || at.After(now) {
		return nil
	}
	delete(s.due, t)
	s.last = now
	s.arm()
	return t
}
