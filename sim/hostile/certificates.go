package hostile

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"io"
	"math/big"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

const tlsSpec = "tls/tls.md"

// The rules as package tls has them in its errors.
const (
	ruleTLS          = "the remote speaks TLS 1.3 and shows a certificate"
	ruleTLSOne       = "there is exactly one certificate"
	ruleTLSSelf      = "the certificate is signed by its own key"
	ruleTLSNow       = "the certificate is valid now"
	ruleTLSExtension = "the certificate has the libp2p extension"
	ruleTLSSignedKey = "the libp2p extension is a SignedKey"
	ruleTLSHost      = "the libp2p extension holds the host's public key"
	ruleTLSSignature = "the libp2p extension holds the host's signature over the certificate's key"
	ruleTLSCritical  = "the certificate has no critical extension that is unknown here"
)

// forger makes certificates that are wrong in one way.
type forger struct {
	host  peer.Key // whose certificate it says it is
	own   *ecdsa.PrivateKey
	other *ecdsa.PrivateKey
	now   time.Time
}

// certificate makes one, after the change to its template. by signs it.
func (f *forger) certificate(by *ecdsa.PrivateKey, key peer.Key, change func(c *x509.Certificate)) ([]byte, error) {
	spki, err := x509.MarshalPKIXPublicKey(&f.own.PublicKey)
	if err != nil {
		return nil, err
	}
	sig, err := key.Sign(append([]byte("libp2p-tls-handshake:"), spki...))
	if err != nil {
		return nil, err
	}
	value, err := asn1.Marshal(struct{ Key, Signature []byte }{key.Public().Marshal(), sig})
	if err != nil {
		return nil, err
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(7), NotBefore: f.now.Add(-time.Hour), NotAfter: f.now.Add(time.Hour),
		Subject:         pkix.Name{Organization: []string{"libp2p.io"}},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 53594, 1, 1}, Value: value}},
	}
	if change != nil {
		change(c)
	}
	return x509.CreateCertificate(nil, c, c, &f.own.PublicKey, by)
}

// private makes a P-256 key of the actor's randomness.
func private(entropy io.Reader) (*ecdsa.PrivateKey, error) {
	var scalar [32]byte
	if _, err := io.ReadFull(entropy, scalar[:]); err != nil {
		return nil, err
	}
	scalar[0] &= 0x7f // below the order of the curve
	return ecdsa.ParseRawPrivateKey(elliptic.P256(), scalar[:])
}

// newForger has fresh keys.
func newForger(a *attack) (*forger, error) {
	host, err := peer.Generate(actor.Entropy(a))
	if err != nil {
		return nil, err
	}
	f := &forger{host: host, now: a.Now()}
	if f.own, err = private(actor.Entropy(a)); err == nil {
		f.other, err = private(actor.Entropy(a))
	}
	return f, err
}

// showing runs the handshake with the certificates that make returns.
func showing(newest uint16, make func(f *forger) ([][]byte, error)) func(a *attack) error {
	return func(a *attack) error {
		if err := a.propose(tls.ID); err != nil {
			return err
		}
		f, err := newForger(a)
		if err != nil {
			return err
		}
		chain, err := make(f)
		if err != nil {
			return err
		}
		shown := &stdtls.Certificate{Certificate: chain, PrivateKey: f.own}
		session := stdtls.Client(a.raw, &stdtls.Config{
			MinVersion: stdtls.VersionTLS12, MaxVersion: newest, NextProtos: []string{"libp2p"}, InsecureSkipVerify: true,
			Rand: actor.Entropy(a), Time: a.Now, SessionTicketsDisabled: true,
			GetClientCertificate: func(*stdtls.CertificateRequestInfo) (*stdtls.Certificate, error) { return shown, nil },
		})
		// The host's refusal comes after the last message, or instead of an answer:
		// both end the connection, which is what is looked at.
		_ = session.HandshakeContext(context.Background())
		return nil
	}
}

// certificates are the attacks with TLS.
func certificates() []Case {
	bad := func(name string, class byte, rule string, make func(f *forger) ([][]byte, error)) Case {
		return handshake(tls.ID, "tls/"+name, class, rule, tlsSpec, rule, soon, showing(stdtls.VersionTLS13, make))
	}
	one := func(change func(c *x509.Certificate)) func(f *forger) ([][]byte, error) {
		return func(f *forger) ([][]byte, error) {
			c, err := f.certificate(f.own, f.host, change)
			return [][]byte{c}, err
		}
	}
	lied := func(lie func(f *forger) *liar) func(f *forger) ([][]byte, error) {
		return func(f *forger) ([][]byte, error) {
			c, err := f.certificate(f.own, lie(f), nil)
			return [][]byte{c}, err
		}
	}
	extension := func(value []byte) func(c *x509.Certificate) {
		return func(c *x509.Certificate) { c.ExtraExtensions[0].Value = value }
	}
	return []Case{
		bad("no-certificate", 'G', ruleTLS, func(*forger) ([][]byte, error) { return nil, nil }),
		bad("two-certificates", 'G', ruleTLSOne, func(f *forger) ([][]byte, error) {
			c, err := f.certificate(f.own, f.host, nil)
			return [][]byte{c, c}, err
		}),
		bad("expired", 'G', ruleTLSNow, one(func(c *x509.Certificate) { c.NotAfter = c.NotBefore.Add(time.Minute) })),
		bad("not-valid-yet", 'G', ruleTLSNow, one(func(c *x509.Certificate) {
			c.NotBefore = c.NotBefore.Add(48 * time.Hour)
			c.NotAfter = c.NotAfter.Add(96 * time.Hour)
		})),
		bad("signed-by-another", 'G', ruleTLSSelf, func(f *forger) ([][]byte, error) {
			c, err := f.certificate(f.own, f.host, nil)
			if err == nil {
				c[len(c)-1] ^= 1 // the last byte of the signature
			}
			return [][]byte{c}, err
		}),
		bad("no-extension", 'G', ruleTLSExtension, one(func(c *x509.Certificate) { c.ExtraExtensions = nil })),
		bad("garbage-in-the-extension", 'D', ruleTLSSignedKey, one(extension([]byte("garbage")))),
		bad("unknown-critical-extension", 'G', ruleTLSCritical, one(func(c *x509.Certificate) {
			c.ExtraExtensions = append(c.ExtraExtensions, pkix.Extension{Id: asn1.ObjectIdentifier{1, 2, 3, 4}, Critical: true, Value: []byte{5, 0}})
		})),
		bad("bad-signature", 'G', ruleTLSSignature, lied(func(f *forger) *liar { return &liar{Key: f.host, forges: true} })),
		bad("rsa-16384", 'H', ruleTLSHost, lied(func(f *forger) *liar { return &liar{Key: f.host, public: rsaKey(16384)} })),
		bad("garbage", 'D', ruleTLS, func(*forger) ([][]byte, error) { return [][]byte{[]byte("garbage")}, nil }),
		handshake(tls.ID, "tls/old-version", 'G', ruleTLS, tlsSpec, ruleTLS, soon, showing(stdtls.VersionTLS12, one(nil))),
	}
}
