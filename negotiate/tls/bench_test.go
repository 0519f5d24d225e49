package tls

import (
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
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

// BenchmarkBulk writes in one size and reads with the 64 KiB slice that a busy
// connection has.
func BenchmarkBulk(b *testing.B) {
	for _, size := range []int{4 << 10, 16 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			p := make([]byte, size)
			carry(b, size, func(from *Conn) error { _, err := from.Write(p); return err })
		})
	}
}

// BenchmarkPieces writes what a muxer's batch looks like: heads and bodies.
func BenchmarkPieces(b *testing.B) {
	for _, size := range []int{100, 4 << 10} {
		b.Run(fmt.Sprintf("of%d", size), func(b *testing.B) {
			var pieces [][]byte
			total := 0
			for total+size+5 <= 64000 {
				pieces = append(pieces, make([]byte, 5), make([]byte, size))
				total += size + 5
			}
			carry(b, total, func(from *Conn) error { _, err := from.WriteBuffers(pieces); return err })
		})
	}
}

// carry writes size bytes again and again while the other end reads.
func carry(b *testing.B, size int, write func(from *Conn) error) {
	b.Helper()
	from, to := sessions(b)
	done := make(chan error, 1)
	total := int64(b.N) * int64(size)
	go func() {
		p := make([]byte, buf.MaxSize)
		var n int64
		for n < total {
			m, err := to.Read(p)
			if err != nil {
				done <- err
				return
			}
			n += int64(m)
		}
		done <- nil
	}()
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := write(from); err != nil {
			b.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}

func BenchmarkEchoOf100Bytes(b *testing.B) {
	from, to := sessions(b)
	done := make(chan error, 1)
	go func() {
		p := make([]byte, 4096)
		for {
			n, err := to.Read(p)
			if err == nil {
				_, err = to.Write(p[:n])
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	p, q := make([]byte, 100), make([]byte, 4096)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := from.Write(p); err != nil {
			b.Fatal(err)
		}
		if _, err := io.ReadFull(from, q[:len(p)]); err != nil {
			b.Fatal(err)
		}
	}
	from.Close()
	if err := <-done; err != io.EOF {
		b.Fatal(err)
	}
}
