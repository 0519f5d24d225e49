package swarm

import (
	"context"

	"github.com/troupe-p2p/troupe/actor"
)

// bookInbox is how many requests may wait for the book; callers wait beyond.
const bookInbox = 1024

// bookMessage is what the book's actor receives: an event, or its own timer.
type bookMessage struct {
	sweep bool // from the timer; its loss would keep old addresses
	ask   actor.Ask[bookEvent, struct{}]
}

// Undelivered answers a caller that would wait for ever.
func (m bookMessage) Undelivered(reason error) { m.ask.Undelivered(reason) }

// startBook starts the book as a supervised child of parent and waits until it
// is ready. It begins with what its keeper has loaded.
func startBook(parent *actor.Self, r actor.Restart, b *Book) error {
	ready := actor.NewPromise(parent, "the start of the address book")
	ref := parent.Supervise("book", r, func(self *actor.Self) error {
		k := &bookkeeper{book: b, self: self, machine: newBookMachine(b.connected, b.most)}
		return k.run(ready)
	})
	if err := ref.Err(); err != nil {
		return err
	}
	return ready.Wait(parent)
}

func (b *Book) call(ctx context.Context, ev bookEvent) error {
	_, err := actor.Call(ctx, b.box.Load(), func(ask actor.Ask[bookEvent, struct{}]) bookMessage {
		return bookMessage{ask: ask}
	}, ev)
	return err
}

// bookkeeper is the book's actor: the only one who writes.
type bookkeeper struct {
	book    *Book
	self    *actor.Self
	machine *bookMachine
	do      []bookEffect
}

func (k *bookkeeper) run(ready *actor.Promise) error {
	// After a failure the book begins empty: what made it fail may be in it.
	k.book.peers.Clear()
	k.book.count.Store(0)
	box := actor.NewMailbox[bookMessage](k.self, bookInbox)
	alarm := actor.NewAlarm(k.self, box, bookMessage{sweep: true})
	k.book.box.Store(box)
	k.self.NeverWaits()
	k.self.State("open")
	k.self.Gauge("peers", k.book.count.Load)
	k.self.Gauge("refused", k.book.refused.Load)
	if k.book.keeper != nil && !ready.Kept() {
		for _, page := range k.book.keeper.take(k.self.Now()) {
			_ = k.step(bookEvent{kind: restore, peer: page.id, page: page})
		}
		k.tell(keepEvent{kind: keepCompare, peers: k.book.IDs()})
	}
	alarm.Set(k.machine.Deadline())
	ready.Keep(nil)
	for m := range box.All() {
		if m.sweep {
			alarm.Rearm()
			_ = k.step(bookEvent{kind: sweep})
		} else {
			m.ask.Answer(struct{}{}, k.serve(m.ask.Q))
		}
		alarm.Set(k.machine.Deadline())
	}
	return nil
}

func (k *bookkeeper) serve(ev bookEvent) error {
	if err := ev.peer.Validate(); err != nil {
		return err
	}
	return k.step(ev)
}

// step feeds the machine one event and carries out all its effects.
func (k *bookkeeper) step(ev bookEvent) (refusal error) {
	k.do = k.machine.Step(k.self.Now(), ev, k.do[:0])
	for _, e := range k.do {
		switch e.kind {
		case show:
			if _, known := k.book.peers.Swap(e.peer, e.page); !known {
				k.book.count.Add(1)
			}
			switch {
			case e.save && e.page.worthKeeping():
				k.tell(keepEvent{kind: keepChanged, peer: e.peer})
			case e.save:
				k.tell(keepEvent{kind: keepGone, peer: e.peer})
			}
		case hide:
			k.book.peers.Delete(e.peer)
			k.book.count.Add(-1)
			k.tell(keepEvent{kind: keepGone, peer: e.peer})
		case refuse:
			k.book.refused.Add(1)
			refusal = e.err
		}
	}
	clear(k.do)
	return refusal
}

// tell tells the keeper, which is not waited for.
func (k *bookkeeper) tell(ev keepEvent) {
	if k.book.keeper != nil {
		k.book.keeper.tell(ev)
	}
}
