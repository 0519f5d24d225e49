package swarm

import (
	"cmp"
	"slices"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A Store keeps what the address book knows beyond the end of the host: see
// [Config].Store. An actor named "store" calls it, one method at a time; they may
// block for a disk and for nothing else. Package host/store has one in a file,
// [MemoryStore] is one for tests and simulations. A store serves one host.
type Store interface {
	// Load calls take for each peer that is kept, in any order, before anything
	// is saved. What cannot be read of one peer is left out.
	Load(take func(SavedPeer)) error
	// Save replaces what is kept of each of these peers, as one change: after a
	// crash all of it is there or nothing, and when Save has returned nil all is.
	// Of a peer without addresses nothing is kept.
	Save(changes []SavedPeer) error
}

// A SavedPeer is what a store keeps of one peer.
type SavedPeer struct {
	Peer  peer.ID
	At    time.Time // when it was saved, by the clock on the wall
	Addrs []SavedAddr
	// Record is its signed record in its envelope, nil if there is none, and
	// RecordUntil how long that is kept.
	Record      []byte
	RecordUntil time.Time
}

// A SavedAddr is one address. Until is how long each [Source] holds; zero: it
// does not.
type SavedAddr struct {
	Addr      ma.Multiaddr
	Until     [sources]time.Time
	Certified bool // it is in the record
}

// worthKeeping reports whether a store should keep the page. What was only heard
// is not: it ends in minutes, and strangers would have the disk written all day.
func (p *bookPage) worthKeeping() bool { return rank(p.lines) > Heard }

// saved is a page as a store keeps it.
func (p *bookPage) saved(now time.Time) SavedPeer {
	s := SavedPeer{Peer: p.id, At: now, Addrs: make([]SavedAddr, len(p.lines))}
	for i := range p.lines {
		l := &p.lines[i]
		s.Addrs[i] = SavedAddr{l.addr, l.until, l.certified}
	}
	if p.record != nil {
		s.Record, s.RecordUntil = p.record.envelope, p.record.until
	}
	return s
}

// page is what still stands of it now. A clock that has gone backwards since
// leaves what was left then.
func (s *SavedPeer) page(now time.Time) *bookPage {
	base := s.At
	if now.Before(base) {
		base = now
	}
	left := func(until time.Time) time.Time {
		if until.IsZero() {
			return until
		}
		if until = base.Add(min(until.Sub(s.At), Forever)); until.After(now) {
			return until
		}
		return time.Time{}
	}
	p := &bookPage{id: s.Peer}
	if until := left(s.RecordUntil); len(s.Record) > 0 && len(s.Record) <= MaxRecordSize && !until.IsZero() {
		if record, _, err := peer.OpenRecord(s.Record); err == nil && record.ID == s.Peer {
			p.record = newRecord(s.Record, record)
			p.record.until = until
		}
	}
	for _, a := range s.Addrs {
		l := bookLine{addr: a.Addr, size: sizeOf(a.Addr), certified: a.Certified && p.record != nil}
		for i, until := range a.Until {
			l.until[i] = left(until)
		}
		_, stands := l.source()
		ok := usable(peer.Info{ID: s.Peer, Addrs: []ma.Multiaddr{a.Addr}})
		if stands && len(ok) == 1 && find(p.lines, a.Addr) < 0 {
			p.lines = place(p.lines, l)
		}
	}
	return p
}

// A MemoryStore is a [Store] that lives as long as the program: for tests, and
// for simulations, where a real disk would be a clock of its own. The zero value
// is empty. Several goroutines may use it.
type MemoryStore struct {
	mu    sync.Mutex // never held over a wait
	peers map[peer.ID]SavedPeer
}

// Load implements [Store]; the peers come in the order of their IDs.
func (s *MemoryStore) Load(take func(SavedPeer)) error {
	for _, p := range s.Peers() {
		take(p)
	}
	return nil
}

// Save implements [Store]. It never fails.
func (s *MemoryStore) Save(changes []SavedPeer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.peers == nil {
		s.peers = make(map[peer.ID]SavedPeer)
	}
	for _, p := range changes {
		if len(p.Addrs) == 0 {
			delete(s.peers, p.Peer)
		} else {
			s.peers[p.Peer] = p
		}
	}
	return nil
}

// Peers are those that are kept, in the order of their IDs.
func (s *MemoryStore) Peers() []SavedPeer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []SavedPeer
	for _, p := range s.peers {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b SavedPeer) int { return cmp.Compare(a.Peer, b.Peer) })
	return all
}
