package tls

import (
	"context"
	"testing"

	"github.com/troupe-p2p/troupe/negotiate/securitytest"
)

func BenchmarkHandshakeOfBothEnds(b *testing.B) {
	dialer, listener := New(newKey(b, 1)), New(newKey(b, 2))
	want := newKey(b, 2).ID()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		x, y := tcp(b)
		b.StartTimer()
		d, l := secure(context.Background(), dialer, listener, x, y, want)
		b.StopTimer()
		if d.err != nil || l.err != nil {
			b.Fatal(d.err, l.err)
		}
		d.conn.Close()
		l.conn.Close()
		b.StartTimer()
	}
}

// load is what the channel is measured with.
var load securitytest.Load[*Conn] = func(b *testing.B) (from, to *Conn) { return sessions(b) }

func BenchmarkBulk(b *testing.B) { load.Bulk(b) }

func BenchmarkPieces(b *testing.B) { load.Pieces(b) }

func BenchmarkEchoOf100Bytes(b *testing.B) { load.Echo(b) }
