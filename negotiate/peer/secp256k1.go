package peer

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// secp256k1Public reads a compressed point, 33 bytes. The longer forms that the
// curve library would read are refused: they would give one key several IDs.
func secp256k1Public(data []byte) (*publicKey, error) {
	if len(data) != secp256k1.PubKeyBytesLenCompressed {
		return nil, &KeyError{Type: Secp256k1, Rule: ErrKeySize,
			Detail: fmt.Sprintf("%d bytes, want %d", len(data), secp256k1.PubKeyBytesLenCompressed)}
	}
	key, err := secp256k1.ParsePubKey(data)
	if err != nil {
		return nil, &KeyError{Type: Secp256k1, Rule: ErrKeyValue, Err: err}
	}
	return newSecp256k1Public(key), nil
}

func newSecp256k1Public(key *secp256k1.PublicKey) *publicKey {
	return newPublicKey(Secp256k1, key.SerializeCompressed(), func(msg, sig []byte) bool {
		parsed, err := ecdsa.ParseDERSignature(sig)
		if err != nil {
			return false
		}
		// Of the two values of s that verify, only the lower is allowed (BIP 62,
		// "Low S values"), else anyone could make a second signature.
		if s := parsed.S(); s.IsOverHalfOrder() {
			return false
		}
		sum := sha256.Sum256(msg)
		return parsed.Verify(sum[:], key)
	})
}

func secp256k1Private(data []byte) (*privateKey, error) {
	if len(data) != secp256k1.PrivKeyBytesLen {
		return nil, &KeyError{Type: Secp256k1, Rule: ErrKeySize,
			Detail: fmt.Sprintf("%d bytes, want %d", len(data), secp256k1.PrivKeyBytesLen)}
	}
	var scalar secp256k1.ModNScalar
	if overflow := scalar.SetByteSlice(data); overflow || scalar.IsZero() {
		return nil, &KeyError{Type: Secp256k1, Rule: ErrKeyValue, Detail: "the number is outside the curve's order"}
	}
	key := secp256k1.NewPrivateKey(&scalar)
	return &privateKey{
		public: newSecp256k1Public(key.PubKey()),
		sign: func(msg []byte) ([]byte, error) {
			sum := sha256.Sum256(msg)
			return ecdsa.Sign(key, sum[:]).Serialize(), nil // RFC 6979, low s
		},
		secret: func() []byte { return bytes.Clone(key.Serialize()) },
	}, nil
}
