package tls

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"encoding/hex"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// FuzzCertificate shows any bytes as a certificate. One that is accepted is
// signed by the host that it names.
func FuzzCertificate(f *testing.F) {
	for _, v := range vectors {
		der, err := hex.DecodeString(v.certificate)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(der)
	}
	for _, c := range badChains {
		if chain := c.chain(f); len(chain) == 1 {
			f.Add(chain[0])
		}
	}
	f.Add(own(f, 1).certificate.Certificate[0])
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, der []byte) {
		key, no := checkChain([][]byte{der}, now, "")
		if (key == nil) == (no == nil) {
			t.Fatalf("it gives %v, %v", key, no)
		}
		if no != nil {
			if no.rule == "" {
				t.Fatal("refused without a rule")
			}
			return
		}
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range certificate.Extensions {
			if !e.Id.Equal(extensionID()) {
				continue
			}
			var claim signedKey
			if _, err := asn1.Unmarshal(e.Value, &claim); err != nil || !bytes.Equal(claim.PublicKey, key.Marshal()) ||
				key.Verify(signed(certificate.RawSubjectPublicKeyInfo), claim.Signature) != nil {
				t.Fatalf("%s was believed", key.ID())
			}
			return
		}
		t.Fatalf("%s was believed without the extension", key.ID())
	})
}

// FuzzSignedKey reads any bytes as the extension. What is accepted is written
// the same way.
func FuzzSignedKey(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0x30, 4, 4, 0, 4, 0})
	value, err := newExtension(newKey(f, 1), newOwn(f, 100).Public())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Add(append(value, 0))
	f.Fuzz(func(t *testing.T, value []byte) {
		claim, err := parseSignedKey(value)
		if err != nil {
			return
		}
		again, err := asn1.Marshal(claim)
		if err != nil || !bytes.Equal(again, value) {
			t.Fatalf("%x is written as %x, %v", value, again, err)
		}
		if key, err := peer.UnmarshalPublicKey(claim.PublicKey); err == nil && !bytes.Equal(key.Marshal(), claim.PublicKey) {
			t.Fatalf("the key %x has two encodings", claim.PublicKey)
		}
	})
}
