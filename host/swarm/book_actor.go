package swarm

import (
	"container/list"
	"context"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

const (
	// bookInbox is how many requests may wait for the book; callers wait beyond.
	bookInbox = 1024
	// sweepEvery is how long an entry may outlive its time.
	sweepEvery = time.Minute
	// Back-off after n failures in a row is backoffBase + n² seconds, at most
	// backoffMax (go-libp2p swarm, "dial backoff").
	backoffBase = 5 * time.Second
	backoffMax  = 5 * time.Minute
)

// bookMessage is what the book's actor receives: a request, or its own timer.
type bookMessage struct {
	sweep bool // from the timer; its loss would keep old addresses
	ask   actor.Ask[bookRequest, struct{}]
}

// Undelivered answers a caller that would wait for ever.
func (m bookMessage) Undelivered(reason error) { m.ask.Undelivered(reason) }

type bookRequestKind uint8

const (
	learn  bookRequestKind = iota // anybody: addresses of a peer
	forget                        // anybody, and dials that found somebody else there
	worked                        // a dial: the address led to the peer
	failed                        // a dial: it did not
)

// bookRequest is one of the things that are asked of the book. Its loss would
// cost an address, or a dial in vain.
type bookRequest struct {
	kind  bookRequestKind
	peer  peer.ID
	addrs []ma.Multiaddr
	ttl   time.Duration
	err   error
}

// startBook starts the book as a supervised child of parent and waits until it
// is ready.
func startBook(parent *actor.Self, r actor.Restart, connected func(peer.ID) bool) (*Book, error) {
	b := &Book{connected: connected}
	ready := actor.NewPromise(parent, "the start of the address book")
	ref := parent.Supervise("book", r, func(self *actor.Self) error {
		k := &bookkeeper{book: b, places: make(map[peer.ID]*list.Element)}
		return k.run(self, ready)
	})
	if err := ref.Err(); err != nil {
		return nil, err
	}
	return b, ready.Wait(parent)
}

func (b *Book) call(ctx context.Context, q bookRequest) error {
	_, err := actor.Call(ctx, b.box.Load(), func(ask actor.Ask[bookRequest, struct{}]) bookMessage {
		return bookMessage{ask: ask}
	}, q)
	return err
}

// usable returns the addresses of info that may stand in the book.
func usable(info peer.Info) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, addr := range info.Addrs {
		addr, id := peer.SplitAddr(addr)
		if len(addr) > 0 && (id == "" || id == info.ID) && len(addr.Bytes()) <= MaxAddrSize {
			out = append(out, addr)
		}
	}
	return out
}

// bookkeeper is the book's actor: the only one who writes.
type bookkeeper struct {
	book   *Book
	places map[peer.ID]*list.Element // in order
	order  list.List                 // of peer.ID, the one learned of longest ago first
	now    time.Time
}

func (k *bookkeeper) run(self *actor.Self, ready *actor.Promise) error {
	// After a failure the book begins empty: what made it fail may be in it.
	k.book.peers.Clear()
	k.book.count.Store(0)
	box := actor.NewMailbox[bookMessage](self, bookInbox)
	alarm := actor.NewAlarm(self, box, bookMessage{sweep: true})
	k.book.box.Store(box)
	self.NeverWaits()
	self.State("open")
	self.Gauge("peers", k.book.count.Load)
	ready.Keep(nil)
	for m := range box.All() {
		k.now = self.Now()
		if m.sweep {
			alarm.Rearm()
			k.sweep()
		} else {
			m.ask.Answer(struct{}{}, k.serve(m.ask.Q))
		}
		if k.order.Len() > 0 {
			if m.sweep || k.order.Len() == 1 {
				alarm.Set(k.now.Add(sweepEvery))
			}
		} else {
			alarm.Set(time.Time{})
		}
	}
	return nil
}

func (k *bookkeeper) serve(q bookRequest) error {
	if err := q.peer.Validate(); err != nil {
		return err
	}
	switch q.kind {
	case learn:
		k.learn(q.peer, q.addrs, q.ttl)
	case forget:
		k.change(q.peer, func(entries []BookEntry) []BookEntry {
			if len(q.addrs) == 0 {
				return nil
			}
			return slices.DeleteFunc(entries, func(e BookEntry) bool {
				return slices.ContainsFunc(q.addrs, e.Addr.Equal)
			})
		})
	case worked:
		k.each(q, func(e *BookEntry) {
			e.Failures, e.RetryAt, e.LastErr = 0, time.Time{}, nil
			e.Until = later(e.Until, k.now.Add(RecentTTL))
		})
	case failed:
		k.each(q, func(e *BookEntry) {
			e.Failures++
			e.RetryAt, e.LastErr = k.now.Add(backoff(e.Failures)), q.err
		})
	}
	return nil
}

// backoff is the pause after n failures in a row.
func backoff(n int) time.Duration {
	n = min(n, 60) // far beyond the limit; n² stays small
	return min(backoffBase+time.Duration(n*n)*time.Second, backoffMax)
}

// change replaces the entries of a peer that is known.
func (k *bookkeeper) change(id peer.ID, f func([]BookEntry) []BookEntry) {
	place := k.places[id]
	if place == nil {
		return
	}
	entries := f(k.book.Entries(id))
	if len(entries) == 0 {
		k.drop(place)
		return
	}
	k.book.peers.Store(id, entries)
}

// each changes the entries that a request names, of those that are known.
func (k *bookkeeper) each(q bookRequest, f func(*BookEntry)) {
	k.change(q.peer, func(entries []BookEntry) []BookEntry {
		for i := range entries {
			if slices.ContainsFunc(q.addrs, entries[i].Addr.Equal) {
				f(&entries[i])
			}
		}
		return entries
	})
}

// learn notes addresses and makes room for them.
func (k *bookkeeper) learn(id peer.ID, addrs []ma.Multiaddr, ttl time.Duration) {
	if len(addrs) == 0 || ttl <= 0 {
		return
	}
	place := k.places[id]
	if place == nil {
		if k.order.Len() >= MaxBookPeers && !k.makeRoom() {
			return // everybody in it is connected
		}
		k.places[id] = k.order.PushBack(id)
		k.book.count.Add(1)
	} else {
		k.order.MoveToBack(place)
	}
	until := k.now.Add(min(ttl, Forever))
	entries := k.book.Entries(id)
	for _, addr := range addrs {
		if i := slices.IndexFunc(entries, func(e BookEntry) bool { return e.Addr.Equal(addr) }); i >= 0 {
			entries[i].Until = later(entries[i].Until, until)
			continue
		}
		if len(entries) == MaxAddrsPerPeer {
			first := earliest(entries)
			if entries[first].Until.After(until) {
				continue // all the others are better
			}
			entries = slices.Delete(entries, first, first+1)
		}
		entries = append(entries, BookEntry{Addr: addr, Until: until})
	}
	k.book.peers.Store(id, entries)
}

// earliest is the index of the entry that ends first.
func earliest(entries []BookEntry) int {
	first := 0
	for i, e := range entries {
		if e.Until.Before(entries[first].Until) {
			first = i
		}
	}
	return first
}

// makeRoom drops the peer learned of longest ago that is not connected.
func (k *bookkeeper) makeRoom() bool {
	for place := k.order.Front(); place != nil; place = place.Next() {
		if !k.book.connected(place.Value.(peer.ID)) {
			k.drop(place)
			return true
		}
	}
	return false
}

func (k *bookkeeper) drop(place *list.Element) {
	id := k.order.Remove(place).(peer.ID)
	delete(k.places, id)
	k.book.peers.Delete(id)
	k.book.count.Add(-1)
}

// sweep drops what has ended. The addresses of a peer that is connected stay for
// RecentTTL more.
func (k *bookkeeper) sweep() {
	var next *list.Element
	for place := k.order.Front(); place != nil; place = next {
		next = place.Next()
		id := place.Value.(peer.ID)
		if k.book.connected(id) {
			k.change(id, func(entries []BookEntry) []BookEntry {
				for i := range entries {
					entries[i].Until = later(entries[i].Until, k.now.Add(RecentTTL))
				}
				return entries
			})
			continue
		}
		k.change(id, func(entries []BookEntry) []BookEntry {
			return slices.DeleteFunc(entries, func(e BookEntry) bool { return e.Until.Before(k.now) })
		})
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
