package buf

import (
	"context"
	"testing"
)

// TestALaneThatIsNotReadHoldsLittleBesidesItsBytes plays somebody who fills read
// buffers with much for others and a little for a stream that nobody reads.
func TestALaneThatIsNotReadHoldsLittleBesidesItsBytes(t *testing.T) {
	for _, size := range []int{1, small - 1, small, 5000, 16 << 10, 40 << 10, MaxSize} {
		l := NewLane(context.Background(), 0)
		sent := 0
		for i := 0; sent < 256<<10; i++ {
			b := Get(MaxSize)
			for at := range b.Bytes()[:size] {
				b.Bytes()[at] = byte(i + at)
			}
			l.Put(b.View(0, size))
			sent += size
			if most := l.bytes + slack + 2*MaxSize; l.held > most {
				t.Fatalf("in pieces of %d: %d bytes hold %d", size, l.bytes, l.held)
			}
		}
		got := make([]byte, size)
		for i := range sent / size {
			for n := 0; n < size; {
				m, err := l.Read(context.Background(), got[n:])
				if err != nil {
					t.Fatal(err)
				}
				n += m
			}
			for at := range got {
				if got[at] != byte(i+at) {
					t.Fatalf("in pieces of %d: byte %d of piece %d is %d", size, at, i, got[at])
				}
			}
		}
		if l.held != 0 || l.bytes != 0 {
			t.Fatalf("in pieces of %d: the empty lane holds %d", size, l.held)
		}
	}
}
