package peer

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
)

// Generate makes an Ed25519 key from the next 32 bytes of entropy, so a seeded
// reader gives the same key each time. Nil means crypto/rand. It blocks only as
// long as the reader does. Error: the reader's, wrapped.
func Generate(entropy io.Reader) (Key, error) {
	if entropy == nil {
		entropy = rand.Reader
	}
	seed := make([]byte, ed25519.SeedSize)
	if _, err := io.ReadFull(entropy, seed); err != nil {
		return nil, fmt.Errorf("no entropy for a new key: %w", err)
	}
	return newEd25519(ed25519.NewKeyFromSeed(seed)), nil
}

func newEd25519(key ed25519.PrivateKey) *privateKey {
	return &privateKey{
		public: newEd25519Public(key.Public().(ed25519.PublicKey)),
		sign:   func(msg []byte) ([]byte, error) { return ed25519.Sign(key, msg), nil },
		secret: func() []byte { return bytes.Clone(key) },
	}
}

func newEd25519Public(key ed25519.PublicKey) *publicKey {
	return newPublicKey(Ed25519, key, func(msg, sig []byte) bool {
		return len(sig) == ed25519.SignatureSize && ed25519.Verify(key, msg, sig)
	})
}

func ed25519Public(data []byte) (*publicKey, error) {
	if len(data) != ed25519.PublicKeySize {
		return nil, &KeyError{Type: Ed25519, Rule: ErrKeySize,
			Detail: fmt.Sprintf("%d bytes, want %d", len(data), ed25519.PublicKeySize)}
	}
	return newEd25519Public(data), nil
}

// ed25519Private reads seed and public key, 64 bytes, or the older form with the
// public key twice (libp2p specs, peer-ids/peer-ids.md, "Ed25519"). The older
// form is written back in the newer one.
func ed25519Private(data []byte) (*privateKey, error) {
	const legacy = ed25519.PrivateKeySize + ed25519.PublicKeySize
	switch len(data) {
	case ed25519.PrivateKeySize:
	case legacy:
		if !bytes.Equal(data[ed25519.SeedSize:ed25519.PrivateKeySize], data[ed25519.PrivateKeySize:]) {
			return nil, &KeyError{Type: Ed25519, Rule: ErrKeyValue, Detail: "the two copies of the public key differ"}
		}
	default:
		return nil, &KeyError{Type: Ed25519, Rule: ErrKeySize,
			Detail: fmt.Sprintf("%d bytes, want %d or %d", len(data), ed25519.PrivateKeySize, legacy)}
	}
	key := ed25519.NewKeyFromSeed(data[:ed25519.SeedSize])
	// Signing with a public key that is not the seed's would give the seed away.
	if !bytes.Equal(key[ed25519.SeedSize:], data[ed25519.SeedSize:ed25519.PrivateKeySize]) {
		return nil, &KeyError{Type: Ed25519, Rule: ErrKeyValue, Detail: "the public key is not that of the seed"}
	}
	return newEd25519(key), nil
}
