package swarm

import (
	"cmp"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// keepInbox is how many changes may wait for the keeper, which takes no time for
// them. When it is full all the same, it looks at the whole book.
const keepInbox = 1024

// keepMessage is what the keeper's actor receives: an event for its machine, from
// the book or from its own timer, or the end of a write. The loss of an event is
// made good by looking at the whole book.
type keepMessage struct {
	event keepEvent
	over  *keepWrite // not nil: this write is
}

// keepWrite is one batch on its way into the store.
type keepWrite struct {
	changes []SavedPeer
	absent  []peer.ID // those of which nothing is kept
	err     error
}

// A keeper is the actor that writes what is known into the store.
//
//	store          one mailbox of 1024; a machine decides
//	└─ write       writes one batch; it waits for the disk, the others do not
type keeper struct {
	store Store
	book  *Book
	box   atomic.Pointer[actor.Mailbox[keepMessage]]
	lost  atomic.Bool // a change found no room: any peer may have changed

	loaded []SavedPeer // until the book takes it

	kept, failures atomic.Int64 // for the tree: peers, writes
}

// startKeeper starts the keeper of a book as a supervised child of parent and
// waits until it has loaded. Error: a [*StoreError] when that failed.
func startKeeper(parent *actor.Self, b *Book, store Store) error {
	k := &keeper{store: store, book: b}
	b.keeper = k
	ready := actor.NewPromise(parent, "what the store has kept")
	r := actor.Restart{When: actor.OnFailure, Backoff: time.Second, Optional: true}
	ref := parent.Supervise("store", r, func(self *actor.Self) error {
		self.OnEnd(func() { ready.Keep(actor.ErrStopped) }) // told to end, or a panic
		err := k.run(self, ready)
		if err != nil {
			ready.Keep(err)
		}
		return err
	})
	if err := ref.Err(); err != nil {
		return err
	}
	if err := ready.Wait(parent); err != nil {
		ref.Stop(err)
		return err
	}
	return nil
}

// take hands the book what has been loaded, those that were saved last last.
func (k *keeper) take(now time.Time) []*bookPage {
	slices.SortStableFunc(k.loaded, func(a, b SavedPeer) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Peer, b.Peer))
	})
	pages := make([]*bookPage, len(k.loaded))
	for i := range k.loaded {
		pages[i] = k.loaded[i].page(now)
	}
	k.loaded = nil
	return pages
}

// tell tells the keeper something. It never waits.
func (k *keeper) tell(ev keepEvent) {
	if box := k.box.Load(); box == nil || !box.TryPut(keepMessage{event: ev}) {
		k.lost.Store(true)
	}
}

// keeping is one incarnation of the keeper's actor.
type keeping struct {
	*keeper
	self    *actor.Self
	inbox   *actor.Mailbox[keepMessage]
	machine *keepMachine
}

func (k *keeper) run(self *actor.Self, ready *actor.Promise) error {
	g := &keeping{keeper: k, self: self, machine: newKeepMachine()}
	self.Gauge("peers", k.kept.Load)
	self.Gauge("failures", k.failures.Load)
	self.State("loading")
	if err := g.load(!ready.Kept()); err != nil {
		return err
	}
	g.inbox = actor.NewMailbox[keepMessage](self, keepInbox)
	alarm := actor.NewAlarm(self, g.inbox, keepMessage{event: keepEvent{kind: keepTick}})
	k.box.Store(g.inbox)
	self.State("open")
	if ready.Kept() {
		k.lost.Store(true) // what came while nobody was here
		g.renew()
		alarm.Set(g.machine.Deadline())
	}
	ready.Keep(nil)
	for m := range g.inbox.All() {
		switch {
		case m.over != nil:
			m.event = g.wrote(m.over)
		case m.event.kind == keepTick:
			alarm.Rearm()
		}
		g.step(m.event)
		g.renew()
		alarm.Set(g.machine.Deadline())
	}
	g.finish()
	return nil
}

// load reads the store. Only the first incarnation hands on what is in it: a book
// that has failed begins empty.
func (g *keeping) load(first bool) error {
	var ids []peer.ID
	err := g.store.Load(func(p SavedPeer) {
		ids = append(ids, p.Peer)
		if first {
			g.loaded = append(g.loaded, p)
		}
	})
	if err != nil {
		return &StoreError{Did: "load", Err: err}
	}
	g.machine.Step(g.self.Now(), keepEvent{kind: keepLoaded, peers: ids})
	return nil
}

// renew has everything written anew when something was lost.
func (g *keeping) renew() {
	if g.lost.Swap(false) {
		g.step(keepEvent{kind: keepRenew, peers: g.book.IDs()})
	}
}

// step feeds the machine one event, and starts the write that it wants.
func (g *keeping) step(ev keepEvent) {
	batch := g.machine.Step(g.self.Now(), ev)
	g.kept.Store(int64(len(g.machine.kept)))
	if len(batch) == 0 {
		return
	}
	if g.self.Err() != nil { // no child starts any more: see finish
		g.machine.Step(g.self.Now(), keepEvent{kind: keepWrote})
		return
	}
	w := g.batch(batch)
	ref := g.self.Supervise("write", actor.Restart{}, func(*actor.Self) error {
		w.err = g.write(w)
		return w.err
	})
	actor.Watch(g.inbox, ref, func(ended error) keepMessage {
		if ended != nil {
			w.err = ended // a panic as well
		}
		return keepMessage{over: w}
	})
}

// batch is what is known of some peers now.
func (g *keeping) batch(ids []peer.ID) *keepWrite {
	now := g.self.Now()
	w := &keepWrite{err: &StoreError{Did: "save", Err: actor.ErrStopped}} // if it never begins
	for _, id := range ids {
		s := SavedPeer{Peer: id, At: now}
		if page := g.book.page(id); page != nil && page.worthKeeping() {
			s = page.saved(now)
		} else {
			w.absent = append(w.absent, id)
		}
		w.changes = append(w.changes, s)
	}
	return w
}

func (g *keeping) write(w *keepWrite) error {
	if err := g.store.Save(w.changes); err != nil {
		return &StoreError{Did: "save", Err: err}
	}
	return nil
}

// wrote notes how a write went, for the machine and for the tree.
func (g *keeping) wrote(w *keepWrite) keepEvent {
	if w.err != nil {
		g.failures.Add(1)
		g.self.State("failing")
		g.self.Note("last failure", w.err)
		return keepEvent{kind: keepWrote}
	}
	g.self.State("open")
	return keepEvent{kind: keepWrote, ok: true, peers: w.absent}
}

// finish writes what still waits. Those who make changes have ended, so the actor
// itself waits for the disk.
func (g *keeping) finish() {
	g.self.State("writing what is left")
	stop := keepEvent{kind: keepStop}
	if g.lost.Swap(false) {
		stop.peers = g.book.IDs()
	}
	for batch := g.machine.Step(g.self.Now(), stop); len(batch) > 0; {
		w := g.batch(batch)
		w.err = g.write(w)
		batch = g.machine.Step(g.self.Now(), g.wrote(w))
	}
}
