package sim

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor/golden"
)

func TestSlowReaderTraces(t *testing.T) {
	golden.Run(t, "testdata/slow_*.txt", func(*testing.T) golden.Step {
		var s slowReader
		return func(t *testing.T, line string) []string {
			t.Helper()
			words := strings.Fields(line)
			d, err := time.ParseDuration(words[1])
			if err != nil {
				t.Fatal(err)
			}
			now := epoch.Add(d)
			n, err := strconv.Atoi(words[3])
			if err != nil {
				t.Fatal(err)
			}
			if words[2] == "rate" {
				s.change(now, int64(n))
				return nil
			}
			allowed, next := s.allow(now, n)
			switch {
			case allowed > 0:
				s.took(now, allowed)
				return []string{fmt.Sprintf("%d", allowed)}
			case next.IsZero():
				return []string{"not before the rate changes"}
			}
			return []string{fmt.Sprintf("not before %v", next.Sub(epoch))}
		}
	})
}

// A sender whose packets vanish waits twice as long each time, a minute at most,
// and gives up after a quarter of an hour.
func TestASenderWhosePacketsVanishTriesLessAndLessOften(t *testing.T) {
	var p patientSender
	now := epoch
	var waits []time.Duration
	for p.vanished(now, 300*ms) {
		waits = append(waits, p.next.Sub(now))
		now = p.next
	}
	s := time.Second
	want := []time.Duration{300 * ms, 600 * ms, 1200 * ms, 2400 * ms, 4800 * ms, 9600 * ms, 19200 * ms, 38400 * ms}
	for range 15 {
		want = append(want, 60*s)
	}
	if diff := cmp.Diff(want, waits); diff != "" {
		t.Error(diff)
	}
	if given := now.Sub(epoch); given < sendPatience || given > sendPatience+maxTimeout {
		t.Errorf("it gave up after %v", given)
	}
	p.through()
	if p.vanished(now, s); p.next != now.Add(s) || p.since != now {
		t.Errorf("after something got through: %+v", p)
	}
}

// A queue whose rate changes carries as many bytes as its rates allow: nothing is
// lost to rounding, and nothing is gained.
func TestAQueueCarriesWhatItsRatesAllow(t *testing.T) {
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		var q queue
		now := epoch
		q.change(now, 1+r.Int64N(1_000_000), 0)
		// Byte-nanoseconds: what came in, and what the wire could carry.
		var came, could int64
		for range 100 {
			n := r.IntN(3000)
			before := q.left(now)
			q.take(now, n)
			if got := q.left(now) - before; got != int64(n)*int64(time.Second) {
				t.Fatalf("seed %d: %d bytes count as %d", seed, n, got)
			}
			came += int64(n) * int64(time.Second)
			d := time.Duration(r.IntN(5_000_000))
			could += min(q.left(now), int64(d)*q.rate)
			now = now.Add(d)
			if got, want := q.left(now), came-could; got != want {
				t.Fatalf("seed %d: %d left, want %d", seed, got, want)
			}
			if r.IntN(10) == 0 {
				q.change(now, 1+r.Int64N(1_000_000), 0)
			}
		}
	}
}

// Whatever is put into an inbox comes out in the order of time, host and number,
// and nothing before its time.
func FuzzInbox(f *testing.F) {
	f.Add([]byte{5, 3, 3, 200, 1, 255, 0, 255})
	f.Add([]byte{1, 1, 1, 1, 1, 255, 255, 255})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var box inbox
		from := [2]*link{{from: &Transport{place: 0}}, {from: &Transport{place: 1}}}
		now, count := epoch, 0
		var last *packet
		for i, op := range ops {
			if op < 200 {
				box.push(&packet{at: now.Add(time.Duration(op / 2)), number: uint64(i), link: from[op%2]})
				count++
				continue
			}
			now, last = now.Add(time.Duration(op-199)), nil
			for p := box.due(now); p != nil; p = box.due(now) {
				if p.at.After(now) || last != nil && !last.before(p) {
					t.Fatalf("at %v: %+v after %+v", now, p, last)
				}
				last = p
				count--
			}
			if len(box) > 0 && !box[0].at.After(now) {
				t.Fatal("something is due and did not come out")
			}
		}
		if len(box) != count {
			t.Fatalf("%d are in it, want %d", len(box), count)
		}
	})
}
