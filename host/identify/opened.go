package identify

import (
	"crypto/sha256"
	"sync"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// maxOpened is how many records without an address are remembered at least, and
// half of how many at most: 50 KiB.
const maxOpened = 256

// opened are the records without an address that were opened, by the hash of their
// envelopes. The address book has no place for those, so that a peer that does not
// listen and comes back would cost the check of a signature each time. The latest
// are kept.
type opened struct {
	mu       sync.Mutex // nothing waits under it
	now, old map[[sha256.Size]byte]struct{}
}

// open opens a record; see [opener]. book is the address book's, for those it has.
func (o *opened) open(book opener, from peer.ID, data []byte) (*peer.SignedRecord, error) {
	name := sha256.Sum256(data)
	if o.has(name) {
		return peer.OpenSignedAgain(data, data)
	}
	signed, err := book(from, data)
	if err == nil && len(signed.Record().Addrs) == 0 {
		o.add(name)
	}
	return signed, err
}

func (o *opened) has(name [sha256.Size]byte) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, now := o.now[name]
	_, old := o.old[name]
	return now || old
}

func (o *opened) add(name [sha256.Size]byte) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.now == nil || len(o.now) >= maxOpened {
		o.old, o.now = o.now, make(map[[sha256.Size]byte]struct{})
	}
	o.now[name] = struct{}{}
}
