package swarm

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A subscriber is one who hears events: what the swarm tells it waits in its
// news, and an actor of its own carries that to its mailbox, where it may wait.
type subscriber struct {
	signal actor.Signal
	closed atomic.Bool // its owner has ended

	mu   sync.Mutex // guards news; never held over a wait
	news news
}

// tell adds an event. It never waits.
func (s *subscriber) tell(e Event) {
	s.mu.Lock()
	s.news.add(e)
	s.mu.Unlock()
	s.signal.Set()
}

func (s *subscriber) next() (Event, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news.next()
}

// Subscribe has all events of the swarm delivered to an actor's mailbox, as the
// messages that wrap makes of them, until owner ends. The peers that are
// connected now come first, then what happens, in order. A part of owner named
// "events" carries them and waits for room; the swarm never does.
//
// It blocks until the swarm has taken note, or owner ends. Errors: owner's cause,
// or an [*actor.GoneError] when the swarm has ended.
func Subscribe[M any](s *Swarm, owner *actor.Self, box *actor.Mailbox[M], wrap func(Event) M) error {
	return s.subscribe(owner, func(ctx context.Context, e Event) error { return box.Put(ctx, wrap(e)) })
}

func (s *Swarm) subscribe(owner *actor.Self, put func(context.Context, Event) error) error {
	sub := &subscriber{
		signal: actor.NewSignal(owner, "an event of the swarm"),
		news:   news{limit: s.config.Limits.Events},
	}
	owner.OnEnd(func() { sub.closed.Store(true) })
	wrap := func(ask actor.Ask[*subscriber, struct{}]) message { return subscribe{ask} }
	if _, err := actor.Call(owner, s.box.Load(), wrap, sub); err != nil {
		return err
	}
	owner.Go("events", func(self *actor.Self) error {
		for {
			e, ok := sub.next()
			if ok {
				if put(self, e) != nil {
					return nil // its owner has ended, or is about to
				}
				continue
			}
			if sub.signal.Wait(self, time.Time{}) != nil {
				return nil
			}
		}
	})
	return nil
}

// publish tells all subscribers, in order. Anybody may call it.
func (s *Swarm) publish(events ...Event) {
	s.hearing.Lock()
	defer s.hearing.Unlock()
	live := s.subscribers[:0]
	for _, sub := range s.subscribers {
		if sub.closed.Load() {
			continue
		}
		live = append(live, sub)
		for _, e := range events {
			sub.tell(e)
		}
	}
	clear(s.subscribers[len(live):])
	s.subscribers = live
}

// join adds a subscriber and tells it what is so now.
func (s *Swarm) join(sub *subscriber, now []Event) {
	s.hearing.Lock()
	defer s.hearing.Unlock()
	for _, e := range now {
		sub.tell(e)
	}
	s.subscribers = append(s.subscribers, sub)
}
