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
	// SaidTTL: the peer itself said it, over an authenticated connection.
	SaidTTL = 30 * time.Minute
	// HeardTTL: somebody else said it.
	HeardTTL = 10 * time.Minute
	// RecentTTL is the least that is left when the peer was connected a moment
	// ago or the address has just worked.
	RecentTTL = 15 * time.Minute
	// Forever: until Forget, or until room is needed.
	Forever = 100 * 365 * 24 * time.Hour
)

// The limits of the address book.
const (
	// MaxAddrsPerPeer is how many addresses of one peer are kept; the one that
	// ends first makes room.
	MaxAddrsPerPeer = 64
	// MaxBookPeers is how many peers are kept; the one that was learned of
	// longest ago and is not connected makes room.
	MaxBookPeers = 4096
	// MaxAddrSize is how many bytes an address may have in its binary form;
	// longer ones are left out.
	MaxAddrSize = 1 << 10
)

// A Book is the address book: who can be reached where, and which addresses
// failed a moment ago. It is an actor; reading it asks nobody and never waits.
type Book struct {
	connected func(peer.ID) bool
	box       atomic.Pointer[actor.Mailbox[bookMessage]]
	peers     sync.Map // peer.ID to []BookEntry: written by the book's actor, read by all
	count     atomic.Int64
}

// A BookEntry is what the book knows of one address of a peer.
type BookEntry struct {
	Addr     ma.Multiaddr
	Until    time.Time // when it is forgotten
	Failures int       // dials that failed in a row
	RetryAt  time.Time // back-off: not to be dialed before; zero: none
	LastErr  error     // why the last dial failed
}

// Learn notes addresses of a peer for the given time, and waits until the book
// has done so. Addresses that are known keep the longer time. A part /p2p/ID at
// the end is cut off; an address with the ID of another peer, an empty one and
// one over MaxAddrSize are left out. Errors: the cause of ctx, an
// [*actor.GoneError] when the book has ended.
func (b *Book) Learn(ctx context.Context, info peer.Info, ttl time.Duration) error {
	return b.call(ctx, bookRequest{kind: learn, peer: info.ID, addrs: usable(info), ttl: ttl})
}

// Forget drops addresses of a peer, all when none is named, and waits until the
// book has done so. Errors as Learn.
func (b *Book) Forget(ctx context.Context, id peer.ID, addrs ...ma.Multiaddr) error {
	return b.call(ctx, bookRequest{kind: forget, peer: id, addrs: addrs})
}

// Addrs are the addresses of a peer, those learned first first. It does not
// wait.
func (b *Book) Addrs(id peer.ID) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, e := range b.Entries(id) {
		out = append(out, e.Addr)
	}
	return out
}

// Entries is everything known of the addresses of a peer. It does not wait; an
// entry whose time is over may still be there for up to a minute.
func (b *Book) Entries(id peer.ID) []BookEntry {
	all, _ := b.peers.Load(id)
	entries, _ := all.([]BookEntry)
	return slices.Clone(entries)
}

// Peers is how many peers the book knows.
func (b *Book) Peers() int { return int(b.count.Load()) }
