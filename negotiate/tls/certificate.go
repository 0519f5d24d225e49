package tls

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"io"
	"math/big"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// signaturePrefix stands before the certificate's key in what a host signs
// (tls/tls.md, "libp2p Public Key Extension").
const signaturePrefix = "libp2p-tls-handshake:"

// extensionID is the object identifier of the libp2p extension (tls/tls.md).
func extensionID() asn1.ObjectIdentifier {
	return asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 1}
}

// A signedKey is the value of the extension, a SignedKey (tls/tls.md).
type signedKey struct {
	PublicKey []byte // the protobuf of the host's public key
	Signature []byte // over signaturePrefix and the certificate's SubjectPublicKeyInfo
}

// How long a certificate is valid: from an hour before it is made, for clocks
// that are late, to about a hundred years after, as go-libp2p has it.
const (
	validBefore = time.Hour
	validAfter  = 100 * 365 * 24 * time.Hour
)

// An identity is the certificate of a host and its private key.
type identity struct{ certificate tls.Certificate }

// Format keeps the certificate's key from being printed.
func (*identity) Format(f fmt.State, _ rune) { io.WriteString(f, "tls certificate") }

// newIdentity makes a certificate for the host whose identity is key. It takes
// the clock and the randomness of the actor that ctx belongs to, and nothing
// else: the signatures are deterministic.
func newIdentity(ctx context.Context, key peer.Key) (*identity, error) {
	entropy := actor.Entropy(ctx)
	own, err := newPrivate(entropy)
	if err != nil {
		return nil, err
	}
	template, err := newTemplate(key, &own.PublicKey, entropy, actor.Now(ctx))
	if err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(nil, template, template, &own.PublicKey, own)
	if err != nil {
		return nil, err
	}
	return &identity{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: own}}, nil
}

// newTemplate says what stands in the certificate of own.
func newTemplate(key peer.Key, own any, entropy io.Reader, now time.Time) (*x509.Certificate, error) {
	value, err := newExtension(key, own)
	if err != nil {
		return nil, err
	}
	var serial [8]byte
	if _, err := io.ReadFull(entropy, serial[:]); err != nil {
		return nil, err
	}
	serial[0] = serial[0]&0x7f | 0x40 // positive and of full length (RFC 5280, 4.1.2.2)
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial[:]),
		// Nobody reads the name; it stands in the vectors of the specs.
		Subject:   pkix.Name{Organization: []string{"libp2p.io"}},
		NotBefore: now.Add(-validBefore),
		NotAfter:  now.Add(validAfter),
		// The fields for key usage and the like make extensions before this one.
		ExtraExtensions: []pkix.Extension{{Id: extensionID(), Value: value}},
	}, nil
}

// newExtension makes the extension's value for a certificate of the public key own.
func newExtension(key peer.Key, own any) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(own)
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(signed(spki))
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(signedKey{PublicKey: key.Public().Marshal(), Signature: sig})
}

// signed is what a host signs: the prefix and the certificate's
// SubjectPublicKeyInfo.
func signed(spki []byte) []byte { return append([]byte(signaturePrefix), spki...) }

// newPrivate makes a P-256 key of 32 bytes of randomness, of more when they are
// no key, which is one in 2^32.
func newPrivate(entropy io.Reader) (*ecdsa.PrivateKey, error) {
	const tries = 8
	var last error
	for range tries {
		var scalar [32]byte
		if _, err := io.ReadFull(entropy, scalar[:]); err != nil {
			return nil, err
		}
		key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
		clear(scalar[:])
		if err == nil {
			return key, nil
		}
		last = err
	}
	return nil, errors.Join(errors.New("the randomness makes no key"), last)
}
