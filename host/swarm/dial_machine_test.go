package swarm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
)

var began = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// dialScript runs a dial machine by text: "wanted a:local b:public6", "linked a",
// "failed a", "failed a c:local", "won a", "satisfied", "wait" (until the
// deadline), "pass 1s".
type dialScript struct {
	machine dialMachine
	now     time.Time
	names   []string
}

func (s *dialScript) id(name string) int {
	if i := slices.Index(s.names, name); i >= 0 {
		return i
	}
	s.names = append(s.names, name)
	return len(s.names) - 1
}

func (s *dialScript) targets(t *testing.T, words []string) []target {
	var out []target
	for _, word := range words {
		name, kind, _ := strings.Cut(word, ":")
		kind, six := strings.CutSuffix(kind, "6")
		reaches := []string{named: "name", local: "local", public: "public", relayed: "relayed"}
		i := slices.Index(reaches, kind)
		if i < 0 {
			t.Fatalf("unknown kind in %q", word)
		}
		out = append(out, target{id: s.id(name), reach: reach(i), six: six})
	}
	return out
}

func (s *dialScript) step(t *testing.T, line string) []string {
	words := strings.Fields(line)
	var ev dialEvent
	switch words[0] {
	case "wanted":
		ev = dialEvent{kind: dialWanted, targets: s.targets(t, words[1:])}
	case "linked":
		ev = dialEvent{kind: dialLinked, id: s.id(words[1])}
	case "failed":
		ev = dialEvent{kind: dialFailed, id: s.id(words[1]), targets: s.targets(t, words[2:])}
	case "won":
		ev = dialEvent{kind: dialWon, id: s.id(words[1])}
	case "satisfied":
		ev = dialEvent{kind: dialSatisfied}
	case "wait":
		at := s.machine.Deadline()
		if at.IsZero() {
			return []string{"no deadline"}
		}
		s.now = at
		ev = dialEvent{kind: dialTick}
	case "pass":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(d)
		return nil
	default:
		t.Fatalf("unknown event %q", line)
	}
	var out []string
	for _, e := range s.machine.Step(s.now, ev, nil) {
		at := s.now.Sub(began)
		switch e.kind {
		case dialTry:
			out = append(out, fmt.Sprintf("%v: try %s until %v", at, s.names[e.id], e.at.Sub(began)))
		case dialCancel:
			out = append(out, fmt.Sprintf("%v: cancel %s", at, s.names[e.id]))
		case dialDone:
			out = append(out, fmt.Sprintf("%v: done", at))
		case dialGiveUp:
			out = append(out, fmt.Sprintf("%v: give up", at))
		case dialLate:
			out = append(out, fmt.Sprintf("%v: late", at))
		}
	}
	return out
}

func TestTheDialMachineFollowsItsTraces(t *testing.T) {
	golden.Run(t, "testdata/dial/*.txt", func(*testing.T) golden.Step {
		s := &dialScript{now: began}
		return s.step
	})
}

// dialWorld feeds a machine with what could happen and checks what it does.
type dialWorld struct {
	machine dialMachine
	now     time.Time
	tried   map[int]time.Time // begun; the value is until when
	live    map[int]bool
	offered int
	done    bool
	trace   []string
}

func (w *dialWorld) step(t *testing.T, ev dialEvent) {
	w.trace = append(w.trace, fmt.Sprintf("%v %+v", w.now.Sub(began), ev))
	wasOver := w.done
	for _, e := range w.machine.Step(w.now, ev, nil) {
		w.trace = append(w.trace, fmt.Sprintf("  > %+v", e))
		if w.done {
			w.fail(t, "an effect after the end")
		}
		switch e.kind {
		case dialTry:
			if _, again := w.tried[e.id]; again {
				w.fail(t, "an address was tried twice")
			}
			if !e.at.After(w.now) {
				w.fail(t, "an attempt has no time")
			}
			w.tried[e.id], w.live[e.id] = e.at, true
		case dialCancel:
			if !w.live[e.id] {
				w.fail(t, "an attempt was cancelled that does not run")
			}
			delete(w.live, e.id)
		case dialDone, dialGiveUp, dialLate:
			w.done = true
			if len(w.live) > 0 {
				w.fail(t, "attempts run after the end")
			}
			if e.kind == dialGiveUp && len(w.tried) < w.offered {
				w.fail(t, "gave up before every address was tried")
			}
		}
	}
	if wasOver {
		return
	}
	if len(w.live) > maxAttempts {
		w.fail(t, "too many attempts at once")
	}
	if at := w.machine.Deadline(); !w.done && (at.IsZero() || at.Before(w.now)) {
		w.fail(t, "nothing would ever happen again, or the deadline has passed unheard")
	}
}

func (w *dialWorld) fail(t *testing.T, what string) {
	t.Fatalf("%s:\n%s", what, strings.Join(w.trace, "\n"))
}

// drive turns bytes into events until none are left, and then lets time pass
// until the end, which must come.
func driveDial(t *testing.T, data []byte) {
	w := &dialWorld{now: began, tried: map[int]time.Time{}, live: map[int]bool{}}
	more := func(n int) []target {
		var out []target
		for range n {
			kind := reach(w.offered % 4)
			out = append(out, target{id: w.offered, reach: kind, six: w.offered%3 == 0})
			w.offered++
		}
		return out
	}
	begun := false
	for _, b := range data {
		if w.done {
			break
		}
		id := int(b >> 3)
		if !begun {
			begun = true
			w.step(t, dialEvent{kind: dialWanted, targets: more(id + 1)})
			continue
		}
		live := w.live[id]
		switch b & 7 {
		case 0:
			w.step(t, dialEvent{kind: dialWanted, targets: more(id % 3)})
		case 1:
			if live {
				w.step(t, dialEvent{kind: dialLinked, id: id})
			}
		case 2, 3:
			if live {
				delete(w.live, id)
				w.step(t, dialEvent{kind: dialFailed, id: id, targets: more(int(b&7) % 2)})
			}
		case 4:
			if live && id%2 == 0 {
				delete(w.live, id)
				w.step(t, dialEvent{kind: dialWon, id: id})
			}
		case 5:
			if id == 0 {
				w.step(t, dialEvent{kind: dialSatisfied})
			}
		default:
			w.now = w.machine.Deadline()
			w.step(t, dialEvent{kind: dialTick})
		}
	}
	if !begun {
		return
	}
	for range 1000 {
		if w.done {
			if d := w.now.Sub(began); d > publicLimit+lateAfter {
				w.fail(t, "the dial took longer than it may")
			}
			return
		}
		w.now = w.machine.Deadline()
		w.step(t, dialEvent{kind: dialTick})
	}
	w.fail(t, "the dial never ends")
}

func FuzzDialMachine(f *testing.F) {
	f.Add([]byte{0xff, 0x06, 0x01, 0x04})
	f.Add([]byte{0x20, 0x02, 0x0a, 0x12, 0x1a, 0x22})
	f.Add([]byte{0x18, 0x06, 0x06, 0x09, 0x05, 0x0a})
	f.Fuzz(func(t *testing.T, data []byte) { driveDial(t, data) })
}

func TestADialKeepsItsPromisesWhateverHappens(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 3000 {
		data := make([]byte, chance.IntN(60))
		for i := range data {
			data[i] = byte(chance.Uint32())
		}
		driveDial(t, data)
	}
}
