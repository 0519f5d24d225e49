package peer

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"math/big"
)

// The sizes of RSA keys that are accepted, in bits; the specs set none, go-libp2p
// has the same.
const (
	// MinRSABits: below, a signature proves little.
	MinRSABits = 2048
	// MaxRSABits: above, checking a signature costs more than an unknown peer may ask.
	MaxRSABits = 8192
)

// maxRSAExponent is the largest public exponent crypto/rsa takes.
const maxRSAExponent = 1<<31 - 1

// rsaPublic reads a key in PKIX DER.
func rsaPublic(data []byte) (*publicKey, error) {
	// Reading the DER is linear in its size, which is bounded; nothing is
	// computed with the numbers before they are checked.
	parsed, err := x509.ParsePKIXPublicKey(data)
	if err != nil {
		return nil, &KeyError{Type: RSA, Rule: ErrKeyValue, Err: err}
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, &KeyError{Type: RSA, Rule: ErrKeyValue, Detail: "the DER holds a key of another type"}
	}
	if err := checkRSA(key.N, big.NewInt(int64(key.E))); err != nil {
		return nil, err
	}
	public, err := newRSAPublic(key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(public.encoded, encodePublic(RSA, data)) {
		return nil, &KeyError{Type: RSA, Rule: ErrKeyEncoding}
	}
	return public, nil
}

func newRSAPublic(key *rsa.PublicKey) (*publicKey, error) {
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, &KeyError{Type: RSA, Rule: ErrKeyValue, Err: err}
	}
	return newPublicKey(RSA, der, func(msg, sig []byte) bool {
		sum := sha256.Sum256(msg)
		return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig) == nil
	}), nil
}

// checkRSA checks modulus and public exponent without computing with them.
func checkRSA(n, e *big.Int) error {
	if bits := n.BitLen(); n.Sign() <= 0 || bits < MinRSABits || bits > MaxRSABits {
		return &KeyError{Type: RSA, Rule: ErrKeySize,
			Detail: fmt.Sprintf("%d bits, want %d to %d", bits, MinRSABits, MaxRSABits)}
	}
	if n.Bit(0) == 0 {
		return &KeyError{Type: RSA, Rule: ErrKeyValue, Detail: "the modulus is even"}
	}
	if e.Cmp(big.NewInt(3)) < 0 || e.Cmp(big.NewInt(maxRSAExponent)) > 0 || e.Bit(0) == 0 {
		return &KeyError{Type: RSA, Rule: ErrKeyValue,
			Detail: fmt.Sprintf("the public exponent must be odd and from 3 to %d", maxRSAExponent)}
	}
	return nil
}

// rsaHead is the beginning of a PKCS #1 private key (RFC 8017, A.1.2). The ASN.1
// decoder leaves the fields after it unread.
type rsaHead struct {
	Version int
	N, E    *big.Int
}

// rsaPrivate reads a key in PKCS #1 DER. Parsing a whole key computes
// with its numbers, which is slow for large ones, so the modulus is looked at
// first.
func rsaPrivate(data []byte) (*privateKey, error) {
	unreadable := &KeyError{Type: RSA, Rule: ErrKeyValue, Detail: "the PKCS #1 DER cannot be read"}
	var head rsaHead
	if rest, err := asn1.Unmarshal(data, &head); err != nil || len(rest) > 0 {
		return nil, unreadable // the decoder's text may quote bytes
	}
	if head.Version != 0 {
		return nil, &KeyError{Type: RSA, Rule: ErrKeyValue, Detail: "the key has more than two primes"}
	}
	if err := checkRSA(head.N, head.E); err != nil {
		return nil, err
	}
	key, err := x509.ParsePKCS1PrivateKey(data)
	if err != nil {
		return nil, unreadable
	}
	public, err := newRSAPublic(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	der := x509.MarshalPKCS1PrivateKey(key)
	return &privateKey{
		public: public,
		sign: func(msg []byte) ([]byte, error) {
			sum := sha256.Sum256(msg)
			sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
			if err != nil {
				return nil, &KeyError{Type: RSA, Rule: ErrKeyValue, Detail: "the key cannot sign"}
			}
			return sig, nil
		},
		secret: func() []byte { return bytes.Clone(der) },
	}, nil
}
