package muxertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/muxer"
)

// Script returns what golden.Run wants for traces of a machine. Besides the
// events of [Lines] a trace may contain these lines:
//
//	machine key=value …   begins again with a fresh machine; start reads the pairs
//	given EVENT; EVENT …  begins again with a fresh machine of the same pairs and
//	                      feeds it the events, without printing their effects
//	at 5s                 sets the clock, which begins at 0
//	look                  prints streams, pending, deadline and what more adds
//
// A trace begins with a machine that start makes from no pairs. Each Send is
// printed with the bytes of its head behind a bar, and Fatal with its error.
func Script(lines Lines, start func(pairs map[string]string) (muxer.Machine, error), more func(muxer.Machine) string) func(t *testing.T) golden.Step {
	return func(t *testing.T) golden.Step {
		s := &script{lines: lines, start: start, more: more}
		s.fresh(t)
		return s.step
	}
}

// A script is one trace while it runs.
type script struct {
	lines Lines
	start func(pairs map[string]string) (muxer.Machine, error)
	more  func(muxer.Machine) string

	pairs   map[string]string
	machine muxer.Machine
	clock   time.Duration
}

// fresh begins again with a new machine.
func (s *script) fresh(t *testing.T) {
	t.Helper()
	m, err := s.start(s.pairs)
	if err != nil {
		t.Fatal(err)
	}
	s.machine, s.clock = m, 0
}

// step carries out one line of a trace.
func (s *script) step(t *testing.T, text string) []string {
	t.Helper()
	first, rest, _ := strings.Cut(text, " ")
	switch first {
	case "machine":
		s.pairs = map[string]string{}
		for _, pair := range strings.Fields(rest) {
			key, value, ok := strings.Cut(pair, "=")
			if !ok {
				t.Fatalf("%q is not a key=value pair", pair)
			}
			s.pairs[key] = value
		}
		s.fresh(t)
	case "given":
		s.fresh(t)
		for event := range strings.SplitSeq(rest, ";") {
			s.step(t, strings.TrimSpace(event))
		}
	case "at":
		d, err := time.ParseDuration(rest)
		if err != nil || d < s.clock {
			t.Fatalf("%q: the time is wrong or goes backwards", text)
		}
		s.clock = d
	case "look":
		return []string{s.look()}
	default:
		return s.event(t, text)
	}
	return nil
}

// event feeds one event to the machine and prints the effects, each with what
// the machine says beside it.
func (s *script) event(t *testing.T, text string) []string {
	t.Helper()
	event, err := s.lines.ParseEvent(text)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range s.machine.Step(Start.Add(s.clock), event, nil) {
		line := s.lines.Effect(e)
		switch e.Kind {
		case muxer.Send:
			line += " |" + hexText(s.machine.AppendHead(nil, e))
		case muxer.Fatal:
			line += ": " + s.machine.Err().Error()
		}
		out = append(out, line)
		e.Data.Release()
	}
	return out
}

// look prints what the machine answers without an event.
func (s *script) look() string {
	deadline := "none"
	if d := s.machine.Deadline(); d.Before(Start) && !d.IsZero() {
		deadline = "at once"
	} else if !d.IsZero() {
		deadline = d.Sub(Start).String()
	}
	text := fmt.Sprintf("streams %d, pending %v, deadline %s", s.machine.Streams(), s.machine.Pending(), deadline)
	if s.more != nil {
		text += s.more(s.machine)
	}
	return text
}

// Start is the time at which the clock of scripts and worlds begins.
var Start = time.Unix(1_000_000_000, 0)
