package conn

import (
	"bytes"
	"io"
	"net"
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// narrow is a pipe that takes a few bytes at a time when it is tried.
type narrow struct {
	net.Conn
	room  int
	tried int
	wrote bytes.Buffer
}

func (p *narrow) TryWrite(b []byte) (int, error) {
	n := min(len(b), p.room)
	p.room -= n
	p.tried++
	return p.wrote.Write(b[:n])
}

func (p *narrow) Write(b []byte) (int, error) { return p.wrote.Write(b) }

func TestWhatAPipeDoesNotTakeAtOnceIsKeptAndGoesFirst(t *testing.T) {
	link := &narrow{room: 5}
	p := newRawPipe(link)
	p.instant = true
	for _, word := range []string{"abc", "defg", "hi"} {
		if n, err := p.Write([]byte(word)); n != len(word) || err != nil {
			t.Fatalf("%q: %d, %v", word, n, err)
		}
	}
	if got := link.wrote.String(); got != "abcde" || string(p.kept) != "fghi" {
		t.Errorf("%q went out and %q was kept", got, p.kept)
	}
	if link.tried != 2 {
		t.Errorf("the pipe was tried %d times, want 2: what is kept goes first", link.tried)
	}
	p.instant = false
	if n, err := p.WriteBuffers([][]byte{[]byte("j"), []byte("kl")}); n != 3 || err != nil {
		t.Fatal(n, err)
	}
	if got := link.wrote.String(); got != "abcdefghijkl" || len(p.kept) > 0 {
		t.Errorf("%q went out and %q was kept", got, p.kept)
	}
}

// The pipe holds less than most of what the core writes itself.
func TestEverythingArrivesThroughAPipeThatIsNearlyAlwaysFull(t *testing.T) {
	bubble(t, func(t *testing.T) {
		for _, limit := range []int{128, 300, 1500} {
			a, b := mem.Pipe(t.Context(), mem.Options{Limit: limit})
			p, err := join(t, a, b, func(c *Config) {
				key, _ := peer.Generate(nil)
				c.Security = []negotiate.Security{noise.New(key)}
			})
			if err != nil {
				t.Fatal(err)
			}
			s := p.open(t, "/echo/1")
			for _, size := range []int{1, 10, 400, 1900, 2100, 9000, 3} {
				said := bytes.Repeat([]byte{byte(size)}, size)
				if _, err := s.Write(said); err != nil {
					t.Fatal(err)
				}
				got := make([]byte, size)
				if _, err := io.ReadFull(s, got); err != nil || !bytes.Equal(got, said) {
					t.Fatalf("limit %d, size %d: %v", limit, size, err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
			p.dialer.Close(nil)
			if err := p.listener.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}
