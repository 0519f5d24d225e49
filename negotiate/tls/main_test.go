package tls

import (
	"context"
	"crypto"
	stdtls "crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// chance is a seeded source of bytes.
func chance(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// newKey returns an Ed25519 key that depends on seed alone.
func newKey(t testing.TB, seed byte) peer.Key {
	t.Helper()
	key, err := peer.Generate(chance(seed))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// text returns n bytes of which no part repeats soon.
func text(n int) []byte {
	b := make([]byte, n)
	chance(77).Read(b)
	return b
}

// tcp returns the two ends of a connection over loopback.
func tcp(t testing.TB) (dialer, listener *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, _ := l.Accept()
		accepted <- c
	}()
	d, err := net.DialTimeout("tcp", l.Addr().String(), 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	a, ok := (<-accepted).(*net.TCPConn)
	if !ok {
		t.Fatal("nothing was accepted")
	}
	t.Cleanup(func() { d.Close(); a.Close() })
	return d.(*net.TCPConn), a
}

// A result is what one end of a handshake came to.
type result struct {
	conn *Conn
	err  error
}

// secure runs both ends of a handshake.
func secure(ctx context.Context, dialer, listener *TLS, a, b net.Conn, want peer.ID) (d, l result) {
	other := make(chan result, 1)
	go func() { other <- secureOne(ctx, listener, b, negotiate.Listener, "") }()
	d = secureOne(ctx, dialer, a, negotiate.Dialer, want)
	return d, <-other
}

func secureOne(ctx context.Context, s *TLS, raw net.Conn, role negotiate.Role, want peer.ID) result {
	c, err := s.Secure(ctx, raw, role, want)
	if err != nil {
		return result{err: err}
	}
	return result{conn: c.(*Conn)}
}

// sessions returns the two ends of a session over TCP.
func sessions(t testing.TB, options ...Option) (dialer, listener *Conn) {
	t.Helper()
	a, b := tcp(t)
	return over(t, a, b, options...)
}

// over returns the two ends of a session over a and b.
func over(t testing.TB, a, b net.Conn, options ...Option) (dialer, listener *Conn) {
	t.Helper()
	d, l := secure(t.Context(), New(newKey(t, 1), options...), New(newKey(t, 2), options...), a, b, newKey(t, 2).ID())
	if d.err != nil || l.err != nil {
		t.Fatal(d.err, l.err)
	}
	t.Cleanup(func() { d.conn.Close(); l.conn.Close() })
	return d.conn, l.conn
}

// A maker makes certificates that need not be good.
type maker struct {
	host   peer.Key
	own    crypto.Signer // the certificate's key; nil: on P-256
	change func(t testing.TB, template *x509.Certificate)
	by     crypto.Signer // who signs it; nil: own
}

// newOwn returns a certificate's key on P-256.
func newOwn(t testing.TB, seed byte) crypto.Signer {
	t.Helper()
	own, err := newPrivate(chance(seed))
	if err != nil {
		t.Fatal(err)
	}
	return own
}

func (m maker) make(t testing.TB) stdtls.Certificate {
	t.Helper()
	if m.own == nil {
		m.own = newOwn(t, 100)
	}
	if m.by == nil {
		m.by = m.own
	}
	template, err := newTemplate(m.host, m.own.Public(), chance(101), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if m.change != nil {
		m.change(t, template)
	}
	// The template's signature is not looked at by CreateCertificate, but its
	// parent has to have the key of the one who signs.
	der, err := x509.CreateCertificate(chance(102), template, &x509.Certificate{Subject: pkix.Name{Organization: []string{"libp2p.io"}}, PublicKey: m.by.Public()}, m.own.Public(), m.by)
	if err != nil {
		t.Fatal(err)
	}
	return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: m.own}
}
