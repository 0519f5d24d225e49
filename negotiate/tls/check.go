package tls

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// maxSignature is the most bytes of a host's signature: RSA with 8192 bits.
const maxSignature = peer.MaxRSABits / 8

// A refusal says which rule a certificate breaks. The cause may be nil.
type refusal struct {
	rule  rule
	cause error
}

// refuse makes a refusal.
func refuse(broken rule, cause error) *refusal { return &refusal{broken, cause} }

// checkChain checks what a remote showed in its handshake and returns the key of
// its host (tls/tls.md, "Peer Authentication"). Nothing is computed with a key
// before its size is known. That the remote holds the certificate's key is for
// crypto/tls to check, afterwards.
func checkChain(chain [][]byte, now time.Time, want peer.ID) (peer.PublicKey, *refusal) {
	if len(chain) != 1 {
		return nil, refuse(ruleOne, fmt.Errorf("there are %d", len(chain)))
	}
	certificate, err := x509.ParseCertificate(chain[0])
	if err != nil {
		return nil, refuse(ruleParses, err)
	}
	if err := checkKey(certificate.PublicKey); err != nil {
		return nil, refuse(ruleKey, err)
	}
	if now.Before(certificate.NotBefore) || now.After(certificate.NotAfter) {
		return nil, refuse(ruleNow, fmt.Errorf("it is from %s to %s, and now is %s",
			stamp(certificate.NotBefore), stamp(certificate.NotAfter), stamp(now)))
	}
	for _, id := range certificate.UnhandledCriticalExtensions {
		if !id.Equal(extensionID()) {
			return nil, refuse(ruleCritical, fmt.Errorf("it has %v", id))
		}
	}
	claim, key, no := checkExtension(certificate)
	if no != nil {
		return nil, no
	}
	// The signatures come last, because they cost the most.
	if err := certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature); err != nil {
		return nil, refuse(ruleSelf, err)
	}
	if err := key.Verify(signed(certificate.RawSubjectPublicKeyInfo), claim.Signature); err != nil {
		return nil, refuse(ruleSignature, err)
	}
	if id := key.ID(); want != "" && id != want {
		return nil, refuse(rulePeer, &peer.MismatchError{Want: want, Got: id})
	}
	return key, nil
}

// stamp is a time as errors show it.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// checkKey says why a certificate's key is not taken: TLS 1.3 has no signatures
// for other kinds (RFC 8446, 4.2.3), and the sizes are those of package peer.
func checkKey(key any) error {
	switch key := key.(type) {
	case ed25519.PublicKey:
		return nil
	case *ecdsa.PublicKey:
		switch key.Curve {
		case elliptic.P256(), elliptic.P384(), elliptic.P521():
			return nil
		}
		return errors.New("it is on " + key.Curve.Params().Name)
	case *rsa.PublicKey:
		if bits := key.N.BitLen(); bits < peer.MinRSABits || bits > peer.MaxRSABits {
			return &peer.KeyError{Type: peer.RSA, Rule: peer.ErrKeySize,
				Detail: fmt.Sprintf("%d bits, want %d to %d", bits, peer.MinRSABits, peer.MaxRSABits)}
		}
		return nil
	}
	return fmt.Errorf("it is of another kind, %T", key)
}

// checkExtension returns what the libp2p extension claims and the host's key in
// it. crypto/x509 has refused certificates with two of them.
func checkExtension(certificate *x509.Certificate) (signedKey, peer.PublicKey, *refusal) {
	for _, extension := range certificate.Extensions {
		if !extension.Id.Equal(extensionID()) {
			continue
		}
		claim, err := parseSignedKey(extension.Value)
		if err != nil {
			return signedKey{}, nil, refuse(ruleSignedKey, err)
		}
		key, err := peer.UnmarshalPublicKey(claim.PublicKey)
		if err != nil {
			return signedKey{}, nil, refuse(ruleHost, err)
		}
		return claim, key, nil
	}
	return signedKey{}, nil, refuse(ruleExtension, nil)
}

// parseSignedKey reads the extension's value, which has exactly one encoding
// (DER).
func parseSignedKey(value []byte) (signedKey, error) {
	var claim signedKey
	if _, err := asn1.Unmarshal(value, &claim); err != nil {
		return signedKey{}, err
	}
	if n := len(claim.Signature); n > maxSignature {
		return signedKey{}, fmt.Errorf("its signature has %d bytes, at most %d are read", n, maxSignature)
	}
	// The decoder lets bytes behind the value, and elements behind the last, pass.
	again, err := asn1.Marshal(claim)
	if err != nil {
		return signedKey{}, err
	}
	if !bytes.Equal(again, value) {
		return signedKey{}, errors.New("there are bytes that do not belong to it")
	}
	return claim, nil
}
