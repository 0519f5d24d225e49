package host

import (
	"io"
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
)

// pair is two hosts on loopback TCP, the second of which serves echo.
func pair(b *testing.B, security func(peer.Key) negotiate.Security) (from, to *Host) {
	b.Helper()
	to, err := New(b.Context(), Listen("/ip4/127.0.0.1/tcp/0"), Security(security), NoUsualServices())
	if err != nil {
		b.Fatal(err)
	}
	from, err = New(b.Context(), NoListen(), Security(security), NoUsualServices())
	if err != nil {
		b.Fatal(err)
	}
	if err := to.Handle(to.Self(), echoID, echo); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := from.Close(); err != nil {
			b.Error(err)
		}
		if err := to.Close(); err != nil {
			b.Error(err)
		}
	})
	return from, to
}

func bothSecurities(b *testing.B, f func(b *testing.B, from, to *Host)) {
	b.Run("noise", func(b *testing.B) {
		from, to := pair(b, func(k peer.Key) negotiate.Security { return noise.New(k) })
		f(b, from, to)
	})
	b.Run("plaintext", func(b *testing.B) {
		from, to := pair(b, func(k peer.Key) negotiate.Security { return plaintext.New(k) })
		f(b, from, to)
	})
}

// BenchmarkConnectAndClose dials, upgrades, and closes the connection in order.
func BenchmarkConnectAndClose(b *testing.B) {
	bothSecurities(b, func(b *testing.B, from, to *Host) {
		info := to.Info()
		b.ReportAllocs()
		for b.Loop() {
			c, err := from.Swarm().Connect(b.Context(), info)
			if err != nil {
				b.Fatal(err)
			}
			c.Close(nil)
			if err := c.Wait(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkOpenEchoClose opens a stream, waits for the agreement on its protocol,
// sends 64 bytes to and fro, and closes it.
func BenchmarkOpenEchoClose(b *testing.B) {
	bothSecurities(b, func(b *testing.B, from, to *Host) {
		if err := from.Connect(b.Context(), to.Info()); err != nil {
			b.Fatal(err)
		}
		text := make([]byte, 64)
		exchange := func(b *testing.B) {
			s, err := from.Open(b.Context(), to.ID(), echoID)
			if err != nil {
				b.Fatal(err)
			}
			if _, err := s.Write(text); err != nil {
				b.Fatal(err)
			}
			if _, err := io.ReadFull(s, text); err != nil {
				b.Fatal(err)
			}
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
		}
		b.Run("agreed", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				exchange(b)
			}
		})
		c := from.Swarm().Conn(to.ID())
		c.SetKnown([]negotiate.Protocol{echoID})
		b.Run("lazy", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				exchange(b)
			}
		})
	})
}
