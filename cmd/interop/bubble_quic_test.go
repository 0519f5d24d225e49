package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/troupe-p2p/troupe/sim"
)

// bothWays are the settings of either end. The certificate signs itself and nobody
// looks at it: what is shown is the datagrams.
func bothWays(t *testing.T) *tls.Config {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, about, about, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{
		Certificates:       []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}},
		InsecureSkipVerify: true,
		NextProtos:         []string{"echo"},
	}
}

func TestQUICCrossesALossyLinkInABubble(t *testing.T) {
	sim.Bubble(t, 1, func(n *sim.Net) {
		t, ctx := n.T(), n.T().Context()
		n.Link("alice", "bob", sim.LinkConfig{
			Latency: 50 * time.Millisecond, Jitter: 5 * time.Millisecond, Bandwidth: 1_000_000,
			Loss: 20_000, Duplicate: 20_000, Reorder: 20_000,
		})
		open := func(name string) *quic.Transport {
			c, err := n.Host(name).ListenPacket("udp", ":4001")
			if err != nil {
				t.Fatal(err)
			}
			tr := &quic.Transport{Conn: c}
			t.Cleanup(func() {
				tr.Close()
				c.Close()
			})
			return tr
		}
		settings := bothWays(t)
		alice, bob := open("alice"), open("bob")
		l, err := bob.Listen(settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			if s, err := c.AcceptStream(context.Background()); err == nil {
				io.Copy(s, s)
				s.Close()
			}
		}()

		began := time.Now()
		c, err := alice.Dial(ctx, bob.Conn.LocalAddr(), settings, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer c.CloseWithError(0, "")
		s, err := c.OpenStreamSync(ctx)
		if err != nil {
			t.Fatal(err)
		}
		want := bytes.Repeat([]byte("0123456789"), 50_000)
		go func() {
			s.Write(want)
			s.Close()
		}()
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%d bytes came back, %v", len(got), err)
		}
		if d := time.Since(began); d < 500*time.Millisecond || d > time.Minute {
			t.Errorf("half a megabyte went there and back in %v", d)
		}
	})
}
