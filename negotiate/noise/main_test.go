package noise

import (
	"context"
	"crypto/ecdh"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// specKey is the Ed25519 vector of the libp2p specs, peer-ids/peer-ids.md.
const specKey = "080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d" +
	"1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

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

// newIdentity returns a static key of a host, both depending on seed alone.
func newIdentity(t testing.TB, seed byte) *identity {
	t.Helper()
	own, err := New(newKey(t, seed)).identity(chance(seed + 100))
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// ephemeral returns a key that depends on seed alone.
func ephemeral(t testing.TB, seed byte) *ecdh.PrivateKey {
	t.Helper()
	key, err := newPrivate(chance(seed + 200))
	if err != nil {
		t.Fatal(err)
	}
	return key
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
func secure(ctx context.Context, dialer, listener *Noise, a, b net.Conn, want peer.ID) (d, l result) {
	other := make(chan result, 1)
	go func() { other <- secureOne(ctx, listener, b, negotiate.Listener, "") }()
	d = secureOne(ctx, dialer, a, negotiate.Dialer, want)
	return d, <-other
}

func secureOne(ctx context.Context, n *Noise, raw net.Conn, role negotiate.Role, want peer.ID) result {
	s, err := n.Secure(ctx, raw, role, want)
	if err != nil {
		raw.Close() // so that the other end does not wait
		return result{err: err}
	}
	return result{conn: s.(*Conn)}
}

// sessions returns the two ends of a session over a and b without a handshake.
func sessions(t testing.TB, a, b net.Conn) (*Conn, *Conn) {
	t.Helper()
	var one, two [keySize]byte
	chance(1).Read(one[:])
	chance(2).Read(two[:])
	x := newConn(a, &session{send: one, receive: two, key: newKey(t, 2).Public()}, lastRecord)
	y := newConn(b, &session{send: two, receive: one, key: newKey(t, 1).Public()}, lastRecord)
	t.Cleanup(func() { x.Close(); y.Close() })
	return x, y
}
