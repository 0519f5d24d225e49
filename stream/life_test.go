package stream

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor/golden"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var start = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

var lifeEventNames = []string{
	lifeAgreed: "agreed", lifeFailed: "failed", lifeCloseWrite: "close write", lifeCloseRead: "close read",
	lifeReset: "reset", lifeRemoteClosed: "remote closed", lifeRemoteReset: "remote reset", lifeGone: "gone",
	lifeHandlerOver: "handler", lifeTick: "tick", lifeStop: "stop",
}

var outcomeNames = []string{outcomeDone: "done", outcomeRefused: "refused", outcomeFailed: "failed", outcomeInterrupted: "interrupted"}

func (e lifeEffect) String() string {
	switch e.kind {
	case lifeStartHandler:
		return "start the handler"
	case lifeDoCloseWrite:
		return "close write"
	case lifeDoCloseRead:
		return "close read"
	case lifeDoReset:
		return fmt.Sprintf("reset %#x", e.code)
	case lifeCutHandler:
		return "tell the handler to end"
	case lifeEnd:
		return "end"
	}
	return "?"
}

func (ev lifeEvent) String() string {
	name := lifeEventNames[ev.kind]
	switch ev.kind {
	case lifeHandlerOver:
		name += " " + outcomeNames[ev.outcome]
	}
	return name
}

// allEvents is every input a life machine can get.
func allEvents() []lifeEvent {
	var all []lifeEvent
	for kind := range lifeEventNames {
		switch k := lifeEventKind(kind); k {
		case lifeHandlerOver:
			for o := range outcomeNames {
				all = append(all, lifeEvent{kind: k, outcome: outcome(o), code: 7})
			}
		case lifeFailed:
			all = append(all, lifeEvent{kind: k, code: CodeNegotiationFailed})
		case lifeReset:
			all = append(all, lifeEvent{kind: k, code: 9})
		default:
			all = append(all, lifeEvent{kind: k})
		}
	}
	return all
}

// possible says whether the actor can have this input now: the runtime reports
// the end of a handler only while one runs, and the negotiation ends once.
func possible(m lifeMachine, ev lifeEvent) bool {
	switch ev.kind {
	case lifeHandlerOver:
		return m.handler
	case lifeAgreed, lifeFailed:
		return m.phase == phaseNegotiating
	case lifeTick:
		return !m.deadline.IsZero()
	}
	return true
}

func TestTheLifeOfAStreamFollowsItsGoldenTraces(t *testing.T) {
	golden.Run(t, "testdata/*.txt", func(t *testing.T) golden.Step {
		m := &lifeMachine{linger: 5 * time.Second}
		now := start
		return func(t *testing.T, line string) []string {
			switch line {
			case "inbound":
				m.inbound = true
				return nil
			case "tick":
				now = m.deadline
			}
			for _, ev := range allEvents() {
				if ev.String() != line {
					continue
				}
				var out []string
				for _, e := range m.Step(now, ev, nil) {
					out = append(out, e.String())
				}
				if !m.deadline.IsZero() {
					out = append(out, fmt.Sprint("deadline in ", m.deadline.Sub(now)))
				}
				return out
			}
			t.Fatalf("no such event: %q", line)
			return nil
		}
	})
}

// explore visits every state that the machine can reach and calls visit for each
// state and possible event, with the effects.
func explore(inbound bool, visit func(path []string, before, after lifeMachine, ev lifeEvent, do []lifeEffect)) {
	type entry struct {
		m    lifeMachine
		path []string
	}
	first := lifeMachine{inbound: inbound, linger: time.Second}
	seen := map[lifeMachine]bool{first: true}
	for queue := []entry{{m: first}}; len(queue) > 0; queue = queue[1:] {
		for _, ev := range allEvents() {
			now := start
			if ev.kind == lifeTick {
				now = queue[0].m.deadline
			}
			if !possible(queue[0].m, ev) {
				continue
			}
			m := queue[0].m
			do := m.Step(now, ev, nil)
			path := append(append([]string(nil), queue[0].path...), ev.String())
			visit(path, queue[0].m, m, ev, do)
			if !seen[m] {
				seen[m] = true
				queue = append(queue, entry{m, path})
			}
		}
	}
}

func count(do []lifeEffect, kind lifeEffectKind) int {
	n := 0
	for _, e := range do {
		if e.kind == kind {
			n++
		}
	}
	return n
}

// lifeFault checks one step and returns what is wrong with it.
func lifeFault(before, after lifeMachine, ev lifeEvent, do []lifeEffect) string {
	ended := count(do, lifeEnd)
	switch {
	case before.phase == phaseDone && len(do) > 0:
		return "an effect after the end"
	case ended > 0 && after.handler:
		return "ended while the handler runs"
	case ended == 1 && do[len(do)-1].kind != lifeEnd:
		return "an effect after the end in one step"
	case ended > 0 != (after.phase == phaseDone && before.phase != phaseDone):
		return "the end is not said exactly when it comes"
	case count(do, lifeDoCloseWrite) > 0 && before.writeClosed:
		return "the writing half is closed twice"
	case count(do, lifeDoReset) > 0 && before.phase >= phaseOver:
		return "reset after the end on the wire"
	case count(do, lifeStartHandler) > 0 && (before.handler || !before.inbound):
		return "a handler is started that should not be"
	case after.phase == phaseOver && !after.handler:
		return "parked for ever: nothing is left, and the end was not said"
	case after.phase == phaseOpen && after.writeClosed && after.readClosed && !after.remoteClosed && !after.handler && after.deadline.IsZero():
		return "parked for ever: closed here, and no deadline for the remote"
	case ev.kind == lifeStop && after.phase < phaseOver:
		return "told to stop and still open"
	case before.handler && before.phase < phaseOver && after.phase == phaseOver && after.handler && !(after.writeClosed && after.remoteClosed) && count(do, lifeCutHandler) != 1:
		return "the stream is over and its handler was not told"
	}
	return ""
}

func TestNoReachableStateOfAStreamBreaksARule(t *testing.T) {
	for _, inbound := range []bool{false, true} {
		states := 0
		explore(inbound, func(path []string, before, after lifeMachine, ev lifeEvent, do []lifeEffect) {
			states++
			if fault := lifeFault(before, after, ev, do); fault != "" {
				t.Errorf("%s: %s", strings.Join(path, ", "), fault)
			}
		})
		if states < 50 {
			t.Errorf("only %d steps were explored", states)
		}
	}
}

func TestTheExplorerFindsPlantedBugs(t *testing.T) {
	plants := map[string]func(before lifeMachine, after *lifeMachine, ev lifeEvent, do []lifeEffect) []lifeEffect{
		"forget to tell the handler": func(_ lifeMachine, _ *lifeMachine, _ lifeEvent, do []lifeEffect) []lifeEffect {
			var kept []lifeEffect
			for _, e := range do {
				if e.kind != lifeCutHandler {
					kept = append(kept, e)
				}
			}
			return kept
		},
		"no deadline for the remote": func(_ lifeMachine, after *lifeMachine, _ lifeEvent, do []lifeEffect) []lifeEffect {
			after.deadline = time.Time{}
			return do
		},
		"close twice": func(before lifeMachine, _ *lifeMachine, ev lifeEvent, do []lifeEffect) []lifeEffect {
			if ev.kind == lifeCloseWrite && before.phase < phaseOver {
				return append([]lifeEffect{{kind: lifeDoCloseWrite}}, do...)
			}
			return do
		},
		"never say the end": func(_ lifeMachine, _ *lifeMachine, _ lifeEvent, do []lifeEffect) []lifeEffect {
			if count(do, lifeEnd) > 0 {
				return do[:len(do)-1]
			}
			return do
		},
	}
	for name, plant := range plants {
		t.Run(name, func(t *testing.T) {
			found := false
			explore(true, func(_ []string, before, after lifeMachine, ev lifeEvent, do []lifeEffect) {
				do = plant(before, &after, ev, do)
				found = found || lifeFault(before, after, ev, do) != ""
			})
			if !found {
				t.Error("the explorer did not find it")
			}
		})
	}
}

func TestTheTableOfTheLifeMachineInTheDocsIsTrue(t *testing.T) {
	var b strings.Builder
	b.WriteString("# The life of a stream\n\nPrinted by the tests of package stream from `life_machine.go`; rewritten with\n`go test ./stream -update`. A state names the phase, which halves are closed, and\nwhether the handler runs; events that change nothing are left out.\n")
	for _, inbound := range []bool{true, false} {
		title := "Opened here (dialer): the holder is whoever opened it"
		if inbound {
			title = "Opened by the remote (listener): a handler serves it"
		}
		fmt.Fprintf(&b, "\n## %s\n\n| state | event | effects | next state |\n|---|---|---|---|\n", title)
		explore(inbound, func(_ []string, before, after lifeMachine, ev lifeEvent, do []lifeEffect) {
			if len(do) == 0 && before == after {
				return
			}
			var effects []string
			for _, e := range do {
				effects = append(effects, e.String())
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", stateName(before), ev, strings.Join(effects, ", "), stateName(after))
		})
	}
	golden.Document(t, "../docs/machines-stream.md", b.String())
}

func stateName(m lifeMachine) string {
	name := []string{phaseNegotiating: "negotiating", phaseOpen: "open", phaseOver: "over", phaseDone: "done"}[m.phase]
	if m.phase == phaseDone {
		return name
	}
	for _, part := range []struct {
		on   bool
		text string
	}{
		{m.writeClosed, "write closed"}, {m.readClosed, "read closed"}, {m.remoteClosed, "remote closed"},
		{m.handler, "handler runs"}, {!m.deadline.IsZero(), "lingering"},
	} {
		if part.on {
			name += ", " + part.text
		}
	}
	return name
}
