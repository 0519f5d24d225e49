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
//	up bandwidth=1000 queue=100
//	link latency=10ms bandwidth=1000 queue=100 chunk=50 jitter=2ms loss=1000000
//	at 5ms send 50
//	at 5ms signal
//	at 5ms datagram 1200
//	at 5ms block cut
//
// The first line with link makes it, later ones change it; back= is the latency
// of the other direction. A link that is blocked for no reason is open again.
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
	case "up":
		c, _ := parseLink(t, words[1:])
		s.up.change(s.now, c.Bandwidth, c.Queue)
		return nil
	case "link":
		c, back := parseLink(t, words[1:])
		e = linkEvent{kind: linkChange, config: c, back: back}
		if s.machine == nil {
			s.machine = newLinkMachine(c, 1, s.up)
			s.machine.back = back
			return nil
		}
	case "send":
		e = linkEvent{kind: linkSend, n: number(t, words[1])}
	case "datagram":
		e = linkEvent{kind: linkDatagram, n: number(t, words[1])}
	case "signal":
		e = linkEvent{kind: linkSignal}
	case "block":
		e = linkEvent{kind: linkBlock}
		if len(words) > 1 {
			e.reason = map[string]Reason{"cut": LostByCut, "down": LostByDown}[words[1]]
		}
	default:
		t.Fatalf("unknown line %q", line)
	}
	var out []string
	for _, f := range s.machine.Step(s.now, e, nil) {
		at := f.at.Sub(epoch)
		switch f.kind {
		case linkArrive:
			text := fmt.Sprintf("%d arrive at %v", f.n, at)
			if f.twin {
				text += ", once more"
			}
			if f.flip > 0 {
				text += fmt.Sprintf(", with bit %d turned over", f.flip-1)
			}
			out = append(out, text)
		case linkFull:
			out = append(out, fmt.Sprintf("full until %v", at))
		case linkLost:
			out = append(out, fmt.Sprintf("%d lost in %d packets: %v", f.n, f.packets, f.reason))
		}
	}
	return append(out, fmt.Sprintf("%d waiting", s.up.waiting(s.now)+s.machine.own.waiting(later(s.now, s.up.free))))
}

func number(t *testing.T, word string) int {
	t.Helper()
	n, err := strconv.Atoi(word)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func parseLink(t *testing.T, words []string) (c LinkConfig, back time.Duration) {
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
		case "back":
			back = d
		case "jitter":
			c.Jitter = d
		case "bandwidth":
			c.Bandwidth = n
		case "queue":
			c.Queue = int(n)
		case "chunk":
			c.Chunk = int(n)
		case "mtu":
			c.MTU = int(n)
		case "loss":
			c.Loss = PPM(n)
		case "begin":
			c.Burst.Begin = PPM(n)
		case "end":
			c.Burst.End = PPM(n)
		case "duplicate":
			c.Duplicate = PPM(n)
		case "reorder":
			c.Reorder = PPM(n)
		case "reorderby":
			c.ReorderBy = d
		case "flip":
			c.Flip = PPM(n)
		default:
			t.Fatalf("unknown word %q", w)
		}
	}
	return c, back
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

// noUplink is one without limits.
func noUplink() *queue { return &queue{} }

// The number of a datagram decides about its accidents, not what was switched on
// before.
func TestAnAccidentThatIsSwitchedOnLaterIsTheSame(t *testing.T) {
	all := LinkConfig{Jitter: ms, Loss: Percent(30), Duplicate: Percent(30), Reorder: Percent(30), Flip: Percent(30)}
	for name, some := range map[string]LinkConfig{
		"jitter": {Jitter: ms}, "loss": {Loss: all.Loss}, "duplicates": {Duplicate: all.Duplicate},
		"reordering": {Reorder: all.Reorder}, "flips": {Flip: all.Flip},
	} {
		fates := func(first LinkConfig) (text string) {
			m := newLinkMachine(first, 3, noUplink())
			for i := range 200 {
				if i == 100 {
					m.Step(epoch, linkEvent{kind: linkChange, config: some}, nil)
				}
				for _, f := range m.Step(epoch, linkEvent{kind: linkDatagram, n: 100}, nil) {
					if i >= 100 {
						text += fmt.Sprintln(i, f.kind, f.at, f.flip)
					}
				}
			}
			return text
		}
		if fates(LinkConfig{}) != fates(all) {
			t.Errorf("%s: what happened before changes what happens", name)
		}
	}
}

func TestALossCostsARoundTripOnceAndTimeoutsAfterThat(t *testing.T) {
	m := newLinkMachine(LinkConfig{Latency: 10 * ms}, 1, noUplink())
	m.back = 20 * ms
	for _, c := range []struct {
		times, behind int
		want          time.Duration
	}{
		{1, 3, 30 * ms}, {1, 2, 230 * ms}, {2, 3, 260 * ms}, {3, 9, 720 * ms}, {3, 0, 1610 * ms},
	} {
		if got := m.cost(c.times, c.behind); got != c.want {
			t.Errorf("lost %d times with %d behind costs %v, want %v", c.times, c.behind, got, c.want)
		}
	}
}
