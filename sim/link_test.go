package sim

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
)

var epoch = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// A script drives a link with lines like these:
//
//	link latency=10ms bandwidth=1000 queue=100 chunk=50 jitter=2ms
//	at 5ms send 50
//	at 5ms signal
//
// The first line makes the link, later ones of its kind change it.
type linkScript struct {
	up      *queue
	machine *linkMachine
	now     time.Time
}

func (s *linkScript) step(t *testing.T, line string) []string {
	t.Helper()
	words := strings.Fields(line)
	if words[0] == "at" {
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		s.now = epoch.Add(d)
		words = words[2:]
	}
	var e linkEvent
	switch words[0] {
	case "link":
		e = linkEvent{kind: linkChange, config: parseLink(t, words[1:])}
		if s.machine == nil {
			s.machine = newLinkMachine(e.config, 1, s.up)
			return nil
		}
	case "send":
		n, err := strconv.Atoi(words[1])
		if err != nil {
			t.Fatal(err)
		}
		e = linkEvent{kind: linkSend, n: n}
	case "signal":
		e = linkEvent{kind: linkSignal}
	default:
		t.Fatalf("unknown line %q", line)
	}
	var out []string
	for _, f := range s.machine.Step(s.now, e, nil) {
		at := f.at.Sub(epoch)
		switch f.kind {
		case linkArrive:
			out = append(out, fmt.Sprintf("%d arrive at %v", f.n, at))
		case linkFull:
			out = append(out, fmt.Sprintf("full until %v", at))
		}
	}
	return append(out, fmt.Sprintf("%d waiting", s.machine.own.waiting(s.now)))
}

func parseLink(t *testing.T, words []string) (c LinkConfig) {
	t.Helper()
	for _, w := range words {
		name, value, _ := strings.Cut(w, "=")
		d, err := time.ParseDuration(value)
		n, err2 := strconv.ParseInt(value, 10, 64)
		if err != nil && err2 != nil {
			t.Fatal(err, err2)
		}
		switch name {
		case "latency":
			c.Latency = d
		case "jitter":
			c.Jitter = d
		case "bandwidth":
			c.Bandwidth = n
		case "queue":
			c.Queue = int(n)
		case "chunk":
			c.Chunk = int(n)
		default:
			t.Fatalf("unknown word %q", w)
		}
	}
	return c
}

func TestLinkMachineTraces(t *testing.T) {
	golden.Run(t, "testdata/link_*.txt", func(*testing.T) golden.Step {
		return (&linkScript{up: noUplink(), now: epoch}).step
	})
}

// fillLink sends as much as the link takes until the end, asking again when it says.
func fillLink(m *linkMachine, now, end time.Time, n int) (sent int, last time.Time) {
	for now.Before(end) {
		f := m.Step(now, linkEvent{kind: linkSend, n: n}, nil)[0]
		if f.kind == linkFull {
			now = f.at
			continue
		}
		sent += f.n
		last = f.at
	}
	return sent, last
}

func TestABusyLinkCarriesExactlyItsBandwidth(t *testing.T) {
	for _, c := range []LinkConfig{
		{Bandwidth: 1_000_000, Latency: 50 * time.Millisecond},
		{Bandwidth: 999_999_937, Chunk: 1500}, // a prime, so that no chunk takes whole nanoseconds
		{Bandwidth: 7, Chunk: 3},
		{Bandwidth: MaxBandwidth},
	} {
		m := newLinkMachine(c, 1, noUplink())
		const length = 10 * time.Millisecond
		sent, last := fillLink(m, epoch, epoch.Add(length), 1<<20)
		// What was taken leaves back to back: the last byte at sent / bandwidth.
		hi, lo := bits.Mul64(uint64(sent), uint64(time.Second))
		ns, _ := bits.Div64(hi, lo, uint64(c.Bandwidth))
		want := time.Duration(ns) + c.Latency
		if got := last.Sub(epoch); got != want {
			t.Errorf("%+v: %d bytes have arrived after %v, want %v", c, sent, got, want)
		}
	}
}

func TestJitterIsSpreadOverItsRangeAndRepeats(t *testing.T) {
	c := LinkConfig{Latency: time.Second, Jitter: 10 * time.Millisecond}
	draw := func(key uint64) (all [1000]time.Duration) {
		m := newLinkMachine(c, key, noUplink())
		for i := range all {
			all[i] = m.Step(epoch, linkEvent{kind: linkSend, n: 1}, nil)[0].at.Sub(epoch) - c.Latency
		}
		return all
	}
	first := draw(1)
	var tenths [11]int
	for _, d := range first {
		if d < 0 || d > c.Jitter {
			t.Fatalf("a jitter of %v", d)
		}
		tenths[d*10/c.Jitter]++
	}
	for i, n := range tenths[:10] {
		if n < 50 || n > 150 { // 100 expected; with this seed it always is what it is
			t.Errorf("%d of 1000 are in tenth %d", n, i)
		}
	}
	if first != draw(1) {
		t.Error("the same key drew other numbers")
	}
	if first == draw(2) {
		t.Error("another key drew the same numbers")
	}
}

// Whatever is asked of a link: nothing arrives before it could, the queue keeps
// its limit, and when it says to ask again it takes what it refused.
func FuzzLinkMachine(f *testing.F) {
	f.Add(int64(1000), 100, 10, []byte{0, 50, 1, 200, 2, 9, 3, 77})
	f.Add(int64(MaxBandwidth), 0, 0, []byte{1, 255, 1, 255, 1, 255, 2, 1, 1, 1})
	f.Add(int64(1), 1, 1, []byte{1, 1, 1, 1, 1, 1, 3, 0, 1, 9})
	f.Fuzz(func(t *testing.T, bandwidth int64, queue, chunk int, ops []byte) {
		c := LinkConfig{Bandwidth: bandwidth, Queue: queue, Chunk: chunk, Latency: time.Millisecond, Jitter: time.Millisecond}
		m := newLinkMachine(c, 7, noUplink())
		now := epoch
		for len(ops) >= 2 {
			op, x := ops[0]%4, int(ops[1])
			ops = ops[2:]
			switch op {
			case 0:
				now = now.Add(time.Duration(x) * time.Millisecond)
			case 1:
				sendChecked(t, m, now, x*x+1)
			case 2:
				f := m.Step(now, linkEvent{kind: linkSignal}, nil)
				if len(f) != 1 || f[0].kind != linkArrive || f[0].n != 0 || f[0].at.Before(now.Add(c.Latency)) {
					t.Fatalf("a signal at %v caused %+v", now, f)
				}
			case 3:
				c.Bandwidth = int64(x) * bandwidth / 100
				if f := m.Step(now, linkEvent{kind: linkChange, config: c}, nil); len(f) != 0 {
					t.Fatalf("a change caused %+v", f)
				}
			}
			if !m.Deadline().IsZero() {
				t.Fatal("a link has a deadline")
			}
		}
	})
}

func sendChecked(t *testing.T, m *linkMachine, now time.Time, n int) {
	t.Helper()
	before := m.own.free
	unsent := *m.up
	f := m.Step(now, linkEvent{kind: linkSend, n: n}, nil)[0]
	if f.kind == linkFull {
		if !f.at.After(now) {
			t.Fatalf("full until %v, which is not after %v", f.at, now)
		}
		again, up := *m, unsent
		again.up = &up
		if g := again.Step(f.at, linkEvent{kind: linkSend, n: n}, nil)[0]; g.kind != linkArrive {
			t.Fatalf("asked again at %v, it is full until %v", f.at, g.at)
		}
		return
	}
	c := m.config
	if f.n <= 0 || f.n > min(n, c.Chunk) {
		t.Fatalf("took %d of %d bytes, the chunk is %d", f.n, n, c.Chunk)
	}
	if m.own.free.Before(before) || m.own.free.Before(now) {
		t.Fatalf("the link is free at %v, it was at %v", m.own.free, before)
	}
	if d := f.at.Sub(m.own.free); d < c.Latency || d > c.Latency+c.Jitter {
		t.Fatalf("on its way for %v", d)
	}
	if w := m.own.waiting(now); w > c.Queue {
		t.Fatalf("%d bytes wait, the limit is %d", w, c.Queue)
	}
}

// noUplink is one without limits.
func noUplink() *queue { return &queue{} }
