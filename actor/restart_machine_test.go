package actor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/explore"
	"github.com/troupe-p2p/troupe/actor/golden"
)

var (
	strategyNames = []string{"one-for-one", "rest-for-one", "one-for-all"}
	whenNames     = []string{"never", "on-failure", "always"}
)

// A script begins with its plan, for example
//
//	plan rest-for-one always on-failure max 2 within 1m backoff 1s
//
// and goes on with a line an event: the time since the start, and what happens.
// The last effect of each event tells until when the machine waits.
func TestTheGoldenTracesOfTheRestartMachine(t *testing.T) {
	golden.Run(t, "testdata/restart_*.txt", func(*testing.T) golden.Step {
		var m *restartMachine
		return func(t *testing.T, line string) []string {
			words := strings.Fields(line)
			if words[0] == "plan" {
				m = newRestartMachine(planOf(t, words[1:]))
				return nil
			}
			at, err := time.ParseDuration(words[0])
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			var lines []string
			for _, e := range m.Step(familyNow.Add(at), eventOf(t, words[1:]), nil) {
				lines = append(lines, e.String())
			}
			if until := m.Deadline(); !until.IsZero() {
				lines = append(lines, fmt.Sprint("until ", until.Sub(familyNow)))
			}
			return lines
		}
	})
}

func planOf(t *testing.T, words []string) plan {
	r := Restart{}
	strategy := slices.Index(strategyNames, words[0])
	var whens []When
	for i := 1; i < len(words); i++ {
		if when := slices.Index(whenNames, words[i]); when >= 0 {
			whens = append(whens, When(when))
			continue
		}
		key, value := words[i], words[i+1]
		i++
		if key == "max" {
			fmt.Sscan(value, &r.Max)
			continue
		}
		d, err := time.ParseDuration(value)
		if err != nil {
			t.Fatal(err)
		}
		switch key {
		case "within":
			r.Within = d
		case "backoff":
			r.Backoff = d
		case "backoff-max":
			r.BackoffMax = d
		default:
			t.Fatalf("%q is not part of a plan", key)
		}
	}
	return r.plan(Strategy(strategy), whens...)
}

func eventOf(t *testing.T, words []string) restartEvent {
	switch words[0] {
	case "begin":
		return restartEvent{kind: begin}
	case "tick":
		return restartEvent{kind: tick}
	case "stop":
		return restartEvent{kind: stopAsked}
	}
	var ev restartEvent
	var what string
	if n, _ := fmt.Sscanf(strings.Join(words, " "), "child %d %s", &ev.child, &what); n != 2 {
		t.Fatalf("%q is no event", words)
	}
	switch what {
	case "ends":
		ev.kind = childExited
	case "fails":
		ev.kind, ev.failed = childExited, true
	case "is":
		ev.kind = childLate
	default:
		t.Fatalf("%q is no event", words)
	}
	if _, chance, ok := strings.Cut(strings.Join(words, " "), "chance "); ok {
		fmt.Sscan(chance, &ev.chance)
	}
	return ev
}

// Every state of the type, reachable or not, takes every event without a panic,
// and speaks only of children that there are.
func TestTheRestartMachineIsTotal(t *testing.T) {
	events := []restartEvent{{kind: begin}, {kind: tick}, {kind: stopAsked}}
	for child := range 2 {
		events = append(events, restartEvent{kind: childExited, child: child}, restartEvent{kind: childExited, child: child, failed: true}, restartEvent{kind: childLate, child: child})
	}
	states := 0
	families(2, func(f *family) {
		for code := range 5 * 5 * 2 * 2 * 5 {
			for _, ev := range events {
				m := newRestartMachine(f.plan)
				n := code
				for i := range m.children {
					m.children[i].phase = childPhase(n % 5)
					m.children[i].again = n/5%2 == 1
					n /= 10
				}
				m.ending = ending(n % 5)
				if ev.child >= len(m.children) {
					continue
				}
				for _, e := range m.Step(familyNow, ev, nil) {
					if e.child < 0 || e.child >= len(m.children) {
						t.Fatalf("%v: %v leads to %v", f, ev, e)
					}
					_ = e.String()
				}
				m.Deadline()
				states++
			}
		}
	})
	if states < 100_000 {
		t.Errorf("only %d states and events", states)
	}
}

func TestAPauseDoublesUpToItsLimitLessARandomPart(t *testing.T) {
	m := newRestartMachine(Restart{Backoff: time.Second, BackoffMax: 10 * time.Second}.plan(OneForOne, Always))
	for failures, want := range []time.Duration{1, 2, 4, 8, 10, 10, 10} {
		want *= time.Second
		if got := m.pause(failures, 0); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
		if got := m.pause(failures, 0.999999); got > want || got < want*3/4 {
			t.Errorf("after %d failures, with jitter: %v", failures, got)
		}
	}
	huge := newRestartMachine(Restart{Backoff: 1 << 60, BackoffMax: 1<<63 - 1}.plan(OneForOne, Always))
	if got := huge.pause(1000, 0); got != 1<<63-1 {
		t.Errorf("a huge pause overflows to %v", got)
	}
	if got := newRestartMachine(Restart{}.plan(OneForOne, Always)).pause(9, 0.5); got != 0 {
		t.Errorf("without backoff the pause is %v", got)
	}
}

const (
	restartTable     = "../docs/machines-restart.md"
	restartTableHead = `# The restart machine

This file is printed by ` + "`go test ./actor -run TestTheDocumentedRestartTable -update`" + ` from the
machine in actor/restart_machine.go; the test fails when it is out of date. It shows what the
supervisor of some children decides: what an end of a child, or of its patience, leads to.
The rows are found by walking through everything that can happen.

The children are restarted after a failure, with a pause, and the budget allows one restart
in its period. A child is *needed* (down, to be started when its pause is over), *running*,
*to go down* (running, to be stopped in its turn, because of a sibling), *stopping*, *over*
(for good) or *lost* (it did not stop in time). "·" means that nothing happens. The last word
is *all done*, *give up* (the budget is used up) or *give up, stuck*.
`
)

func TestTheDocumentedRestartTableIsWhatTheMachineDoes(t *testing.T) {
	var doc strings.Builder
	doc.WriteString(restartTableHead)
	for _, section := range []struct {
		title    string
		strategy Strategy
		children int
	}{
		{"One child alone", OneForOne, 1},
		{"Two children, one for one", OneForOne, 2},
		{"Two children, rest for one", RestForOne, 2},
		{"Two children, one for all", OneForAll, 2},
	} {
		f := &family{step: (*restartMachine).Step, plan: plan{
			strategy: section.strategy, whens: slices.Repeat([]When{OnFailure}, section.children), max: 1,
			within: worldWithin * time.Second, backoff: worldBackoff * time.Second, backoffMax: worldBackoffMax * time.Second,
		}}
		fmt.Fprintf(&doc, "\n## %s\n", section.title)
		f.table(&doc)
	}
	golden.Document(t, restartTable, doc.String())
}

// table prints what happens in each kind of world, in the order in which they are
// reached.
func (f *family) table(doc *strings.Builder) {
	var rows []string
	cells := map[string]map[string][]string{} // by row and action
	actions := map[string][]string{}          // by row, in order
	explore.Model[familyWorld]{
		Start: f.start(),
		Check: func(familyWorld) error { return nil },
		Next: func(w familyWorld, visit func(string, familyWorld)) {
			row := f.label(w)
			if cells[row] == nil {
				rows = append(rows, row)
				cells[row] = map[string][]string{}
			}
			step := f.step
			var did []string
			f.step = func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
				did = nil
				do = step(m, now, ev, do)
				for _, e := range do {
					did = append(did, e.String())
				}
				return do
			}
			f.next(w, func(action string, after familyWorld) {
				if action == "tick, too early" || strings.Contains(action, "period passes") {
					visit(action, after)
					return
				}
				cell := strings.Join(append(did, "→ "+f.label(after)), ", ")
				if len(did) == 0 && f.label(after) == row {
					cell = "·"
				}
				if cells[row][action] == nil {
					actions[row] = append(actions[row], action)
				}
				if !slices.Contains(cells[row][action], cell) {
					cells[row][action] = append(cells[row][action], cell)
				}
				visit(action, after)
			})
			f.step = step
		},
	}.Explore()
	for _, row := range rows {
		if len(actions[row]) == 0 {
			continue
		}
		fmt.Fprintf(doc, "\n**%s**\n\n| event | effects, next state |\n|---|---|\n", row)
		for _, action := range actions[row] {
			fmt.Fprintf(doc, "| %s | %s |\n", action, strings.Join(slices.Sorted(slices.Values(cells[row][action])), "; or "))
		}
	}
}

var phaseNames = map[childPhase]string{childNeeded: "needed", childRunning: "running", childStopping: "stopping", childOver: "over", childLost: "lost"}

// label names the kind of world that the table shows.
func (f *family) label(w familyWorld) string {
	var parts []string
	for _, c := range w.machine[:f.size()] {
		name := phaseNames[c.phase]
		if c.phase == childRunning && c.again {
			name = "to go down"
		}
		parts = append(parts, name)
	}
	label := strings.Join(parts, ", ")
	ends := map[ending]string{endStop: "told to stop", endGiveUp: "giving up", endStuck: "giving up, stuck", ended: "ended"}
	if end, ok := ends[w.ending]; ok {
		return label + " · " + end
	}
	if w.history.len() >= f.plan.max {
		label += " · no restart left"
	}
	return label
}

func TestTheNamesOfStatesAreComplete(t *testing.T) {
	if n := len(slices.Collect(maps.Keys(phaseNames))); n != int(childLost)+1 {
		t.Errorf("%d names for the phases of a child", n)
	}
}
