package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
)

func TestAttemptsAfterABreakFollowTheirGoldenTraces(t *testing.T) {
	golden.Run(t, "testdata/retry/*.txt", func(t *testing.T) golden.Step {
		m := &retryMachine{max: 4, first: time.Second, most: 5 * time.Second}
		now := dawn
		return func(t *testing.T, line string) []string {
			var ev retryEvent
			switch word, rest, _ := strings.Cut(line, " "); word {
			case "wait":
				d, err := time.ParseDuration(rest)
				if err != nil {
					t.Fatal(err)
				}
				now = now.Add(d)
				return nil
			case "tick":
				ev.tick = true
			case "ended":
				if _, err := fmt.Sscanf(rest, "after %d bytes, chance %g", &ev.moved, &ev.chance); err != nil {
					t.Fatal(err)
				}
			default:
				t.Fatalf("no such event: %q", line)
			}
			var out []string
			for _, e := range m.Step(now, ev, nil) {
				switch e.kind {
				case retryWait:
					out = append(out, fmt.Sprintf("wait %v, attempt %d", e.pause, e.attempt))
				case retryNow:
					out = append(out, "try")
				case retryGiveUp:
					out = append(out, "give up")
				}
			}
			return out
		}
	})
}
