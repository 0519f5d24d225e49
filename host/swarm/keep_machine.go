package swarm

import (
	"container/list"
	"maps"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The keep machine decides when what has changed in the book is written into the
// store.
//
//	         changed           keepDelay           written
//	idle ──────────────▶ waiting ──────────▶ writing ───────▶ idle, or waiting
//	                        ▲                   │
//	                        └───── a pause ─────┘ failed
//
// So the disk is written to once in a keepDelay, whatever strangers do.
// A peer that changes again before it is written waits once. What waits is
// bounded by what is in the book and in the store.

const (
	// keepDelay is how long a change may wait for others, to be written with
	// them: what a crash may cost.
	keepDelay = time.Second
	// keepBatch is how many peers are written at once.
	keepBatch = 1024
	// After a failure the next attempt is made after keepPause, which doubles up
	// to keepPauseMax.
	keepPause    = time.Second
	keepPauseMax = time.Minute
)

// keepEvent is one of the things that happen to the keeper.
type keepEvent struct {
	kind  keepEventKind
	peer  peer.ID   // changed, gone
	peers []peer.ID // loaded: in the store; compare, renew, stop (nil: no change was lost): in the book; wrote: gone
	ok    bool      // wrote
}

type keepEventKind uint8

const (
	keepLoaded  keepEventKind = iota // the beginning: these are in the store
	keepCompare                      // the book has begun with these
	keepRenew                        // it has these, and any of them may have changed
	keepChanged                      // something else is known of a peer
	keepGone                         // nothing is known of a peer any more
	keepWrote                        // a write is over
	keepTick                         // the deadline has come
	keepStop                         // the end: what waits is written now
)

// keepMachine is what the keeper knows.
type keepMachine struct {
	kept    map[peer.ID]bool          // may be in the store
	waiting map[peer.ID]*list.Element // in queue
	queue   list.List                 // of peer.ID
	writing []peer.ID                 // the batch under way
	due     time.Time                 // when the next may begin; zero: nothing waits
	failed  int                       // writes in a row
	ending  bool
}

func newKeepMachine() *keepMachine {
	return &keepMachine{kept: make(map[peer.ID]bool), waiting: make(map[peer.ID]*list.Element)}
}

// Deadline is when the machine wants a tick; zero: never.
func (m *keepMachine) Deadline() time.Time {
	if len(m.writing) > 0 {
		return time.Time{}
	}
	return m.due
}

// Step takes one event. The result is a batch of peers to be written, in the
// order of their changes; nil: nothing is to be done.
func (m *keepMachine) Step(now time.Time, ev keepEvent) []peer.ID {
	switch ev.kind {
	case keepLoaded:
		for _, id := range ev.peers {
			m.kept[id] = true
		}
	case keepCompare:
		m.others(now, ev.peers)
	case keepRenew:
		m.renew(now, ev.peers)
	case keepChanged:
		m.wait(now, ev.peer)
	case keepGone:
		m.gone(now, ev.peer)
	case keepWrote:
		m.wrote(now, ev)
	case keepStop:
		m.ending, m.failed = true, 0
		if ev.peers != nil {
			m.renew(now, ev.peers)
		}
	}
	batch := m.next(now)
	if len(m.waiting) == 0 {
		m.due = time.Time{}
	}
	return batch
}

func (m *keepMachine) renew(now time.Time, book []peer.ID) {
	for _, id := range book {
		m.wait(now, id)
	}
	m.others(now, book)
}

// others queues those that are in the store and not in the book.
func (m *keepMachine) others(now time.Time, book []peer.ID) {
	known := make(map[peer.ID]bool, len(book))
	for _, id := range book {
		known[id] = true
	}
	for _, id := range slices.Sorted(maps.Keys(m.kept)) {
		if !known[id] {
			m.wait(now, id)
		}
	}
}

// wait queues a peer to be written.
func (m *keepMachine) wait(now time.Time, id peer.ID) {
	if m.waiting[id] != nil {
		return
	}
	m.waiting[id] = m.queue.PushBack(id)
	if m.due.IsZero() {
		m.due = now.Add(keepDelay)
	}
}

// gone queues a peer of which nothing is to be kept, unless nothing is.
func (m *keepMachine) gone(now time.Time, id peer.ID) {
	if m.kept[id] {
		m.wait(now, id)
		return
	}
	if at := m.waiting[id]; at != nil {
		m.queue.Remove(at)
		delete(m.waiting, id)
	}
}

// wrote notes how a write went. After a failure nobody knows what is in the
// store, so all of it is written again.
func (m *keepMachine) wrote(now time.Time, ev keepEvent) {
	batch := m.writing
	m.writing = nil
	if !ev.ok {
		for i := len(batch) - 1; i >= 0; i-- {
			if at := m.waiting[batch[i]]; at != nil {
				m.queue.MoveToFront(at)
			} else {
				m.waiting[batch[i]] = m.queue.PushFront(batch[i])
			}
		}
		m.due = now.Add(min(keepPause<<min(m.failed, 10), keepPauseMax))
		m.failed++
		return
	}
	m.failed = 0
	for _, id := range ev.peers {
		delete(m.kept, id)
	}
	if m.due.IsZero() {
		m.due = now.Add(keepDelay) // for those that had no place in the batch
	}
}

// next takes a batch out of the queue if it is time. At the end one failure is
// enough.
func (m *keepMachine) next(now time.Time) []peer.ID {
	switch {
	case len(m.writing) > 0 || len(m.waiting) == 0:
		return nil
	case m.ending && m.failed > 0 || !m.ending && now.Before(m.due):
		return nil
	}
	for len(m.writing) < keepBatch && len(m.waiting) > 0 {
		id := m.queue.Remove(m.queue.Front()).(peer.ID)
		delete(m.waiting, id)
		m.kept[id] = true // from now on it may be
		m.writing = append(m.writing, id)
	}
	m.due = time.Time{}
	return m.writing
}
