package securitytest

import (
	"fmt"
	"io"
	"net"
	"testing"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
)

// A Load is what a security channel is measured with: a pair of ends that have
// shaken hands over loopback TCP, made anew for each measure.
type Load[C Gatherer] func(b *testing.B) (from, to C)

// A Gatherer is a secured pipe that takes several pieces at once.
type Gatherer interface {
	net.Conn
	WriteBuffers(pieces [][]byte) (int64, error)
}

// Bulk writes in one size and reads with the 64 KiB slice that a busy connection
// has.
func (l Load[C]) Bulk(b *testing.B) {
	for _, size := range []int{4 << 10, 16 << 10, 32 << 10, 64 << 10, 1 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			p := make([]byte, size)
			l.carry(b, size, func(from C) error { _, err := from.Write(p); return err })
		})
	}
}

// Pieces writes what a muxer's batch looks like: heads and bodies.
func (l Load[C]) Pieces(b *testing.B) {
	for _, size := range []int{100, 4 << 10} {
		b.Run(fmt.Sprintf("of%d", size), func(b *testing.B) {
			var pieces [][]byte
			total := 0
			for total+size+5 <= 64000 {
				pieces = append(pieces, make([]byte, 5), make([]byte, size))
				total += size + 5
			}
			l.carry(b, total, func(from C) error { _, err := from.WriteBuffers(pieces); return err })
		})
	}
}

// carry writes size bytes again and again while the other end reads.
func (l Load[C]) carry(b *testing.B, size int, write func(from C) error) {
	b.Helper()
	from, to := l(b)
	total := int64(b.N) * int64(size)
	reader := actor.Start(b.Context(), "reader", func(*actor.Self) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, io.LimitReader(to, total), make([]byte, buf.MaxSize))
		return err
	})
	b.SetBytes(int64(size))
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		if err := write(from); err != nil {
			b.Fatal(err)
		}
	}
	if err := reader.Join(); err != nil {
		b.Fatal(err)
	}
}

// Echo sends 100 bytes there and back.
func (l Load[C]) Echo(b *testing.B) {
	from, to := l(b)
	echo := actor.Start(b.Context(), "echo", func(*actor.Self) error {
		_, err := io.CopyBuffer(struct{ io.Writer }{to}, struct{ io.Reader }{to}, make([]byte, 4096))
		return err
	})
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
	if err := echo.Join(); err != nil {
		b.Fatal(err)
	}
}
