package swarm

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// How long an address is kept after it was learned, by how it was. While the
// peer is connected, and for RecentTTL after, its addresses stay.
const (
	// GivenTTL: the user or a configuration gave it.
	GivenTTL = time.Hour
	// ProvenTTL: a dial there led to the peer. A day, so that a node that was off
	// for a night finds back to those it knew.
	ProvenTTL = 24 * time.Hour
	// SaidTTL: the peer itself said it, over an authenticated connection.
	SaidTTL = 30 * time.Minute
	// HeardTTL: somebody else said it.
	HeardTTL = 10 * time.Minute
	// RecentTTL is the least that is left when the peer was connected a moment
	// ago.
	RecentTTL = 15 * time.Minute
	// Forever: until Forget, or until room is needed.
	Forever = 100 * 365 * 24 * time.Hour
)

// The limits of the address book.
const (
	// MaxAddrsPerPeer is how many addresses of one peer are kept, as in
	// go-libp2p (p2p/host/peerstore/pstoremem).
	MaxAddrsPerPeer = 64
	// MaxBookPeers is how many peers are kept.
	MaxBookPeers = 4096
	// MaxAddrSize is how many bytes an address may have in its binary form;
	// longer ones are left out.
	MaxAddrSize = 1 << 10
	// MaxPeerSize is how much memory the addresses of one peer may take; 64
	// usual ones fit. The book as a whole takes at most MaxBookPeers times this
	// and MaxRecordSize.
	MaxPeerSize = 32 << 10
	// MaxRecordSize is how many bytes a signed record may have, in its envelope:
	// what fits into a message of identify.
	MaxRecordSize = 8 << 10
)

// A Source is from whom the book has an address, the least reliable first. Of
// those that make room, the least reliable go first, see [Book].
type Source uint8

const (
	// Heard: somebody else said so, in gossip, a table, a directory.
	Heard Source = iota
	// Said: the peer itself said so, over an authenticated connection.
	Said
	// Proven: a dial there led to the peer. Dials say so.
	Proven
	// Given: the user or a configuration said so.
	Given
	sources
)

// String names the source as the tree and errors do.
func (s Source) String() string {
	if s >= sources {
		return "unknown"
	}
	return [sources]string{"heard", "said", "proven", "given"}[s]
}

// A Book is the address book: who can be reached where, and which addresses
// failed a moment ago. It is an actor; reading it asks nobody and never waits.
//
// When it is full, a newcomer takes the place of a peer that is not connected
// and is known from no better source, the worst source first, and within it the
// one that was learned of longest ago. So strangers, however many, displace each
// other, and never those that the user gave or this host is connected with. See
// the package comment, "The address book".
type Book struct {
	connected func(peer.ID) bool
	most      int     // peers
	keeper    *keeper // nil: the book ends with the process
	box       atomic.Pointer[actor.Mailbox[bookMessage]]
	peers     sync.Map // peer.ID to *bookPage: written by the book's actor, read by all
	count     atomic.Int64
	refused   atomic.Int64
}

// A BookEntry is what the book knows of one address of a peer.
type BookEntry struct {
	Addr      ma.Multiaddr
	Source    Source    // the best one it has now
	Certified bool      // it is in the peer's own signed record, see [Book.Record]
	Until     time.Time // when it is forgotten
	Failures  int       // dials that failed in a row
	RetryAt   time.Time // back-off: not to be dialed before; zero: none
	LastErr   error     // why the last dial failed
}

// Learn notes addresses of a peer that the user gave, for the given time, and
// waits until the book has done so. Addresses that are known keep the longer
// time. A part /p2p/ID at the end is cut off; an address with the ID of another
// peer, an empty one and one over MaxAddrSize are left out. Errors: the cause of
// ctx, a [*BookFullError], an [*actor.GoneError] when the book has ended.
func (b *Book) Learn(ctx context.Context, info peer.Info, ttl time.Duration) error {
	return b.LearnFrom(ctx, Given, info, ttl)
}

// LearnFrom is [Book.Learn] for addresses from another source. What a peer
// itself says, with [Said], replaces all that it said before, unless it says
// nothing.
func (b *Book) LearnFrom(ctx context.Context, from Source, info peer.Info, ttl time.Duration) error {
	addrs := usable(info)
	if len(addrs) == 0 || ttl <= 0 {
		return info.ID.Validate()
	}
	return b.call(ctx, bookEvent{kind: learn, peer: info.ID, from: from, addrs: addrs, ttl: ttl})
}

// LearnRecord notes a signed peer record, in its envelope, for the given time,
// and the addresses in it that use allows (nil: all). It returns who it is
// about. The record is kept whole, to be passed on ([Book.Record]).
//
// The record must be signed by the peer that it is about. It replaces that
// peer's older record: addresses that were in the old one and are not in the new
// one are forgotten, unless the user gave them or a dial proved them. From the
// peer itself ([Said]) it replaces all that the peer said before. A record with a
// number that is not greater than that of the one that is known is refused, as
// the specs say (RFC/0003); the very same statement again prolongs its time.
//
// The signature is checked before the book is asked. Errors: a [*RecordError], a
// [*peer.EnvelopeError], and those of [Book.Learn].
func (b *Book) LearnRecord(ctx context.Context, from Source, envelope []byte, ttl time.Duration, use func(ma.Multiaddr) bool) (peer.ID, error) {
	if len(envelope) > MaxRecordSize {
		return "", &RecordError{Rule: ErrRecordSize, Size: len(envelope)}
	}
	signed, err := peer.OpenSigned(envelope)
	if err != nil {
		return "", err
	}
	return signed.Record().ID, b.LearnSigned(ctx, from, signed, ttl, use)
}

// LearnSigned is [Book.LearnRecord] for a record whose signature has been checked
// already. Errors: a [*RecordError], and those of [Book.Learn].
func (b *Book) LearnSigned(ctx context.Context, from Source, signed *peer.SignedRecord, ttl time.Duration, use func(ma.Multiaddr) bool) error {
	envelope, record := signed.Envelope(), signed.Record()
	if len(envelope) > MaxRecordSize {
		return &RecordError{Rule: ErrRecordSize, Size: len(envelope)}
	}
	addrs := usable(peer.Info{ID: record.ID, Addrs: record.Addrs})
	if use != nil {
		addrs = slices.DeleteFunc(addrs, func(a ma.Multiaddr) bool { return !use(a) })
	}
	if ttl <= 0 {
		return nil
	}
	return b.call(ctx, bookEvent{kind: learn, peer: record.ID, from: from, addrs: addrs, ttl: ttl, record: newRecord(envelope, record)})
}

// Record is the newest signed record of a peer, in its envelope, and its number.
// It is nil when none is known. It does not wait. The bytes must not be changed.
func (b *Book) Record(id peer.ID) (envelope []byte, seq uint64) {
	if p := b.page(id); p != nil && p.record != nil {
		return p.record.envelope, p.record.seq
	}
	return nil, 0
}

// OpenRecord is [peer.OpenSigned] for a record that ought to be the given peer's: when
// it is the one that the book has, its signature, which was checked before, is
// not checked again. It does not wait, and keeps nothing. Errors are those of
// OpenSigned.
func (b *Book) OpenRecord(of peer.ID, envelope []byte) (*peer.SignedRecord, error) {
	known, _ := b.Record(of)
	return peer.OpenSignedAgain(envelope, known)
}

// Forget drops addresses of a peer, all when none is named, and waits until the
// book has done so. With the last address its record is dropped. Errors: the
// cause of ctx, an [*actor.GoneError] when the book has ended.
func (b *Book) Forget(ctx context.Context, id peer.ID, addrs ...ma.Multiaddr) error {
	return b.call(ctx, bookEvent{kind: forget, peer: id, addrs: addrs})
}

// Addrs are the addresses of a peer, those learned first first. It does not
// wait.
func (b *Book) Addrs(id peer.ID) []ma.Multiaddr {
	p := b.page(id)
	if p == nil {
		return nil
	}
	out := make([]ma.Multiaddr, len(p.lines))
	for i := range p.lines {
		out[i] = p.lines[i].addr
	}
	return out
}

// Entries is everything known of the addresses of a peer. It does not wait; an
// entry whose time is over may still be there for up to a minute.
func (b *Book) Entries(id peer.ID) []BookEntry {
	p := b.page(id)
	if p == nil {
		return nil
	}
	out := make([]BookEntry, len(p.lines))
	for i := range p.lines {
		out[i] = p.lines[i].entry()
	}
	return out
}

// Peers is how many peers the book knows.
func (b *Book) Peers() int { return int(b.count.Load()) }

// IDs are the peers that the book knows, in the order of their IDs. It does not
// wait.
func (b *Book) IDs() []peer.ID {
	ids := make([]peer.ID, 0, b.Peers())
	b.peers.Range(func(id, _ any) bool {
		ids = append(ids, id.(peer.ID))
		return true
	})
	slices.Sort(ids)
	return ids
}

// page is what the book shows of a peer; nil: nothing.
func (b *Book) page(id peer.ID) *bookPage {
	p, _ := b.peers.Load(id)
	page, _ := p.(*bookPage)
	return page
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
