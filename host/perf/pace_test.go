package perf

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
)

// paceScript runs lines such as "1.5s in 100 out 3" against a pace machine.
func paceScript(m paceMachine) func(t *testing.T, line string) []string {
	start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	return func(t *testing.T, line string) []string {
		at, rest, _ := strings.Cut(line, " ")
		d, err := time.ParseDuration(at)
		if err != nil {
			t.Fatal(err)
		}
		ev := paceEvent{kind: paceMoved}
		switch {
		case rest == "begin":
			ev.kind = paceBegin
		case rest == "wake":
		default:
			if _, err := fmt.Sscanf(rest, "in %d out %d", &ev.in, &ev.out); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
		}
		var said []string
		for _, e := range m.Step(start.Add(d), ev, nil) {
			switch e.kind {
			case paceReport:
				said = append(said, fmt.Sprintf("report %v in %d out %d", e.took, e.in, e.out))
			case paceWake:
				said = append(said, fmt.Sprintf("wake at %v", e.at.Sub(start)))
			case paceSlow:
				said = append(said, "slow")
			case paceLong:
				said = append(said, "long")
			}
		}
		return said
	}
}

func TestThePaceOfADialerAndOfAListener(t *testing.T) {
	for file, m := range map[string]paceMachine{
		"testdata/dialer.txt":   {every: time.Second, period: 30 * time.Second, least: 1},
		"testdata/listener.txt": {period: 30 * time.Second, least: blockSize, longest: 100 * time.Second},
		"testdata/slow.txt":     {period: 30 * time.Second, least: blockSize, longest: 100 * time.Second},
		"testdata/never.txt":    {},
	} {
		golden.Run(t, file, func(*testing.T) golden.Step { return paceScript(m) })
	}
}

// What is reported adds up, no interval is short, the wake is never in the past,
// and a transfer is given up exactly when a period was too slow or the time over.
func TestThePaceKeepsItsWord(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		m := paceMachine{every: time.Second, period: 3 * time.Second, least: 1000, longest: time.Minute}
		start := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
		now, moved, told, checked, inPeriod := start, uint64(0), uint64(0), start, uint64(0)
		var wake time.Time
		ev := paceEvent{kind: paceBegin}
		for {
			slow := ev.kind == paceMoved && now.Sub(checked) >= m.period && inPeriod < m.least
			long := now.Sub(start) >= m.longest
			reported := m.reported.at
			gaveUp := false
			for _, e := range m.Step(now, ev, nil) {
				switch e.kind {
				case paceReport:
					told += e.in + e.out
					if e.took < m.every || e.took != now.Sub(reported) || told != moved {
						t.Fatalf("seed %d: told %d of %d, after %v", seed, told, moved, e.took)
					}
				case paceWake:
					wake = e.at
				case paceSlow, paceLong:
					gaveUp = true
				}
			}
			if gaveUp != (slow || long) {
				t.Fatalf("seed %d: gave up: %v, slow: %v, long: %v", seed, gaveUp, slow, long)
			}
			if !gaveUp && !wake.After(now) {
				t.Fatalf("seed %d: at %v it is to wake at %v", seed, now, wake)
			}
			if inPeriod >= m.least {
				checked, inPeriod = now, 0
			}
			if gaveUp {
				break
			}
			// The next event: something moves before the wake, or the wake comes.
			ev = paceEvent{kind: paceMoved}
			if rnd.IntN(3) > 0 {
				now = now.Add(time.Duration(rnd.Int64N(int64(wake.Sub(now)))))
				ev.in, ev.out = rnd.Uint64N(200), rnd.Uint64N(200)
			} else {
				now = wake.Add(time.Duration(rnd.Int64N(1e8)))
			}
			moved += ev.in + ev.out
			inPeriod += ev.in + ev.out
		}
	}
}
