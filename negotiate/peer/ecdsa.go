package peer

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
)

// ecdsaPublic reads a key in PKIX DER on P-256, P-384 or P-521: the first is what
// the specs' vector has and everyone makes, the others are what go and js accept.
func ecdsaPublic(data []byte) (*publicKey, error) {
	parsed, err := x509.ParsePKIXPublicKey(data)
	if err != nil {
		return nil, &KeyError{Type: ECDSA, Rule: ErrKeyValue, Err: err}
	}
	key, ok := parsed.(*ecdsa.PublicKey)
	if !ok {
		return nil, &KeyError{Type: ECDSA, Rule: ErrKeyValue, Detail: "the DER holds a key of another type"}
	}
	public, err := newECDSAPublic(key)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(public.encoded, encodePublic(ECDSA, data)) {
		return nil, &KeyError{Type: ECDSA, Rule: ErrKeyEncoding}
	}
	return public, nil
}

func newECDSAPublic(key *ecdsa.PublicKey) (*publicKey, error) {
	switch key.Curve {
	case elliptic.P256(), elliptic.P384(), elliptic.P521():
	default:
		return nil, &KeyError{Type: ECDSA, Rule: ErrKeySize, Detail: "the curve must be P-256, P-384 or P-521"}
	}
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil, &KeyError{Type: ECDSA, Rule: ErrKeyValue, Err: err}
	}
	return newPublicKey(ECDSA, der, func(msg, sig []byte) bool {
		sum := sha256.Sum256(msg)
		return ecdsa.VerifyASN1(key, sum[:], sig)
	}), nil
}

// ecdsaPrivate reads a key in SEC 1 DER, as the specs' vector has it.
func ecdsaPrivate(data []byte) (*privateKey, error) {
	unreadable := &KeyError{Type: ECDSA, Rule: ErrKeyValue, Detail: "the SEC 1 DER cannot be read"}
	// The key parser passes over bytes behind the key, which a key file must not have.
	var whole asn1.RawValue
	if rest, err := asn1.Unmarshal(data, &whole); err != nil || len(rest) > 0 {
		return nil, unreadable
	}
	key, err := x509.ParseECPrivateKey(data)
	if err != nil {
		return nil, unreadable // the parser's text may quote bytes
	}
	public, err := newECDSAPublic(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, &KeyError{Type: ECDSA, Rule: ErrKeyValue, Detail: "the key cannot be written"}
	}
	return &privateKey{
		public: public,
		sign: func(msg []byte) ([]byte, error) {
			sum := sha256.Sum256(msg)
			sig, err := key.Sign(nil, sum[:], crypto.SHA256) // nil: RFC 6979, deterministic
			if err != nil {
				return nil, &KeyError{Type: ECDSA, Rule: ErrKeyValue, Detail: "the key cannot sign"}
			}
			return sig, nil
		},
		secret: func() []byte { return bytes.Clone(der) },
	}, nil
}
