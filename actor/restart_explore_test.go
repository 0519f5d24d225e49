package actor

import (
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/explore"
)

// families calls visit with every plan of at most n children.
func families(n int, visit func(*family)) {
	var all func(whens []When)
	all = func(whens []When) {
		if len(whens) > 0 {
			for _, strategy := range []Strategy{OneForOne, RestForOne, OneForAll} {
				for _, limit := range []int{-1, 1, 2} {
					for _, backoff := range []time.Duration{0, worldBackoff * time.Second} {
						visit(&family{
							plan: plan{
								strategy: strategy, whens: append([]When(nil), whens...), max: limit,
								within: worldWithin * time.Second, backoff: backoff, backoffMax: worldBackoffMax * time.Second,
							},
							step: (*restartMachine).Step,
						})
					}
				}
			}
		}
		if len(whens) < n {
			for _, when := range []When{Never, OnFailure, Always} {
				all(append(whens[:len(whens):len(whens)], when))
			}
		}
	}
	all(nil)
}

func (f *family) explore() explore.Result {
	return explore.Model[familyWorld]{Start: f.start(), Next: f.next, Check: f.check}.Explore()
}

func TestTheRestartMachineKeepsItsPromisesWhateverItsChildrenDo(t *testing.T) {
	children := most
	if raceDetector {
		children = 2
	}
	plans, worlds, steps := 0, 0, 0
	families(children, func(f *family) {
		result := f.explore()
		if result.Err != nil {
			t.Fatalf("%v:\n%v", f, result)
		}
		plans++
		worlds += result.Worlds
		steps += result.Steps
	})
	t.Logf("%d plans, %d worlds, %d steps", plans, worlds, steps)
}

// A bug makes a wrong step of a right one.
type bug func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect

// without drops the effects for which drop says so.
func without(drop func(m *restartMachine, e restartEffect) bool) bug {
	return func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
		return slices.DeleteFunc(m.Step(now, ev, do), func(e restartEffect) bool { return drop(m, e) })
	}
}

// hearing changes the events that reach the machine.
func hearing(change func(m *restartMachine, ev *restartEvent)) bug {
	return func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
		change(m, &ev)
		return m.Step(now, ev, do)
	}
}

// plantedBugs are mistakes that the explorer must find, each with the family in
// which it shows and the last line of its shortest trace.
var plantedBugs = map[string]struct {
	plan plan
	bug  bug
	want string
}{
	"a stop is forgotten": {
		plan: plan{strategy: OneForAll, whens: []When{Always, Always}},
		bug:  without(func(_ *restartMachine, e restartEffect) bool { return e.kind == stopChild }),
		want: "a child has to go down, and nothing more will happen",
	},
	"the stops of the end are forgotten": {
		plan: plan{whens: []When{Always}},
		bug:  without(func(m *restartMachine, e restartEffect) bool { return e.kind == stopChild && m.ending != endNot }),
		want: "it has to end, and nothing more will happen",
	},
	"a child is started twice": {
		plan: plan{whens: []When{Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			do = m.Step(now, ev, do)
			if ev.kind == childExited && len(do) > 0 && do[0].kind == startChild {
				do = append(do, do[0])
			}
			return do
		},
		want: "start 0: it lives, or another one does",
	},
	"a dependent is forgotten": {
		plan: plan{strategy: RestForOne, whens: []When{Always, Always, Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			m.exited(now, ev)
			m.children[len(m.children)-1].again = false
			return m.settle(now, do)
		},
		want: "stop 1: another one has to go first",
	},
	"a dependent in its pause is forgotten": {
		plan: plan{strategy: OneForAll, whens: []When{Always, OnFailure}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			if ev.kind == childExited && m.children[ev.child].phase == childStopping && !ev.failed {
				m.children[ev.child].again = false // as if its end had been its own
			}
			return m.Step(now, ev, do)
		},
		want: "a child has to be started, and nothing more will happen",
	},
	"children are started in reverse order": {
		plan: plan{strategy: OneForAll, whens: []When{Always, Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			do = m.Step(now, ev, do)
			slices.Reverse(do)
			return do
		},
		want: "start 1: another one has to go first",
	},
	"the first child is stopped first": {
		plan: plan{whens: []When{Always, Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			do = m.Step(now, ev, do)
			if len(do) == 1 && do[0].kind == stopChild && m.children[0].phase == childRunning {
				m.children[0].phase, m.children[do[0].child].phase = childStopping, childRunning
				do[0].child = 0
			}
			return do
		},
		want: "stop 0: another one has to go first",
	},
	"two children are stopped at a time": {
		plan: plan{whens: []When{Always, Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			do = m.Step(now, ev, do)
			if ev.kind == stopAsked && m.children[0].phase == childRunning {
				m.children[0].phase = childStopping
				do = append(do, restartEffect{stopChild, 0})
			}
			return do
		},
		want: "stop 0: another one is just being stopped",
	},
	"an innocent sibling is stopped": {
		plan: plan{whens: []When{Always, Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			m.plan.strategy = OneForAll
			defer func() { m.plan.strategy = OneForOne }()
			return m.Step(now, ev, do)
		},
		want: "stop 1: it may go on",
	},
	"giving up is swallowed": {
		plan: plan{whens: []When{Always}},
		bug:  without(func(_ *restartMachine, e restartEffect) bool { return e.kind == giveUp }),
		want: "it has to end, and nothing more will happen",
	},
	"the last word is swallowed": {
		plan: plan{whens: []When{Never}},
		bug:  without(func(_ *restartMachine, e restartEffect) bool { return e.kind == allDone }),
		want: "nobody is left, and it does not say so",
	},
	"the last word is said twice": {
		plan: plan{whens: []When{Never}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			if do = m.Step(now, ev, do); len(do) > 0 && do[0].kind == allDone {
				do = append(do, do[0])
			}
			return do
		},
		want: "all done: it has said its last word",
	},
	"a request to stop is not heard": {
		plan: plan{whens: []When{Always}},
		bug: hearing(func(_ *restartMachine, ev *restartEvent) {
			if ev.kind == stopAsked {
				ev.kind = tick
			}
		}),
		want: "it has to end, and nothing more will happen",
	},
	"a request to stop comes too late to the pause": {
		plan: plan{whens: []When{Always}, backoff: worldBackoff * time.Second},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			if ev.kind == stopAsked && m.children[0].phase == childNeeded {
				return do
			}
			return m.Step(now, ev, do)
		},
		want: "it has to end, and nothing more will happen",
	},
	"a late child is waited for": {
		plan: plan{whens: []When{Always}},
		bug: hearing(func(_ *restartMachine, ev *restartEvent) {
			if ev.kind == childLate {
				ev.kind = tick
			}
		}),
		want: "it has to end, and nothing more will happen",
	},
	"a failure is taken for an end": {
		plan: plan{whens: []When{OnFailure}},
		bug:  hearing(func(_ *restartMachine, ev *restartEvent) { ev.failed = false }),
		want: "all done: there is no need",
	},
	"an end is taken for a failure": {
		plan: plan{whens: []When{OnFailure}},
		bug:  hearing(func(_ *restartMachine, ev *restartEvent) { ev.failed = true }),
		want: "start 0: it is over for good",
	},
	"a temporary child is restarted with its siblings": {
		plan: plan{strategy: OneForAll, whens: []When{Always, Never}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			if ev.kind == childExited && m.children[ev.child].phase == childStopping {
				m.plan.whens = []When{Always, Always}
				defer func() { m.plan.whens = []When{Always, Never} }()
			}
			return m.Step(now, ev, do)
		},
		want: "start 1: it is over for good",
	},
	"the pause is forgotten": {
		plan: plan{whens: []When{Always}, backoff: worldBackoff * time.Second},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			m.plan.backoff = 0
			defer func() { m.plan.backoff = worldBackoff * time.Second }()
			return m.Step(now, ev, do)
		},
		want: "start 0: its pause is not over",
	},
	"one restart too many is allowed": {
		plan: plan{whens: []When{Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			m.plan.max++
			defer func() { m.plan.max-- }()
			return m.Step(now, ev, do)
		},
		want: "start 0: everything has to go down",
	},
	"one restart too few is allowed": {
		plan: plan{whens: []When{Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			m.plan.max--
			defer func() { m.plan.max++ }()
			return m.Step(now, ev, do)
		},
		want: "give up: there is no need",
	},
	"the period is forgotten": {
		plan: plan{whens: []When{Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			m.history = nil
			return m.Step(now, ev, do)
		},
		want: "start 0: everything has to go down",
	},
	"a failure during a round counts for nothing": {
		plan: plan{strategy: RestForOne, whens: []When{Always, Always, Always}},
		bug: func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect {
			for i := range m.children {
				if ev.kind == childExited && i > ev.child && m.children[i].phase == childStopping {
					m.children[ev.child].again = true
				}
			}
			return m.Step(now, ev, do)
		},
		want: "start 0: everything has to go down",
	},
}

func TestTheExplorerFindsPlantedBugs(t *testing.T) {
	for name, c := range plantedBugs {
		t.Run(name, func(t *testing.T) {
			p := c.plan
			p.within, p.backoffMax = worldWithin*time.Second, worldBackoffMax*time.Second
			p.max = 1
			if c.want == "" {
				t.Fatal("no fault is expected")
			}
			right := &family{plan: p, step: (*restartMachine).Step}
			if result := right.explore(); result.Err != nil {
				t.Fatalf("without the bug: %v", result)
			}
			wrong := &family{plan: p, step: c.bug}
			if result := wrong.explore(); result.Err == nil || result.Err.Error() != c.want {
				t.Errorf("got:\n%v\nwant the fault: %s", result, c.want)
			} else {
				t.Logf("\n%v", result)
			}
		})
	}
}
