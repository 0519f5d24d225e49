package tls

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// A counter is a pipe that counts its reads.
type counter struct {
	net.Conn
	reads atomic.Int32
}

func (c *counter) Read(p []byte) (int, error) {
	c.reads.Add(1)
	return c.Conn.Read(p)
}

// waiting returns a session whose listener has size bytes waiting in the socket.
func waiting(t *testing.T, size int) (d, l *Conn, c *counter) {
	t.Helper()
	a, b := tcp(t)
	c = &counter{Conn: b}
	d, l = over(t, a, c)
	// One message each way: what belongs to the handshake is over.
	for _, s := range [][2]*Conn{{l, d}, {d, l}} {
		if _, err := s[0].Write([]byte{1}); err != nil {
			t.Fatal(err)
		}
		if _, err := s[1].Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.Write(text(size)); err != nil {
		t.Fatal(err)
	}
	c.reads.Store(0)
	return d, l, c
}

func TestManyRecordsTakeFewReadsOfThePipe(t *testing.T) {
	const size = 256 << 10
	before := buf.Live()
	d, l, c := waiting(t, size)
	got := make([]byte, size)
	if _, err := io.ReadFull(l, got); err != nil || !bytes.Equal(got, text(size)) {
		t.Fatalf("other bytes arrive: %v", err)
	}
	// 16 records with their heads; all of them may not wait in the socket yet.
	if n := c.reads.Load(); n > 12 {
		t.Errorf("16 records took %d reads of the pipe", n)
	}
	if err := errors.Join(d.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if live := buf.Live(); live != before {
		t.Errorf("%d buffers are kept", live-before)
	}
}

func TestWhatWasReadAheadIsGivenBackByClose(t *testing.T) {
	before := buf.Live()
	d, l, _ := waiting(t, 256<<10)
	ahead := false
	for range 15 {
		if _, err := io.ReadFull(l, make([]byte, 16<<10)); err != nil {
			t.Fatal(err)
		}
		if ahead = buf.Live() > before; ahead {
			break
		}
	}
	if !ahead {
		t.Error("nothing was ever read ahead")
	}
	if err := errors.Join(d.Close(), l.Close()); err != nil {
		t.Error(err)
	}
	if live := buf.Live(); live != before {
		t.Errorf("%d buffers are kept", live-before)
	}
}

func TestADeadlineWhileReadingAheadLosesNothing(t *testing.T) {
	const size = 128 << 10
	before := buf.Live()
	d, l, _ := waiting(t, size)
	got := make([]byte, size)
	if _, err := io.ReadFull(l, got); err != nil {
		t.Fatal(err)
	}
	l.SetReadDeadline(time.Unix(1, 0))
	if _, err := l.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a read after the deadline returned %v", err)
	}
	if live := buf.Live(); live != before {
		t.Errorf("%d buffers are held by a reader that gave up", live-before)
	}
	l.SetReadDeadline(time.Time{})
	if _, err := d.Write([]byte("more")); err != nil {
		t.Fatal(err)
	}
	if n, err := l.Read(got); err != nil || string(got[:n]) != "more" {
		t.Errorf("read %q, %v", got[:n], err)
	}
	d.Close()
	l.Close()
}
