package noise

import (
	"crypto/cipher"
	"encoding/binary"
	"net"
	"sync/atomic"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// fullPlain is the plaintext of a full record sent by this end, 65518 bytes: one
// less than the 65519 that a record may hold (libp2p specs, noise/README.md,
// "Wire Format"), so that head and record fill a buffer exactly and leave
// together.
const fullPlain = buf.MaxSize - headSize - tagSize

// A sealing is the cipher of one direction. Record n is sealed with n as its
// nonce (Noise specification, sections 5.1 and 12). flynn/noise would do the
// same with one allocation a record.
type sealing struct {
	aead  cipher.AEAD
	nonce [chacha20poly1305.NonceSize]byte // the last 8 bytes are the number
	n     uint64                           // of the next record
	limit uint64                           // n stays below
}

func newSealing(key *[keySize]byte, limit uint64) sealing {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		panic("noise: " + err.Error()) // the key has the right size
	}
	return sealing{aead: aead, limit: limit}
}

// seal appends the sealed plain to dst, which has room for it.
func (s *sealing) seal(dst, plain []byte) ([]byte, error) {
	if s.n >= s.limit {
		return dst, ErrExhausted
	}
	binary.LittleEndian.PutUint64(s.nonce[4:], s.n)
	s.n++
	return s.aead.Seal(dst, s.nonce[:], plain, nil), nil
}

// open appends what is sealed in record to dst, which has room for it and may be
// record[:0]. The number moves on only when the record is good.
func (s *sealing) open(dst, record []byte) error {
	if s.n >= s.limit {
		return ErrExhausted
	}
	binary.LittleEndian.PutUint64(s.nonce[4:], s.n)
	if _, err := s.aead.Open(dst, s.nonce[:], record, nil); err != nil {
		return &RecordError{Record: s.n, Rule: string(ruleSealed)}
	}
	s.n++
	return nil
}

// A gate lets one goroutine at a time into a direction, and settles with Close
// who gives the buffers back: whoever is inside does it on the way out, else
// Close does.
type gate struct{ state atomic.Uint32 }

const (
	gateOpen uint32 = iota
	gateBusy
	gateClosed
)

// enter must be followed by leave when it returns nil.
func (g *gate) enter() error {
	if g.state.CompareAndSwap(gateOpen, gateBusy) {
		return nil
	}
	if g.state.Load() == gateClosed {
		return net.ErrClosed
	}
	return ErrConcurrentUse
}

// leave reports whether the gate was closed meanwhile and the caller has to
// clean up.
func (g *gate) leave() bool { return !g.state.CompareAndSwap(gateBusy, gateOpen) }

// shut reports whether nobody is inside and the caller has to clean up.
func (g *gate) shut() bool { return g.state.Swap(gateClosed) == gateOpen }
