package actor

import (
	"context"
	"time"
)

// simBox is a mailbox's queue in a simulation: the same promises as the channel,
// on the scheduler's parkings.
type simBox[M any] struct {
	island  *Island
	limit   int
	queue   ring[M]
	arrived place // the owner waits here
	room    place // senders wait here
	over    bool

	lendable, lent bool // see lend
}

func newSimBox[M any](i *Island, limit int) *simBox[M] {
	if i == i.sched.root {
		i.sched.boxes++
	}
	return &simBox[M]{island: i, limit: limit, arrived: place{island: i}, room: place{island: i}}
}

func (b *simBox[M]) put(ctx context.Context, m *Mailbox[M], v M) error {
	if b.island.sched.parallel {
		b.island.meet(ctx)
	}
	b.island.mayYield()
	if !b.tryPut(m, v) {
		if err := b.putSlowly(ctx, m, v); err != nil {
			return err
		}
	}
	if len(b.queue.items) > 0 && b.queue.len() < b.limit {
		b.room.wake() // the next sender in line
	}
	return nil
}

func (b *simBox[M]) putSlowly(ctx context.Context, m *Mailbox[M], v M) error {
	w := beginWait(ctx, &waitNote{waitsForRoom, m.owner.node})
	defer w.leave()
	for {
		if m.dead() {
			b.room.wake() // nobody in line will ever get room
			return m.gone()
		}
		if b.push(v) {
			return nil
		}
		err := w.wait(b.island, func(until time.Time) error { return b.room.wait(ctx, until) })
		if err != nil {
			return err
		}
	}
}

func (b *simBox[M]) tryPut(m *Mailbox[M], v M) bool {
	if m.dead() {
		return false
	}
	if !b.push(v) {
		m.full.Add(1)
		return false
	}
	return true
}

// push puts v in if there is room.
func (b *simBox[M]) push(v M) bool {
	if b.queue.len() >= b.limit {
		return false
	}
	b.queue.push(v)
	b.arrived.wake()
	return true
}

func (b *simBox[M]) tryRecv() (M, bool) {
	v, ok := b.queue.pop()
	if ok {
		b.room.wake()
	}
	return v, ok
}

// empty releases what waits in a dead mailbox, and everybody in line.
func (b *simBox[M]) empty(m *Mailbox[M]) {
	if !b.over && b.island == b.island.sched.root {
		b.island.sched.boxes--
	}
	b.over = true
	for v, ok := b.queue.pop(); ok; v, ok = b.queue.pop() {
		m.release(v)
	}
	b.room.wake()
}

func (b *simBox[M]) recv(m *Mailbox[M]) (M, bool) {
	b.island.mayYield()
	defer func() { m.total.Store(m.count) }()
	for {
		if m.urgent.Load() {
			if v, ok, end := m.takeOwn(); ok || end {
				return v, ok
			}
		}
		if v, ok := m.poll(); ok {
			return v, true
		}
		m.owner.node.waiting(waitsForMessage)
		// The end of the actor wakes through the mailbox, not through a context.
		b.arrived.wait(context.Background(), time.Time{})
		m.owner.node.waiting(nil)
	}
}

// A ring is a queue that reuses its memory.
type ring[M any] struct {
	items []M
	head  int
}

func (r *ring[M]) len() int { return len(r.items) - r.head }

func (r *ring[M]) push(v M) { r.items = append(r.items, v) }

func (r *ring[M]) pop() (v M, ok bool) {
	if r.head == len(r.items) {
		return v, false
	}
	var none M
	v, r.items[r.head] = r.items[r.head], none
	r.head++
	if r.head == len(r.items) {
		r.items, r.head = r.items[:0], 0
	} else if r.head >= 64 && r.head*2 >= len(r.items) {
		n := copy(r.items, r.items[r.head:])
		clear(r.items[n:])
		r.items, r.head = r.items[:n], 0
	}
	return v, true
}
