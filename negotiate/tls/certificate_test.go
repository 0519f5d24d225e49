package tls

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"io"
	"math/big"
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// own returns the certificate that the host of seed shows.
func own(t testing.TB, seed byte) *identity {
	t.Helper()
	id, err := newIdentity(context.Background(), newKey(t, seed))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestOurCertificateHoldsTheExtensionAndNothingElse(t *testing.T) {
	before := actor.Now(t.Context())
	id := own(t, 1)
	certificate, err := x509.ParseCertificate(id.certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(id.certificate.Certificate) != 1 {
		t.Errorf("%d certificates are shown", len(id.certificate.Certificate))
	}
	if n := len(certificate.Extensions); n != 1 || !certificate.Extensions[0].Id.Equal(extensionID()) || certificate.Extensions[0].Critical {
		t.Errorf("the extensions are %v, want one, %v, not critical", certificate.Extensions, extensionID())
	}
	// The identifier 1.3.6.1.4.1.53594.1.1 as its bytes stand in the vectors of tls/tls.md.
	if oid := []byte{0x06, 0x0a, 0x2b, 6, 1, 4, 1, 0x83, 0xa2, 0x5a, 1, 1}; !bytes.Contains(certificate.RawTBSCertificate, oid) {
		t.Error("the extension's identifier is not there")
	}
	if key, ok := certificate.PublicKey.(*ecdsa.PublicKey); !ok || key.Curve != elliptic.P256() {
		t.Errorf("the key is %T, want one on P-256", certificate.PublicKey)
	}
	if certificate.SignatureAlgorithm != x509.ECDSAWithSHA256 || certificate.Version != 3 {
		t.Errorf("it is of version %d and signed with %v", certificate.Version, certificate.SignatureAlgorithm)
	}
	if !bytes.Equal(certificate.RawIssuer, certificate.RawSubject) {
		t.Error("subject and issuer differ")
	}
	if certificate.SerialNumber.Sign() <= 0 || certificate.SerialNumber.BitLen() != 63 {
		t.Errorf("the serial number is %v", certificate.SerialNumber)
	}
	if early := before.Sub(certificate.NotBefore); early < validBefore || early > validBefore+time.Minute {
		t.Errorf("it is valid from %v before it was made", early)
	}
	if long := certificate.NotAfter.Sub(certificate.NotBefore); long != time.Hour+100*365*24*time.Hour {
		t.Errorf("it is valid for %v", long)
	}
	key, no := checkChain(id.certificate.Certificate, before, newKey(t, 1).ID())
	if no != nil || key.ID() != newKey(t, 1).ID() {
		t.Errorf("its own check gives %v, %v", key, no)
	}
}

func TestACertificateDependsOnHostClockAndRandomnessAlone(t *testing.T) {
	made := func(seed byte) []byte {
		private, err := newPrivate(chance(seed))
		if err != nil {
			t.Fatal(err)
		}
		template, err := newTemplate(newKey(t, 1), &private.PublicKey, chance(seed+1), time.Unix(1_000_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.CreateCertificate(nil, template, template, &private.PublicKey, private)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	if !bytes.Equal(made(5), made(5)) {
		t.Error("the same randomness makes two certificates")
	}
	if bytes.Equal(made(5), made(7)) {
		t.Error("other randomness makes the same certificate")
	}
}

func TestASerialNumberIsPositiveAndOfFullLength(t *testing.T) {
	for _, entropy := range []io.Reader{ones{}, zeros{}, chance(1)} {
		template, err := newTemplate(newKey(t, 1), newOwn(t, 100).Public(), entropy, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if n := template.SerialNumber; n.Sign() <= 0 || n.BitLen() != 63 {
			t.Errorf("it is %v", n)
		}
	}
}

// zeros is a source of randomness that has none.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestOneCertificateServesEveryConnection(t *testing.T) {
	s := New(newKey(t, 1))
	a, err := s.identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if b, err := s.identity(t.Context()); a != b || err != nil {
		t.Errorf("a second one was made: %v", err)
	}
}

// ends is a source of randomness that has no more.
type ends struct{}

func (ends) Read([]byte) (int, error) { return 0, errors.New("no more") }

// ones is a source of randomness that makes no key.
type ones struct{}

func (ones) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}

func TestRandomnessThatMakesNoKeyIsAnError(t *testing.T) {
	if key, err := newPrivate(ends{}); err == nil {
		t.Errorf("nothing made %v", key != nil)
	}
	if key, err := newPrivate(ones{}); err == nil {
		t.Errorf("a number beyond the curve's order made %v", key != nil)
	}
}

// bits returns a public RSA key of a size; nobody has the private one. RSA keys
// are not made here, because that takes long.
func bits(n uint) *rsa.PublicKey {
	modulus := new(big.Int).Lsh(big.NewInt(1), n-1)
	return &rsa.PublicKey{N: modulus.Add(modulus, big.NewInt(1)), E: 65537}
}

func TestKeysOfAllKindsOfTLSAreAccepted(t *testing.T) {
	for _, kind := range []struct {
		name string
		own  crypto.Signer
	}{
		{"P-256", onCurve(t, elliptic.P256())},
		{"P-384", onCurve(t, elliptic.P384())},
		{"P-521", onCurve(t, elliptic.P521())},
		{"Ed25519", ed25519.NewKeyFromSeed(text(32))},
		{"RSA of 2048 bits", rsaOf(t, 2048)},
		{"RSA of 3072 bits", rsaOf(t, 3072)},
	} {
		t.Run(kind.name, func(t *testing.T) {
			chain := maker{host: newKey(t, 1), own: kind.own}.make(t).Certificate
			key, no := checkChain(chain, time.Now(), newKey(t, 1).ID())
			if no != nil || key.ID() != newKey(t, 1).ID() {
				t.Errorf("it gives %v, %v", key, no)
			}
		})
	}
}

func onCurve(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	scalar := make([]byte, (curve.Params().BitSize+7)/8)
	scalar[len(scalar)-1] = 7
	key, err := ecdsa.ParseRawPrivateKey(curve, scalar)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func rsaOf(t testing.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(chance(9), bits)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// keyed replaces the certificate's key: the signature is then wrong as well, but
// the key has to be refused before anybody computes with it.
func keyed(t testing.TB, key any) [][]byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(maker{host: newKey(t, 1)}.make(t).Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	return [][]byte{wrap(t, bytes.Replace(certificate.RawTBSCertificate, certificate.RawSubjectPublicKeyInfo, spki, 1), certificate)}
}

// wrap puts a changed body into a certificate: its length anew, its signature as
// it was.
func wrap(t testing.TB, tbs []byte, signed *x509.Certificate) []byte {
	t.Helper()
	var before asn1.RawValue
	if _, err := asn1.Unmarshal(signed.RawTBSCertificate, &before); err != nil {
		t.Fatal(err)
	}
	head := len(signed.RawTBSCertificate) - len(before.Bytes)
	var outer struct {
		TBS       asn1.RawValue
		Algorithm pkix.AlgorithmIdentifier
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(signed.Raw, &outer); err != nil {
		t.Fatal(err)
	}
	outer.TBS = asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSequence, IsCompound: true, Bytes: tbs[head:]}
	der, err := asn1.Marshal(outer)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestKeysOutsideTheLimitsAreRefusedBeforeAnythingIsComputed(t *testing.T) {
	for _, c := range []struct {
		name string
		key  any
		size bool // the error holds peer.ErrKeySize
	}{
		{"RSA of 1024 bits", bits(1024), true},
		{"RSA of 2047 bits", bits(2047), true},
		{"RSA of 8193 bits", bits(8193), true},
		{"RSA of 65536 bits", bits(65536), true},
		{"P-224", &onCurve(t, elliptic.P224()).PublicKey, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, no := checkChain(keyed(t, c.key), time.Now(), "")
			if no == nil || no.rule != ruleKey || errors.Is(no.cause, peer.ErrKeySize) != c.size {
				t.Errorf("it gives %v", no)
			}
		})
	}
}

// replace sets the value of the libp2p extension.
func replace(value []byte) func(testing.TB, *x509.Certificate) {
	return func(_ testing.TB, template *x509.Certificate) { template.ExtraExtensions[0].Value = value }
}

// A bad certificate and the rule it breaks. make gives a chain.
type bad struct {
	name  string
	chain func(t testing.TB) [][]byte
	rule  rule
}

func made(change func(t testing.TB, template *x509.Certificate)) func(t testing.TB) [][]byte {
	return func(t testing.TB) [][]byte { return maker{host: newKey(t, 1), change: change}.make(t).Certificate }
}

func extension(t testing.TB, claim any) []byte {
	t.Helper()
	value, err := asn1.Marshal(claim)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

var badChains = []bad{
	{"no certificate", func(testing.TB) [][]byte { return nil }, ruleOne},
	{"two certificates", func(t testing.TB) [][]byte {
		one := maker{host: newKey(t, 1)}.make(t).Certificate
		return append(one, one[0])
	}, ruleOne},
	{"bytes that are no certificate", func(testing.TB) [][]byte { return [][]byte{text(300)} }, ruleParses},
	{"bytes behind the certificate", func(t testing.TB) [][]byte {
		one := maker{host: newKey(t, 1)}.make(t).Certificate
		return [][]byte{append(one[0], 0)}
	}, ruleParses},
	{"signed by another key", func(t testing.TB) [][]byte {
		return maker{host: newKey(t, 1), by: newOwn(t, 103)}.make(t).Certificate
	}, ruleSelf},
	{"a changed bit of its signature", func(t testing.TB) [][]byte {
		one := maker{host: newKey(t, 1)}.make(t).Certificate[0]
		one[len(one)-1] ^= 1
		return [][]byte{one}
	}, ruleSelf},
	{"a changed name", func(t testing.TB) [][]byte {
		one := maker{host: newKey(t, 1)}.make(t).Certificate[0]
		return [][]byte{bytes.Replace(one, []byte("libp2p.io"), []byte("libp2p.eu"), 1)}
	}, ruleSelf},
	{"expired", made(func(_ testing.TB, c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }), ruleNow},
	{"not yet valid", made(func(_ testing.TB, c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }), ruleNow},
	{"an unknown critical extension", made(func(_ testing.TB, c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
	}), ruleCritical},
	{"no extension", made(func(_ testing.TB, c *x509.Certificate) { c.ExtraExtensions = nil }), ruleExtension},
	{"another extension only", made(func(_ testing.TB, c *x509.Certificate) {
		c.ExtraExtensions[0].Id = asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 2}
	}), ruleExtension},
	{"the extension twice", made(func(_ testing.TB, c *x509.Certificate) {
		c.ExtraExtensions = append(c.ExtraExtensions, c.ExtraExtensions[0])
	}), ruleParses},
	{"an empty extension", made(replace(nil)), ruleSignedKey},
	{"an extension of text", made(replace([]byte("SignedKey"))), ruleSignedKey},
	{"bytes behind the SignedKey", made(func(_ testing.TB, c *x509.Certificate) {
		c.ExtraExtensions[0].Value = append(c.ExtraExtensions[0].Value, 0)
	}), ruleSignedKey},
	{"a third element in the SignedKey", made(func(t testing.TB, c *x509.Certificate) {
		c.ExtraExtensions[0].Value = extension(t, struct{ A, B, C []byte }{newKey(t, 1).Public().Marshal(), make([]byte, 64), nil})
	}), ruleSignedKey},
	{"a signature of 4 KiB", made(func(t testing.TB, c *x509.Certificate) {
		c.ExtraExtensions[0].Value = extension(t, signedKey{newKey(t, 1).Public().Marshal(), make([]byte, 4<<10)})
	}), ruleSignedKey},
	{"no host key", made(func(t testing.TB, c *x509.Certificate) {
		c.ExtraExtensions[0].Value = extension(t, signedKey{nil, make([]byte, 64)})
	}), ruleHost},
	{"an absurd host key", made(func(t testing.TB, c *x509.Certificate) {
		spki, err := x509.MarshalPKIXPublicKey(bits(16384))
		if err != nil {
			t.Fatal(err)
		}
		// The protobuf of a PublicKey: type RSA, then the data with its length.
		encoded := append([]byte{8, 0, 18, byte(len(spki)) | 0x80, byte(len(spki) >> 7)}, spki...)
		c.ExtraExtensions[0].Value = extension(t, signedKey{encoded, make([]byte, 256)})
	}), ruleHost},
	{"no signature of the host", made(func(t testing.TB, c *x509.Certificate) {
		c.ExtraExtensions[0].Value = extension(t, signedKey{newKey(t, 1).Public().Marshal(), nil})
	}), ruleSignature},
	{"a signature by another host", made(func(t testing.TB, c *x509.Certificate) {
		spki := marshalOwn(t)
		sig, err := newKey(t, 3).Sign(signed(spki))
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions[0].Value = extension(t, signedKey{newKey(t, 1).Public().Marshal(), sig})
	}), ruleSignature},
	{"a signature over another certificate's key", made(func(t testing.TB, c *x509.Certificate) {
		value, err := newExtension(newKey(t, 1), newOwn(t, 104).Public())
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions[0].Value = value
	}), ruleSignature},
	{"a signature without the prefix", made(func(t testing.TB, c *x509.Certificate) {
		sig, err := newKey(t, 1).Sign(marshalOwn(t))
		if err != nil {
			t.Fatal(err)
		}
		c.ExtraExtensions[0].Value = extension(t, signedKey{newKey(t, 1).Public().Marshal(), sig})
	}), ruleSignature},
	{"another peer", func(t testing.TB) [][]byte {
		return maker{host: newKey(t, 3)}.make(t).Certificate
	}, rulePeer},
}

// marshalOwn is the SubjectPublicKeyInfo of the key that a maker takes.
func marshalOwn(t testing.TB) []byte {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(newOwn(t, 100).Public())
	if err != nil {
		t.Fatal(err)
	}
	return spki
}

func TestEachBadCertificateBreaksItsRule(t *testing.T) {
	for _, c := range badChains {
		t.Run(c.name, func(t *testing.T) {
			key, no := checkChain(c.chain(t), time.Now(), newKey(t, 1).ID())
			if no == nil || no.rule != c.rule || key != nil {
				t.Fatalf("it gives %v, %v, want the rule %q", key, no, c.rule)
			}
			mismatch, ok := errors.AsType[*peer.MismatchError](no.cause)
			if ok != (c.rule == rulePeer) || ok && *mismatch != (peer.MismatchError{Want: newKey(t, 1).ID(), Got: newKey(t, 3).ID()}) {
				t.Errorf("the cause is %v", no.cause)
			}
		})
	}
}

func TestHarmlessCertificatesAreAccepted(t *testing.T) {
	for name, change := range map[string]func(testing.TB, *x509.Certificate){
		"as they are made":            func(testing.TB, *x509.Certificate) {},
		"with our extension critical": func(_ testing.TB, c *x509.Certificate) { c.ExtraExtensions[0].Critical = true },
		"with key usage and constraints": func(_ testing.TB, c *x509.Certificate) {
			c.KeyUsage, c.BasicConstraintsValid = x509.KeyUsageDigitalSignature, true
		},
		"with an unknown extension first": func(_ testing.TB, c *x509.Certificate) {
			c.ExtraExtensions = slices.Insert(c.ExtraExtensions, 0, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Value: []byte{5, 0}})
		},
		"without a name": func(_ testing.TB, c *x509.Certificate) { c.Subject = pkix.Name{} },
	} {
		t.Run(name, func(t *testing.T) {
			if _, no := checkChain(made(change)(t), time.Now(), newKey(t, 1).ID()); no != nil {
				t.Errorf("refused: %v", no)
			}
		})
	}
}
