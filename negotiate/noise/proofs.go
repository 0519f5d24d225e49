package noise

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
)

// A proof names a claim that was checked: that this identity signed this static
// key with these bytes. Whether a signature holds depends on nothing else, so
// it need not be checked twice.
type proof [sha256.Size]byte

// proofOf tells claims apart: the first part has a fixed size, and the second
// comes after its length.
func proofOf(static []byte, c claim) proof {
	b := make([]byte, 0, 256)
	b = append(b, static...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(c.key)))
	b = append(append(b, c.key...), c.sig...)
	return sha256.Sum256(b)
}

// maxProofs is how many proofs are kept at least, and half of how many at most:
// 100 KiB.
const maxProofs = 512

// proofs are the claims of those that this host has had a handshake with. A peer
// that keeps its static key (the specs allow it, and this package does) and comes
// back costs no check of a signature. That the peer holds the static key is proved
// in each handshake anew. The latest are kept: strangers can only make others
// pay for the check again.
type proofs struct {
	mu       sync.Mutex // nothing waits under it
	now, old map[proof]struct{}
}

// has reports whether the claim was checked before.
func (p *proofs) has(one proof) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.now[one]; ok {
		return true
	}
	_, ok := p.old[one]
	if ok {
		p.keep(one)
	}
	return ok
}

// add notes a claim that was checked.
func (p *proofs) add(one proof) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keep(one)
}

func (p *proofs) keep(one proof) {
	if len(p.now) >= maxProofs {
		p.old, p.now = p.now, nil
	}
	if p.now == nil {
		p.now = make(map[proof]struct{})
	}
	p.now[one] = struct{}{}
}
