package noise

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// drain reads with slices of the given size until an error that is no deadline,
// and counts the deadlines.
func drain(c io.Reader, size int) (got []byte, deadlines int, err error) {
	p := make([]byte, size)
	for {
		n, err := c.Read(p)
		got = append(got, p[:n]...)
		switch {
		case err == nil:
		case n > 0:
			return got, deadlines, fmt.Errorf("%d bytes came with the error %w", n, err)
		case errors.Is(err, os.ErrDeadlineExceeded):
			deadlines++
		default:
			return got, deadlines, err
		}
	}
}

// A slice's size decides how a record is opened: in place and copied, right into
// the slice, or received there.
var sliceSizes = []int{1, 7, 100, 4 << 10, 20 << 10, buf.MaxSize, 3 * buf.MaxSize}

func TestWhatWasSealedIsReadWithSlicesOfAnySize(t *testing.T) {
	held := buf.Live()
	for _, size := range sliceSizes {
		c, p, s := reading(t)
		var want, sent []byte
		for _, n := range []int{0, 1, 5, 0, 0, 4078, 4079, 100, large - tagSize, large - tagSize + 1, 30000, maxPlain, 3,
			maxPlain, maxPlain, fullPlain, 0, 200, 200, 200, 4096, 4096, 4096, 16368, 16368, 16368, 16368, 0} {
			plain := text(n)
			want = append(want, plain...)
			sent = append(sent, wire(t, s, plain)...)
		}
		p.reads = []read{{data: sent}}
		got, _, err := drain(c, size)
		if err != io.EOF || !bytes.Equal(got, want) {
			t.Errorf("slices of %d: %d bytes of %d, then %v", size, len(got), len(want), err)
		}
	}
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held at the end", now-held)
	}
}

func TestARecordMayArriveInAnyTwoPiecesWithADeadlineBetween(t *testing.T) {
	held := buf.Live()
	for _, size := range []int{1, 50, buf.MaxSize} {
		for _, plain := range []int{0, 1, 300} {
			_, _, s := reading(t)
			sent := slices.Concat(wire(t, s, text(plain)), wire(t, s, text(20)))
			want := slices.Concat(text(plain), text(20))
			for at := range sent {
				c, p, _ := reading(t, read{data: sent[:at]}, late, read{data: sent[at:]})
				got, deadlines, err := drain(c, size)
				if deadlines != 1 || err != io.EOF || !bytes.Equal(got, want) {
					t.Fatalf("slices of %d, split at %d: %d deadlines, %d bytes of %d, then %v",
						size, at, deadlines, len(got), len(want), err)
				}
				if p.asked[0] > smallest {
					t.Fatalf("the first read has room for %d bytes", p.asked[0])
				}
			}
		}
	}
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held at the end", now-held)
	}
}

func TestALargeRecordMayBeInterruptedAnywhereByDeadlines(t *testing.T) {
	plain := text(maxPlain)
	for _, size := range sliceSizes[2:] {
		_, _, s := reading(t)
		sent := slices.Concat(wire(t, s, plain), wire(t, s, plain))
		for _, step := range []int{1021, 4096, 16384, 30011, 65535, 65536, 65537, 70000} {
			var script []read
			want := 0
			for rest := range slices.Chunk(sent, step) {
				script = append(script, read{data: rest}, late)
				want++
			}
			c, _, _ := reading(t, script...)
			got, deadlines, err := drain(c, size)
			if err != io.EOF || deadlines > want || !bytes.Equal(got, slices.Concat(plain, plain)) {
				t.Errorf("slices of %d, pieces of %d: %d deadlines of %d, %d bytes, then %v",
					size, step, deadlines, want, len(got), err)
			}
		}
	}
}

func TestAChangedRecordEndsTheConnectionForGood(t *testing.T) {
	for _, size := range sliceSizes {
		for _, plain := range []int{0, 40, large + 100} {
			_, _, s := reading(t)
			first, bad, next := wire(t, s, text(9)), wire(t, s, text(plain)), wire(t, s, text(9))
			for _, at := range []int{headSize, headSize + plain/2, len(bad) - 1} {
				changed := bytes.Clone(bad)
				changed[at] ^= 4
				c, _, _ := reading(t, read{data: slices.Concat(first, changed, next)})
				got, _, err := drain(c, size)
				var record *RecordError
				if !errors.As(err, &record) || record.Record != 1 || record.Rule != string(ruleSealed) {
					t.Fatalf("slices of %d, byte %d of %d: %v", size, at, len(bad), err)
				}
				if !bytes.Equal(got, text(9)) {
					t.Fatalf("slices of %d, byte %d of %d: %d bytes were delivered", size, at, len(bad), len(got))
				}
				if c.in.n != 1 {
					t.Fatalf("the record number moved on to %d", c.in.n)
				}
				if n, again := c.Read(make([]byte, 10)); n != 0 || again != err {
					t.Fatalf("then Read returned %d, %v", n, again)
				}
			}
		}
	}
}

func TestRecordsLeftOutRepeatedOrSwappedEndTheConnection(t *testing.T) {
	_, _, s := reading(t)
	one, two, three := wire(t, s, text(10)), wire(t, s, text(20)), wire(t, s, text(30))
	for name, sent := range map[string][]byte{
		"left out": slices.Concat(one, three),
		"repeated": slices.Concat(one, one, two),
		"swapped":  slices.Concat(one, three, two),
	} {
		c, _, _ := reading(t, read{data: sent})
		got, _, err := drain(c, 100)
		var record *RecordError
		if !errors.As(err, &record) || record.Record != 1 || !bytes.Equal(got, text(10)) {
			t.Errorf("%s: %d bytes, then %v", name, len(got), err)
		}
	}
}

func TestARecordShorterThanItsTagEndsTheConnection(t *testing.T) {
	for n := range tagSize {
		c, _, _ := reading(t, read{data: append([]byte{0, byte(n)}, make([]byte, 40)...)})
		_, _, err := drain(c, 100)
		var record *RecordError
		if !errors.As(err, &record) || record.Rule != string(ruleTag) {
			t.Errorf("length %d: %v", n, err)
		}
	}
}

func TestAnEndInsideARecordIsACutAndOneBetweenRecordsAnEnd(t *testing.T) {
	for _, size := range []int{100, buf.MaxSize} {
		for _, plain := range []int{30, large + 1} {
			_, _, s := reading(t)
			first := wire(t, s, text(5))
			sent := slices.Concat(first, wire(t, s, text(plain)))
			for _, at := range []int{0, 1, 2, 3, 17, 18, len(sent) - len(first) - 1, len(sent) - len(first)} {
				c, _, _ := reading(t, read{data: sent[:len(first)+at]})
				_, _, err := drain(c, size)
				var record *RecordError
				cut := errors.As(err, &record) && record.Record == 1 && record.Rule == string(ruleWhole) &&
					errors.Is(err, io.ErrUnexpectedEOF)
				if whole := at == 0 || at == len(sent)-len(first); cut == whole || whole && err != io.EOF {
					t.Errorf("end after %d of %d bytes: %v", at, len(sent)-len(first), err)
				}
			}
		}
	}
}

func TestALengthWithoutBytesTakesNoMemory(t *testing.T) {
	held := buf.Live()
	c, p, _ := reading(t, read{data: []byte{0xff, 0xff, 1, 2, 3}}, late)
	if _, err := c.Read(make([]byte, 100)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	if c.in.buf.Cap() > smallest || slices.Max(p.asked) > smallest {
		t.Errorf("a buffer of %d bytes waits for the record, reads had %d", c.in.buf.Cap(), p.asked)
	}
	c.Close()
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held after Close", now-held)
	}
}

func TestAnIdleConnectionHoldsNoBufferBetweenReads(t *testing.T) {
	_, _, s := reading(t)
	c, p, _ := reading(t, read{data: wire(t, s, text(fullPlain))}, read{data: wire(t, s, text(40))}, late,
		read{data: wire(t, s, text(3))})
	slice := make([]byte, buf.MaxSize)
	for _, want := range []int{fullPlain, 40, -1, 3} {
		n, err := c.Read(slice)
		if want < 0 && !errors.Is(err, os.ErrDeadlineExceeded) || want >= 0 && (n != want || err != nil) {
			t.Fatalf("Read returned %d, %v; want %d", n, err, want)
		}
		if c.in.buf != nil {
			t.Errorf("after %d bytes a buffer of %d is held", n, c.in.buf.Cap())
		}
		if last := p.asked[len(p.asked)-1]; want != fullPlain && last != smallest {
			t.Errorf("the connection waits with a buffer of %d bytes", last)
		}
	}
}

func TestTheReadBufferGrowsWhileReadsComeBackFullAndShrinksAtOnce(t *testing.T) {
	_, _, s := reading(t)
	var sent []byte
	for range 100 {
		sent = append(sent, wire(t, s, text(2000))...)
	}
	c, p, _ := reading(t, read{data: sent}, read{data: wire(t, s, text(1))})
	got, _, err := drain(c, buf.MaxSize)
	if err != io.EOF || len(got) != 100*2000+1 {
		t.Fatalf("%d bytes, then %v", len(got), err)
	}
	if most := slices.Max(p.asked); most < buf.MaxSize-2100 {
		t.Errorf("the largest read had room for %d bytes", most)
	}
	if last := p.asked[len(p.asked)-1]; last != smallest {
		t.Errorf("the last read had room for %d bytes", last)
	}
}

func TestReadReturnsWhatThePipeBelowReturns(t *testing.T) {
	broken := errors.New("broken")
	c, _, _ := reading(t, read{err: broken})
	for range 2 {
		if _, err := c.Read(make([]byte, 9)); err != broken {
			t.Errorf("Read returned %v, want %v", err, broken)
		}
	}
	idle, p, _ := reading(t, make([]read, patience+1)...)
	if _, err := idle.Read(make([]byte, 9)); err != io.ErrNoProgress {
		t.Errorf("a pipe that gives nothing: %v (%d reads)", err, len(p.asked))
	}
	if n, err := c.Read(nil); n != 0 || err != broken {
		t.Errorf("Read of no bytes: %d, %v", n, err)
	}
}

type liar struct{ pipe }

func (l *liar) Read(b []byte) (int, error)  { return len(b) + 1, nil }
func (l *liar) Write(b []byte) (int, error) { return len(b) + 1, nil }

func TestAPipeThatMiscountsEndsTheConnection(t *testing.T) {
	c, _ := sessions(t, new(liar), &pipe{})
	if n, err := c.Read(make([]byte, 9)); n != 0 || err != errCount {
		t.Errorf("Read returned %d, %v", n, err)
	}
	if n, err := c.Write([]byte("x")); n != 0 || err != errCount {
		t.Errorf("Write returned %d, %v", n, err)
	}
}

func TestTheLastRecordNumberIsNeverUsed(t *testing.T) {
	var key [keySize]byte
	s := newSealing(&key, lastRecord)
	s.n = lastRecord - 1
	if _, err := s.seal(make([]byte, 0, 99), []byte("x")); err != nil {
		t.Errorf("record 2^64-2: %v", err)
	}
	if _, err := s.seal(make([]byte, 0, 99), []byte("x")); err != ErrExhausted {
		t.Errorf("record 2^64-1: %v", err)
	}
}

func TestAConnectionEndsWhenItsRecordNumbersAreUsed(t *testing.T) {
	_, _, s := reading(t)
	c, p, _ := reading(t, read{data: slices.Concat(wire(t, s, text(1)), wire(t, s, text(1)), wire(t, s, text(1)))})
	c.in.limit, c.out.limit = 2, 2
	got, _, err := drain(c, 100)
	if err != ErrExhausted || len(got) != 2 {
		t.Errorf("%d bytes were read, then %v", len(got), err)
	}
	n, err := c.Write(text(3 * fullPlain))
	if err != ErrExhausted || n != 2*fullPlain {
		t.Errorf("%d bytes were written, then %v", n, err)
	}
	if plain, _ := opened(t, p.taken); len(plain) != 2*fullPlain {
		t.Errorf("%d bytes left", len(plain))
	}
	if n, err := c.Write([]byte("x")); n != 0 || err != ErrExhausted {
		t.Errorf("then Write returned %d, %v", n, err)
	}
}

func TestReadAndWriteAfterCloseSayClosed(t *testing.T) {
	held := buf.Live()
	_, _, s := reading(t)
	c, p, _ := reading(t, read{data: wire(t, s, text(100))})
	if n, err := c.Read(make([]byte, 10)); n != 10 || err != nil {
		t.Fatal(n, err)
	}
	if err := c.Close(); err != nil || !p.closed {
		t.Errorf("Close returned %v, pipe closed: %v", err, p.closed)
	}
	if _, err := c.Read(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Read: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write: %v", err)
	}
	if _, err := c.WriteBuffers([][]byte{[]byte("x")}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("WriteBuffers: %v", err)
	}
	c.Close()
	if now := buf.Live(); now != held {
		t.Errorf("%d buffers are held after Close", now-held)
	}
}

func TestTheDeadlinesOfAConnectionAreThoseOfItsPipe(t *testing.T) {
	a, b := tcp(t)
	c, other := sessions(t, a, b)
	past := time.Unix(1, 0)
	c.SetReadDeadline(past)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read: %v", err)
	}
	c.SetWriteDeadline(past)
	if _, err := c.Write([]byte("a")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Write: %v", err)
	}
	c.SetDeadline(time.Time{})
	if _, err := c.Write([]byte("b")); err != nil {
		t.Errorf("Write: %v", err)
	}
	got := make([]byte, 2)
	if _, err := io.ReadFull(other, got); err != nil || string(got) != "ab" {
		t.Errorf("the other end read %q, %v", got, err)
	}
	if _, err := other.Write([]byte("c")); err != nil {
		t.Error(err)
	}
	if n, err := c.Read(got); n != 1 || err != nil {
		t.Errorf("Read: %d, %v", n, err)
	}
}

// A talker is a pipe that can be asked when it can be read, and counts.
type talker struct {
	net.Conn
	asked, reads int
}

func (p *talker) Read(b []byte) (int, error) {
	p.reads++
	return p.Conn.Read(b)
}

func (p *talker) OnReadable(f func()) bool {
	if f != nil {
		p.asked++
	}
	return true
}

func TestThePipeIsAskedForMoreOnlyWhenNothingWholeIsLeft(t *testing.T) {
	for _, size := range []int{1, 7, 300, 1000} {
		c, p, s := reading(t)
		below := &talker{Conn: p}
		c.raw = below
		var sent []byte
		for range 3 {
			sent = append(sent, wire(t, s, text(300))...)
		}
		next := wire(t, s, text(300))
		p.reads = []read{{data: append(sent, next[:len(next)-1]...)}, {data: next[len(next)-1:]}}
		said := 0
		for got := 0; got < 1200; {
			if !c.OnReadable(func() { said++ }) {
				t.Fatal("it says that the pipe cannot tell")
			}
			asked := below.asked
			below.asked, below.reads = 0, 0
			n, err := c.Read(make([]byte, size))
			if err != nil {
				t.Fatal(err)
			}
			if needs := below.reads > 0; needs != (asked == 1) || needs == (said == 1) {
				t.Errorf("slices of %d: after %d bytes the pipe was asked %d times, and read %d times", size, got, asked, below.reads)
			}
			got, said = got+n, 0
		}
		c.Close()
		if c.OnReadable(func() { said++ }); said != 1 {
			t.Error("nobody was told of the end")
		}
	}
}
