package talk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
	"math/rand/v2"
)

// Pattern is an endless stream of bytes that depends on the seed only: ChaCha8,
// so that a byte that is lost, doubled or moved changes the checksum.
func Pattern(seed uint64) io.Reader {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	return rand.NewChaCha8(key)
}

// PatternSum is the SHA-256 of the first n bytes of Pattern(seed).
func PatternSum(seed uint64, n int64) [sha256.Size]byte {
	h := sha256.New()
	// A hash never fails to write and a pattern never ends.
	_, _ = io.CopyN(h, Pattern(seed), n)
	return [sha256.Size]byte(h.Sum(nil))
}

// short is the beginning of a checksum, for error texts.
func short(sum []byte) string {
	return hex.EncodeToString(sum[:min(len(sum), 6)])
}
