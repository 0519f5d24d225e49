package noise

import (
	"context"
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
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

// BenchmarkHandshakeMachines is the computation alone, both ends one after the
// other.
func BenchmarkHandshakeMachines(b *testing.B) {
	dialer, listener := newIdentity(b, 1), newIdentity(b, 2)
	random := chance(3)
	b.ReportAllocs()
	for b.Loop() {
		one, err := newPrivate(random)
		if err != nil {
			b.Fatal(err)
		}
		two, err := newPrivate(random)
		if err != nil {
			b.Fatal(err)
		}
		_, last := exchange([2]setup{
			{role: negotiate.Dialer, identity: dialer, ephemeral: one},
			{role: negotiate.Listener, identity: listener, ephemeral: two},
		}, func(_ int, data []byte) []byte { return data })
		if last.kind != done {
			b.Fatal(last.err)
		}
	}
}

// load is what the channel is measured with.
var load securitytest.Load[*Conn] = func(b *testing.B) (from, to *Conn) {
	x, y := tcp(b)
	return sessions(b, x, y)
}

func BenchmarkBulk(b *testing.B) { load.Bulk(b) }

func BenchmarkPieces(b *testing.B) { load.Pieces(b) }

func BenchmarkEchoOf100Bytes(b *testing.B) { load.Echo(b) }
