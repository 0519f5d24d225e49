package actor

import (
	"context"
	"time"
)

// Deliver is [Mailbox.Put] by somebody who has time: if the owner waits in
// [Mailbox.Serve], the message is served here and now, on the goroutine of the
// caller, before Deliver returns. That saves the way to another goroutine, which
// costs more than most messages; an owner that rests needs no goroutine for it.
// Messages of one sender stay in their order. What serves such a mailbox must not
// wait.
func (m *Mailbox[M]) Deliver(ctx context.Context, v M) error {
	if m.sim != nil {
		return m.sim.deliver(ctx, m, v)
	}
	switch {
	case m.state.CompareAndSwap(boxLendable, boxLent):
		if m.waits() { // what the caller has put before comes before
			m.giveBack(boxLendable)
			return m.Put(ctx, v)
		}
		if m.borrow(v) == Stay {
			m.giveBack(boxLendable)
			return nil
		}
		m.state.Store(boxRunning)
		m.wake.wake()
	case m.state.CompareAndSwap(boxResting, boxLent):
		if m.waits() {
			m.giveBack(boxResting)
			return m.Put(ctx, v)
		}
		if m.borrow(v) != Over {
			m.giveBack(boxResting) // there is no goroutine that could stay
			return nil
		}
		m.state.Store(boxRunning)
		m.owner.node.resume()
	default:
		return m.Put(ctx, v)
	}
	return nil
}

// giveBack has the owner wait again as it did, unless there is something for it:
// whoever sent that left it to the borrower to say so.
func (m *Mailbox[M]) giveBack(state int32) {
	m.state.Store(state)
	if m.waits() {
		m.unpark()
	}
}

// A thrown is the failure of somebody who served a message in the owner's place.
type thrown struct{ failure error }

// borrow serves a message in the owner's place. What a panic says is kept for the
// owner.
func (m *Mailbox[M]) borrow(v M) Next {
	s, n := m.serving, m.owner.node
	n.waiting(nil)
	m.count++
	if failure := n.system.protect(func() { s.serve(v) }); failure != nil {
		s.thrown, s.next = &thrown{failure}, Over
	}
	m.total.Store(m.count)
	n.waiting(waitsForMessage)
	return s.next
}

// lend waits until there is something for the owner to look at, and lets others
// serve messages meanwhile. Whoever sees it wait, and changes that, wakes it: a
// sender at once, a borrower if something is left to do. So the owner sleeps
// exactly when its change back fails.
func (m *Mailbox[M]) lend() {
	m.total.Store(m.count)
	m.owner.node.waiting(waitsForMessage)
	if m.wake == nil {
		m.wake = make(slot, 1)
	}
	m.state.Store(boxLendable)
	if !m.waits() || !m.state.CompareAndSwap(boxLendable, boxRunning) {
		<-m.wake
	}
	m.owner.node.waiting(nil)
}

// deliver is Deliver in a simulation. Whether it is the caller who serves the
// message is left to chance: in production it depends on who comes first.
func (b *simBox[M]) deliver(ctx context.Context, m *Mailbox[M], v M) error {
	if carrierOf(ctx).simulator() != b.island {
		return b.put(ctx, m, v)
	}
	b.island.mayYield()
	if !b.lendable || b.queue.len() > 0 || m.urgent.Load() || m.dead() || b.island.chance.IntN(2) == 0 {
		return b.put(ctx, m, v)
	}
	b.lendable, b.lent = false, true
	next := m.borrow(v)
	b.lent = false
	if next != Over && b.queue.len() == 0 && !m.urgent.Load() {
		b.lendable = true
	} else {
		b.arrived.wake()
	}
	return nil
}

// rest waits in a simulation: whether the owner stays or rests, it gives its stack
// away, for there are thousands and a switch costs the same. It returns true when
// that is so; the task begins again in [Mailbox.serve] when it is woken. One that
// is restarted keeps its stack.
func (b *simBox[M]) rest(m *Mailbox[M]) bool {
	m.total.Store(m.count)
	n := m.owner.node
	n.waiting(waitsForMessage)
	b.island.mayYield()
	for b.lent || b.nothing(m) {
		b.lendable = !b.lent
		if m.mayRest() {
			if b.arrived.rest() {
				return true
			}
			continue
		}
		// The end of the actor wakes through the mailbox, not through a context.
		b.arrived.wait(context.Background(), time.Time{})
	}
	b.lendable = false
	n.waiting(nil)
	return false
}

// nothing reports whether the owner has nothing to look at.
func (b *simBox[M]) nothing(m *Mailbox[M]) bool {
	return b.queue.len() == 0 && !m.urgent.Load() && m.serving.next != Over
}

// woken goes on after a rest. It returns false when there was no reason to wake
// the owner, so that it rests again.
func (b *simBox[M]) woken(m *Mailbox[M]) bool {
	if b.lent || b.lendable && b.nothing(m) {
		return !b.rest(m)
	}
	b.lendable = false
	m.owner.node.waiting(nil)
	return true
}
