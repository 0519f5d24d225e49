package tls

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/negotiate"
)

var _ negotiate.Secured = (*Conn)(nil)

// A catcher is a pipe that keeps what is written to it, one entry a call, once
// it is told to catch.
type catcher struct {
	net.Conn
	catch bool
	calls [][]byte
	err   error // what Write returns while it catches
}

func (c *catcher) Write(p []byte) (int, error) {
	if !c.catch {
		return c.Conn.Write(p)
	}
	if c.err != nil {
		return 0, c.err
	}
	c.calls = append(c.calls, bytes.Clone(p))
	return len(p), nil
}

// caught returns a session whose dialer's writes are caught from now on.
func caught(t *testing.T) (d, l *Conn, c *catcher) {
	t.Helper()
	a, b := tcp(t)
	c = &catcher{Conn: a}
	d, l = over(t, c, b)
	c.catch = true
	return d, l, c
}

// split returns the records in b, with their heads.
func split(t *testing.T, b []byte) (all [][]byte) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 5 || len(b) < 5+int(binary.BigEndian.Uint16(b[3:])) {
			t.Fatal("a record is cut")
		}
		n := 5 + int(binary.BigEndian.Uint16(b[3:]))
		all, b = append(all, b[:n]), b[n:]
	}
	return all
}

func TestWritesAreAsFewRecordsAndCallsAsCanBe(t *testing.T) {
	for _, w := range []struct{ size, records, calls int }{
		{0, 0, 0}, {1, 1, 1}, {16 << 10, 1, 1}, {16<<10 + 1, 2, 1}, {32 << 10, 2, 1}, {64<<10 - 88, 4, 1},
		{64<<10 - 87, 4, 2}, {64 << 10, 4, 2}, {200_000, 13, 4},
	} {
		t.Run(fmt.Sprint(w.size), func(t *testing.T) {
			size := w.size
			before := buf.Live()
			d, l, c := caught(t)
			if n, err := d.Write(text(size)); n != size || err != nil {
				t.Fatal(n, err)
			}
			if live := buf.Live(); live != before {
				t.Errorf("%d buffers are kept", live-before)
			}
			wire := bytes.Join(c.calls, nil)
			if r := len(split(t, wire)); r != w.records || len(c.calls) != w.calls {
				t.Errorf("%d records in %d calls, want %d in %d", r, len(c.calls), w.records, w.calls)
			}
			got := make([]byte, size)
			done := make(chan error, 1)
			go func() { _, err := c.Conn.Write(wire); done <- err }()
			if _, err := io.ReadFull(l, got); err != nil || !bytes.Equal(got, text(size)) {
				t.Errorf("other bytes arrive: %v", err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestPiecesAreSealedTogether(t *testing.T) {
	for _, c := range []struct {
		name    string
		sizes   []int
		records int
		calls   int
	}{
		{"nothing", nil, 0, 0},
		{"empty pieces", []int{0, 0}, 0, 0},
		{"small pieces", []int{5, 100, 0, 5, 100}, 1, 1},
		{"a head and a body", []int{12, 16 << 10}, 2, 1},
		{"bodies", []int{5, 16379, 5, 16379, 5, 16379}, 3, 1},
		{"one large piece", []int{64 << 10}, 4, 2},
		{"large pieces", []int{70_000, 3, 70_000}, 9, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := buf.Live()
			d, l, below := caught(t)
			var pieces [][]byte
			total := 0
			for _, size := range c.sizes {
				total += size
			}
			whole := text(total)
			for rest := whole; len(pieces) < len(c.sizes); {
				size := c.sizes[len(pieces)]
				pieces = append(pieces, rest[:size:size])
				rest = rest[size:]
			}
			if n, err := d.WriteBuffers(pieces); n != int64(total) || err != nil {
				t.Fatal(n, err)
			}
			if live := buf.Live(); live != before {
				t.Errorf("%d buffers are kept", live-before)
			}
			wire := bytes.Join(below.calls, nil)
			if r := len(split(t, wire)); r != c.records || len(below.calls) != c.calls {
				t.Errorf("%d records in %d calls, want %d in %d", r, len(below.calls), c.records, c.calls)
			}
			done := make(chan error, 1)
			go func() { _, err := below.Conn.Write(wire); done <- err }()
			got := make([]byte, total)
			if _, err := io.ReadFull(l, got); err != nil || !bytes.Equal(got, whole) {
				t.Errorf("other bytes arrive: %v", err)
			}
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAnErrorOfThePipeEndsWritingForGood(t *testing.T) {
	for _, size := range []int{10, 64 << 10} {
		before := buf.Live()
		d, _, c := caught(t)
		c.err = os.ErrDeadlineExceeded
		for range 2 {
			if n, err := d.Write(text(size)); n != 0 || err != os.ErrDeadlineExceeded {
				t.Errorf("it wrote %d, %v", n, err)
			}
			c.err = errors.New("another error") // the first one stays
		}
		if n, err := d.WriteBuffers([][]byte{text(size), text(3)}); n != 0 || err != os.ErrDeadlineExceeded {
			t.Errorf("it wrote %d, %v", n, err)
		}
		// An answer of the reader's, after a write that was refused before it began.
		d.pipe.Write([]byte("answer"))
		if live := buf.Live(); live != before {
			t.Errorf("%d buffers are kept", live-before)
		}
	}
}

// The answers that crypto/tls gives while it reads come from another goroutine
// than a write: the order of the records is that of their numbers.
func TestAnAnswerBetweenTheRecordsOfAWriteKeepsItsPlace(t *testing.T) {
	before := buf.Live()
	c := &catcher{catch: true}
	p := &pipe{Conn: c}
	full := bytes.Repeat([]byte{1}, fullPlain+overhead)
	p.expect(4)
	var want []byte
	for _, record := range [][]byte{full, {2}, full, full, {3}, full, full} {
		if n, err := p.Write(record); n != len(record) || err != nil {
			t.Fatal(n, err)
		}
		want = append(want, record...)
	}
	if got := bytes.Join(c.calls, nil); !bytes.Equal(got, want) {
		t.Error("the order is another one")
	}
	// More than fits a buffer.
	c.calls = nil
	p.expect(5)
	for range 5 {
		p.Write(full)
	}
	if got := bytes.Join(c.calls, nil); !bytes.Equal(got, bytes.Repeat(full, 5)) {
		t.Error("not everything is sent")
	}
	p.expect(4)
	for range 3 {
		p.Write(full)
	}
	p.drop()
	if live := buf.Live(); live != before {
		t.Errorf("%d buffers are kept", live-before)
	}
}

func TestChangedRecordsEndTheConnection(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(records [][]byte) [][]byte
		rule   rule
		intact int // how many messages arrive before
	}{
		{"a flipped bit", func(r [][]byte) [][]byte { r[1][9] ^= 1; return r }, ruleSealed, 1},
		{"a flipped bit of the tag", func(r [][]byte) [][]byte { r[1][len(r[1])-1] ^= 0x80; return r }, ruleSealed, 1},
		{"a flipped bit of the head", func(r [][]byte) [][]byte { r[1][0] ^= 1; return r }, ruleSealed, 1},
		{"another version", func(r [][]byte) [][]byte { r[1][2] ^= 1; return r }, ruleSealed, 1},
		{"a repeated record", func(r [][]byte) [][]byte { return [][]byte{r[0], r[0]} }, ruleSealed, 1},
		{"records swapped", func(r [][]byte) [][]byte { return [][]byte{r[1], r[0]} }, ruleSealed, 0},
		{"a record left out", func(r [][]byte) [][]byte { return r[1:] }, ruleSealed, 0},
		{"a length beyond the limit", func(r [][]byte) [][]byte { r[1][3] = 0xff; return r }, ruleSealed, 1},
		{"a record cut", func(r [][]byte) [][]byte { r[1] = r[1][:12]; return r[:2] }, ruleWhole, 1},
		{"a head cut", func(r [][]byte) [][]byte { r[1] = r[1][:3]; return r[:2] }, ruleWhole, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, l, below := caught(t)
			for range 3 {
				if _, err := d.Write([]byte("message")); err != nil {
					t.Fatal(err)
				}
			}
			wire := bytes.Join(c.change(below.calls), nil)
			if _, err := below.Conn.Write(wire); err != nil {
				t.Fatal(err)
			}
			below.Conn.(*net.TCPConn).CloseWrite()
			p := make([]byte, 100)
			for range c.intact {
				if n, err := l.Read(p); err != nil || string(p[:n]) != "message" {
					t.Fatalf("%q, %v", p[:n], err)
				}
			}
			for range 2 {
				n, err := l.Read(p)
				broken, ok := errors.AsType[*RecordError](err)
				if n != 0 || !ok || broken.Rule != string(c.rule) || !strings.Contains(err.Error(), broken.Rule) {
					t.Errorf("it reads %d bytes, %v (%T), want the rule %q", n, err, err, c.rule)
				}
			}
		})
	}
}

func TestTheEndOfThePipeIsTheEnd(t *testing.T) {
	d, l := sessions(t)
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Read(make([]byte, 1)); err != io.EOF {
		t.Errorf("the other end reads %v", err)
	}
	if _, err := d.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the closed end reads %v", err)
	}
	if _, err := d.Write(text(64 << 10)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the closed end writes %v", err)
	}
}

func TestTheEndOfWritingIsTold(t *testing.T) {
	d, l := sessions(t)
	if _, err := d.Write([]byte("bye")); err != nil {
		t.Fatal(err)
	}
	if err := d.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(l); string(got) != "bye" || err != nil {
		t.Errorf("the other end reads %q, %v", got, err)
	}
	if _, err := l.Write([]byte("good bye")); err != nil {
		t.Error(err)
	}
	p := make([]byte, 8)
	if _, err := io.ReadFull(d, p); err != nil || string(p) != "good bye" {
		t.Errorf("it reads %q, %v", p, err)
	}
	if _, err := d.Write([]byte("more")); err == nil {
		t.Error("it writes after the end of writing")
	}
}

func TestBothDirectionsCarryAtOnce(t *testing.T) {
	d, l := sessions(t)
	done := make(chan error, 4)
	message := text(300_000)
	for _, c := range []*Conn{d, l} {
		go func() {
			for range 10 {
				if _, err := c.WriteBuffers([][]byte{message[:5], message[5:70_000], message[70_000:]}); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		go func() {
			got := make([]byte, len(message))
			for range 10 {
				if _, err := io.ReadFull(c, got); err != nil {
					done <- err
					return
				}
				if !bytes.Equal(got, message) {
					done <- errors.New("other bytes arrived")
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func TestAReadDeadlineCanBeLifted(t *testing.T) {
	d, l := sessions(t)
	if _, err := d.Write(text(1000)); err != nil {
		t.Fatal(err)
	}
	l.SetReadDeadline(time.Unix(1, 0))
	if _, err := l.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	l.SetReadDeadline(time.Time{})
	got := make([]byte, 1000)
	if _, err := io.ReadFull(l, got); err != nil || !bytes.Equal(got, text(1000)) {
		t.Errorf("after the deadline it reads %v", err)
	}
}
