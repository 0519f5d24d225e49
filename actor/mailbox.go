package actor

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A Mailbox is the one place where an actor receives: a bounded, typed queue.
// What happens when it is full is said by the sender: [Mailbox.Put] waits,
// [Mailbox.TryPut] refuses. In production it is a Go channel.
//
// The runtime's own messages (timers, the end of another actor, the stop) come
// through the same mailbox and need no room: each has a place of its own. They
// come ahead of the others, but for the stop, which overtakes nobody.
//
// A mailbox belongs to one incarnation. When that ends, messages that still
// wait are released (see [Undeliverable]) and senders get a [*GoneError].
type Mailbox[M any] struct {
	owner   *Self
	ch      chan M     // production
	sim     *simBox[M] // simulation
	wake    slot       // production: there is something to look at; made by the first sleep
	stopMsg *M         // what a stop is turned into; nil: the end of the mailbox
	serving *serving[M]

	urgent atomic.Bool // own is not empty, or the actor is told to end
	mu     sync.Mutex
	own    []M  // the runtime's own messages
	ending bool // told to stop, and not done with it
	left   int  // ending: how many of the messages that waited then still come

	state atomic.Int32 // boxRunning, boxParked or boxDead
	ended latch
	cause error // why the owner ended; valid when dead

	count uint64 // received; the owner's, published in total
	total atomic.Uint64
	full  atomic.Uint64 // how often a sender found it full
}

// What the owner of a mailbox does.
const (
	boxRunning  int32 = iota
	boxParked         // waits for a wake, or is about to
	boxResting        // has given its goroutine away, or is about to
	boxLendable       // waits in Serve: anybody may serve a message in its place
	boxLent           // somebody does
	boxDead           // has ended
)

// box is a mailbox of any type, as its actor's runtime sees it.
type box interface {
	serve() (rests bool, err error)
	stop(cause error)
	die(cause error)
	Load() BoxLoad
}

// BoxLoad is what a mailbox holds, for the tree.
type BoxLoad struct {
	Waiting int    // messages in it
	Limit   int    // how many it takes before senders wait
	Total   uint64 // received so far; may lag a little behind
	Full    uint64 // how often a sender found no room
}

// An Undeliverable message owns something, or somebody waits for its answer.
// Undelivered is called once, on any goroutine, when its mailbox ends with the
// message still in it; it must not wait.
type Undeliverable interface{ Undelivered(reason error) }

// A MailboxOption changes what a mailbox does.
type MailboxOption[M any] func(*Mailbox[M])

// StopAs has a request to stop delivered as the message v instead of ending the
// mailbox, so that the actor can say goodbye. It comes after the messages that
// waited at that moment: the last words of those who were stopped before are not
// overtaken. The actor then ends by returning, within its grace.
func StopAs[M any](v M) MailboxOption[M] {
	return func(m *Mailbox[M]) { m.stopMsg = &v }
}

// NewMailbox makes the mailbox of an actor, with room for limit messages (at
// least one). An actor has one mailbox; making a second one panics.
func NewMailbox[M any](self *Self, limit int, options ...MailboxOption[M]) *Mailbox[M] {
	m := &Mailbox[M]{owner: self}
	if sched := self.node.system.carrier.simulator(); sched != nil {
		m.sim = newSimBox[M](sched, max(limit, 1))
	} else {
		m.ch = make(chan M, max(limit, 1))
	}
	for _, o := range options {
		o(m)
	}
	self.mu.Lock()
	if self.box != nil {
		self.mu.Unlock()
		panic("actor: " + self.Path() + " made a second mailbox; give its one mailbox a message type for each input")
	}
	self.box = m
	told := self.Err() != nil
	self.mu.Unlock()
	if told {
		m.stop(context.Cause(self))
	}
	return m
}

// Put waits for room and puts v in. It returns nil when v is in the mailbox, the
// cause of ctx when that is done, a [*GoneError] when the owner has ended, a
// [*CycleError] when waiting would close a cycle of waiting actors, and a
// [*WaitError] when the caller promised never to wait. An actor passes its Self
// (or a context made from it) as ctx, so that the runtime knows who waits.
func (m *Mailbox[M]) Put(ctx context.Context, v M) error {
	if s := selfOf(ctx); s != nil && s.engine.Load() {
		return &WaitError{Path: s.Path(), On: m.owner.Path()}
	}
	if m.dead() {
		return m.gone()
	}
	if m.sim != nil {
		return m.sim.put(ctx, m, v)
	}
	select {
	case m.ch <- v:
	default:
		if err := m.putSlowly(ctx, v); err != nil {
			return err
		}
	}
	m.afterSend()
	return nil
}

func (m *Mailbox[M]) putSlowly(ctx context.Context, v M) error {
	m.full.Add(1)
	w := beginWait(ctx, &waitNote{waitsForRoom, m.owner.node})
	defer w.leave()
	for w.suspect != nil {
		look := time.NewTimer(confirmAfter)
		select {
		case m.ch <- v:
			look.Stop()
			return nil
		case <-ctx.Done():
			look.Stop()
			return context.Cause(ctx)
		case <-m.ended.done():
			look.Stop()
			return m.gone()
		case <-look.C:
			if err := w.confirm(); err != nil {
				return err
			}
		}
	}
	select {
	case m.ch <- v:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-m.ended.done():
		return m.gone()
	}
}

// TryPut puts v in if there is room, and reports whether it did. It never
// waits: it is how an actor sends to those above it.
func (m *Mailbox[M]) TryPut(v M) bool {
	if m.dead() {
		return false
	}
	if m.sim != nil {
		return m.sim.tryPut(m, v)
	}
	select {
	case m.ch <- v:
		m.afterSend()
		return true
	default:
		m.full.Add(1)
		return false
	}
}

// afterSend wakes the owner if it waits. It also closes the window between a
// send and the owner's end: whoever sees the owner dead after a send empties the
// mailbox.
func (m *Mailbox[M]) afterSend() {
	switch m.state.Load() {
	case boxParked, boxResting, boxLendable:
		m.unpark()
	case boxDead:
		m.empty()
	}
}

// unpark wakes the owner, once for each time it waits: one that rests gets a
// goroutine.
func (m *Mailbox[M]) unpark() {
	switch {
	case m.state.CompareAndSwap(boxParked, boxRunning), m.state.CompareAndSwap(boxLendable, boxRunning):
		m.wake.wake()
	case m.state.CompareAndSwap(boxResting, boxRunning):
		m.owner.node.resume()
	}
}

func (m *Mailbox[M]) dead() bool { return m.state.Load() == boxDead }

// Recv waits for the next message. It returns false when the actor is told to
// end (see [StopAs]) and the messages that waited at that moment have been
// received; later ones are released when the actor ends, so that busy senders
// cannot hold up a stop. Only the owner may call it.
func (m *Mailbox[M]) Recv() (v M, ok bool) {
	if m.sim != nil {
		return m.sim.recv(m)
	}
	// Before it sleeps, the owner says so and looks once more; a sender sends,
	// and then looks whether the owner sleeps. So one sees the other. A select
	// over the channel and the wake would cost more time, memory and stack.
	parked := false
	for {
		if m.urgent.Load() {
			var end bool
			if v, ok, end = m.takeOwn(); ok || end {
				break
			}
		}
		select {
		case v = <-m.ch:
			ok = true
			m.received()
		default:
		}
		if ok {
			break
		}
		if parked {
			m.sleep()
		} else if !m.parks() {
			return v, false // a mailbox that has ended
		}
		parked = !parked
	}
	if parked {
		m.state.CompareAndSwap(boxParked, boxRunning)
	}
	return v, ok
}

// parks says that the owner is about to sleep. It may say so already: a wake that
// came too late for the sleep before has ended this one at once.
func (m *Mailbox[M]) parks() bool {
	if m.wake == nil {
		m.wake = make(slot, 1)
	}
	for !m.state.CompareAndSwap(boxRunning, boxParked) {
		switch m.state.Load() {
		case boxParked:
			return true
		case boxDead:
			return false
		}
		// A wake has just come; say it anew.
	}
	return true
}

// sleep waits until there is something to look at.
func (m *Mailbox[M]) sleep() {
	m.total.Store(m.count)
	m.owner.node.waiting(waitsForMessage)
	<-m.wake
	m.owner.node.waiting(nil)
}

// received counts a message.
func (m *Mailbox[M]) received() {
	m.count++
	if m.count&0xff == 0 {
		m.total.Store(m.count)
	}
}

// takeOwn returns one of the runtime's messages; end says that the actor is
// told to end and nothing is left for it.
func (m *Mailbox[M]) takeOwn() (v M, ok, end bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.own) > 0 {
		v = m.own[0]
		m.own = slices.Delete(m.own, 0, 1)
		m.count++
		m.urgent.Store(len(m.own) > 0 || m.ending)
		return v, true, false
	}
	if !m.ending {
		m.urgent.Store(false)
		return v, false, false
	}
	if m.left > 0 {
		m.left--
		if v, ok = m.poll(); ok {
			return v, true, false
		}
		m.left = 0
	}
	if m.stopMsg == nil {
		return v, false, true
	}
	m.ending = false
	m.urgent.Store(false)
	m.count++
	return *m.stopMsg, true, false
}

// poll takes the next message of others, if there is one.
func (m *Mailbox[M]) poll() (v M, ok bool) {
	if m.sim != nil {
		if v, ok = m.sim.tryRecv(); ok {
			m.count++
		}
		return v, ok
	}
	select {
	case v = <-m.ch:
		m.count++
		return v, true
	default:
		return v, false
	}
}

// All ranges over the messages until the actor is told to end and none is left.
func (m *Mailbox[M]) All() iter.Seq[M] {
	return func(yield func(M) bool) {
		for {
			v, ok := m.Recv()
			if !ok || !yield(v) {
				return
			}
		}
	}
}

// Drain appends the messages that wait now to batch, without waiting, up to the
// mailbox's limit. Only the owner may call it.
func (m *Mailbox[M]) Drain(batch []M) []M {
	for range m.Load().Limit {
		if m.urgent.Load() {
			v, ok, end := m.takeOwn()
			if end {
				return batch
			}
			if ok {
				batch = append(batch, v)
				continue
			}
		}
		v, ok := m.poll()
		if !ok {
			return batch
		}
		batch = append(batch, v)
	}
	return batch
}

// Load says how full the mailbox is. Anybody may call it.
func (m *Mailbox[M]) Load() BoxLoad {
	load := BoxLoad{Total: m.total.Load(), Full: m.full.Load()}
	if m.sim != nil {
		load.Waiting, load.Limit = m.sim.queue.len(), m.sim.limit
	} else {
		load.Waiting, load.Limit = len(m.ch), cap(m.ch)
	}
	return load
}

// push delivers one of the runtime's own messages; it needs no room.
func (m *Mailbox[M]) push(v M) {
	m.mu.Lock()
	if m.dead() {
		m.mu.Unlock()
		m.release(v)
		return
	}
	m.own = append(m.own, v)
	m.urgent.Store(true)
	m.mu.Unlock()
	m.wakeOwner()
}

func (m *Mailbox[M]) wakeOwner() {
	if m.sim != nil {
		m.sim.arrived.wake()
		return
	}
	m.unpark()
}

// stop is called once, when the owner is told to end.
func (m *Mailbox[M]) stop(error) {
	m.mu.Lock()
	m.ending, m.left = true, m.Load().Waiting
	m.urgent.Store(true)
	m.mu.Unlock()
	m.wakeOwner()
}

// die is called once, when the owner's body has returned.
func (m *Mailbox[M]) die(cause error) {
	m.mu.Lock()
	m.cause = cause
	m.state.Store(boxDead)
	m.mu.Unlock()
	m.ended.release()
	m.empty()
}

// empty releases what still waits in a dead mailbox.
func (m *Mailbox[M]) empty() {
	m.mu.Lock()
	own := m.own
	m.own = nil
	m.mu.Unlock()
	for _, v := range own {
		m.release(v)
	}
	if m.sim != nil {
		m.sim.empty(m)
		return
	}
	for {
		select {
		case v := <-m.ch:
			m.release(v)
		default:
			return
		}
	}
}

// release tells a message that it will not be delivered.
func (m *Mailbox[M]) release(v M) {
	if u, ok := any(v).(Undeliverable); ok {
		u.Undelivered(m.gone())
	}
}

func (m *Mailbox[M]) gone() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &GoneError{Path: m.owner.Path(), Cause: m.cause}
}
