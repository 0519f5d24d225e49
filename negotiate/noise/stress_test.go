package noise

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// sendAll writes total bytes in pieces of any size and returns their checksum.
func sendAll(c *Conn, seed uint64, total int) ([32]byte, error) {
	dice, sum := rand.New(rand.NewPCG(seed, 1)), sha256.New()
	source := rand.NewChaCha8([32]byte{byte(seed)})
	p := make([]byte, 3*buf.MaxSize)
	for total > 0 {
		piece := p[:min(total, 1+size(dice, len(p)))]
		source.Read(piece)
		sum.Write(piece)
		total -= len(piece)
		var err error
		if dice.IntN(2) == 0 {
			_, err = c.Write(piece)
		} else {
			at := dice.IntN(len(piece))
			_, err = c.WriteBuffers([][]byte{piece[:at], piece[at:]})
		}
		if err != nil {
			return [32]byte{}, err
		}
	}
	return [32]byte(sum.Sum(nil)), nil
}

// size is mostly small and sometimes up to most.
func size(dice *rand.Rand, most int) int { return dice.IntN(1 + dice.IntN(1+dice.IntN(most))) }

// receiveAll reads total bytes into slices of any size and returns their checksum.
func receiveAll(c *Conn, seed uint64, total int) ([32]byte, error) {
	dice, sum := rand.New(rand.NewPCG(seed, 2)), sha256.New()
	p := make([]byte, 2*buf.MaxSize)
	for total > 0 {
		n, err := c.Read(p[:1+size(dice, len(p))])
		if err != nil {
			return [32]byte{}, err
		}
		sum.Write(p[:n])
		total -= n
	}
	return [32]byte(sum.Sum(nil)), nil
}

func TestBothDirectionsAtOnceLoseAndMixNothing(t *testing.T) {
	const total = 6 << 20
	for name, pair := range map[string]func() (net.Conn, net.Conn){
		"tcp":  func() (net.Conn, net.Conn) { a, b := tcp(t); return a, b },
		"pipe": net.Pipe,
	} {
		t.Run(name, func(t *testing.T) {
			held := buf.Live()
			a, b := pair()
			d, l := secure(context.Background(), New(newKey(t, 1)), New(newKey(t, 2)), a, b, "")
			if d.err != nil || l.err != nil {
				t.Fatal(d.err, l.err)
			}
			type outcome struct {
				sum [32]byte
				err error
			}
			run := func(f func(*Conn, uint64, int) ([32]byte, error), c *Conn, seed uint64) chan outcome {
				end := make(chan outcome, 1)
				go func() { sum, err := f(c, seed, total); end <- outcome{sum, err} }()
				return end
			}
			sent := []chan outcome{run(sendAll, d.conn, 1), run(sendAll, l.conn, 2)}
			got := []chan outcome{run(receiveAll, l.conn, 1), run(receiveAll, d.conn, 2)}
			for i := range sent {
				s, g := <-sent[i], <-got[i]
				if s.err != nil || g.err != nil || s.sum != g.sum {
					t.Errorf("direction %d: sent with %v, received with %v, checksums equal: %v", i, s.err, g.err, s.sum == g.sum)
				}
			}
			d.conn.Close()
			if _, err := l.conn.Read(make([]byte, 1)); err != io.EOF {
				t.Errorf("after the end: %v", err)
			}
			l.conn.Close()
			if now := buf.Live(); now != held {
				t.Errorf("%d buffers are held at the end", now-held)
			}
		})
	}
}

func TestCloseEndsAReadAndAWriteThatWait(t *testing.T) {
	held := buf.Live()
	a, b := net.Pipe() // unbuffered: a Write waits until it is read
	c, other := sessions(t, a, b)
	ends := make(chan error, 2)
	go func() { _, err := c.Read(make([]byte, 10)); ends <- err }()
	go func() { _, err := c.Write(text(100)); ends <- err }()
	if _, err := io.ReadFull(b, make([]byte, 1)); err != nil { // the Write is under way
		t.Fatal(err)
	}
	c.Close()
	for range 2 {
		if err := <-ends; err == nil {
			t.Error("a wait ended without an error")
		}
	}
	other.Close()
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held at the end", now-held)
	}
}

func TestAReadAndAWriteDuringCloseGiveTheirBuffersBack(t *testing.T) {
	held := buf.Live()
	_, _, s := reading(t)
	c, p, _ := reading(t, read{data: wire(t, s, text(100))})
	p.during = func() { c.Close() }
	if n, err := c.Read(make([]byte, 10)); n != 10 || err != nil {
		t.Errorf("Read: %d, %v", n, err)
	}
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read after Close: %v", err)
	}
	if now := buf.Live(); now != held {
		t.Errorf("the Read holds %d buffers", now-held)
	}

	c, p = writing(t)
	p.during = func() { c.Close() }
	p.writes = func() take { return take{n: 1, err: os.ErrDeadlineExceeded} }
	if _, err := c.Write(text(100)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v", err)
	}
	if now := buf.Live(); now != held {
		t.Errorf("the Write holds %d buffers", now-held)
	}
}
