package identify

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// model is one machine and a model of the peer that it learns about. Everything
// that may happen next is a move; a path is a list of moves.
type model struct {
	rules
	m   *machine
	now time.Time

	state   int // of the peer: what it says of itself
	said    int // the newest state that it has pushed, or began with
	changes int // that it may still make

	question bool       // on its way to the peer
	answer   *Info      // on its way back
	pushes   []*Info    // on their way, in the order they were sent
	coming   *Info      // the one that the machine decides about
	reading  []admitted // being read
	known    negotiate.Protocol
}

type admitted struct {
	ticket uint64
	said   *Info
}

// rules are what kind of world it is.
type rules struct {
	numbered bool // the peer numbers its records
	tokens   int  // pushes that are taken at once
	// bug changes the machine before it takes an event, in a test of the test.
	bug func(m *machine, ev *event)
}

func newModel(r rules) *model {
	w := &model{rules: r, m: newMachine(), now: time.Unix(0, 0), changes: 2}
	w.step(event{kind: connUp, conn: 1, peer: "peer"})
	w.m.peers["peer"].tokens = r.tokens
	return w
}

func (w *model) step(ev event) {
	if w.bug != nil {
		w.bug(w.m, &ev)
	}
	for _, f := range w.m.Step(w.now, ev, nil) {
		switch f.kind {
		case ask:
			w.question = true
		case learn:
			w.known = f.info.Protocols[0]
		case admit:
			w.reading = append(w.reading, admitted{f.ticket, w.coming})
		}
	}
}

// says is what the peer says in its present state.
func (w *model) says() *Info {
	i := &Info{Peer: "peer", Protocols: []negotiate.Protocol{w.name(), PushID}}
	if w.numbered {
		i.Record, i.Seq = new(peer.SignedRecord), uint64(w.state+1)
	}
	return i
}

func (w *model) name() negotiate.Protocol {
	return negotiate.Protocol(fmt.Sprintf("/state/%d", w.state))
}

// moves are all that can happen next, by name; none: the world has come to rest.
func (w *model) moves() []string {
	var all []string
	if w.changes > 0 {
		all = append(all, "the peer changes")
	}
	if w.said < w.state {
		all = append(all, "it sends a push")
	}
	if w.question {
		all = append(all, "it answers")
	}
	if w.answer != nil {
		all = append(all, "the answer is read")
	}
	for i := range w.pushes {
		if i == 0 || w.numbered { // streams may overtake each other
			all = append(all, fmt.Sprintf("push %d comes", i))
		}
	}
	for i := range w.reading {
		all = append(all, fmt.Sprintf("push %d is read", i))
	}
	if len(w.m.stale) > 0 {
		all = append(all, "time passes")
	}
	return all
}

func (w *model) move(name string) {
	switch name {
	case "the peer changes":
		w.changes--
		w.state++
	case "it sends a push":
		w.said = w.state
		w.pushes = append(w.pushes, w.says())
	case "it answers":
		w.question, w.answer = false, w.says()
	case "the answer is read":
		said := w.answer
		w.answer = nil
		w.step(event{kind: asked, conn: 1, info: said})
	case "time passes":
		w.now = w.now.Add(pushEvery)
		w.step(event{kind: tick})
	default:
		var i int
		var what string
		fmt.Sscanf(name, "push %d %s", &i, &what)
		if what == "comes" {
			w.coming = w.pushes[i]
			w.pushes = slices.Delete(w.pushes, i, i+1)
			w.step(event{kind: pushCame, conn: 1})
			return
		}
		a := w.reading[i]
		w.reading = slices.Delete(w.reading, i, i+1)
		w.step(event{kind: pushRead, conn: 1, ticket: a.ticket, info: a.said})
	}
}

// explore walks every path to its end and returns those whose end is wrong.
func explore(t *testing.T, r rules, most int) (wrong [][]string, paths int) {
	t.Helper()
	var walk func(path []string)
	walk = func(path []string) {
		if len(path) > 30 {
			t.Fatalf("no rest after %d moves: %v", len(path), path)
		}
		w := newModel(r)
		for _, name := range path {
			w.move(name)
		}
		next := w.moves()
		if len(next) == 0 {
			paths++
			if w.known != w.name() && len(wrong) < most {
				wrong = append(wrong, slices.Clone(path))
			}
		}
		for _, name := range next {
			walk(append(path[:len(path):len(path)], name))
		}
	}
	walk(nil)
	return wrong, paths
}

func TestWhateverTheOrderThePeersLastWordsAreKnownInTheEnd(t *testing.T) {
	for _, numbered := range []bool{false, true} {
		for _, tokens := range []int{0, 1, 5} {
			wrong, paths := explore(t, rules{numbered: numbered, tokens: tokens}, 1)
			if paths < 100 {
				t.Errorf("only %d paths", paths)
			}
			t.Logf("numbered %v, %d tokens: %d paths", numbered, tokens, paths)
			for _, path := range wrong {
				t.Errorf("numbered %v, %d tokens: the wrong words are known after %q", numbered, tokens, path)
			}
		}
	}
}

func TestTheExplorerFindsPlantedBugs(t *testing.T) {
	for name, bug := range map[string]func(m *machine, ev *event){
		"an answer always wins": func(m *machine, ev *event) {
			if ev.kind == asked {
				m.conns[1].askTicket = 1 << 30
			}
		},
		"the push that is read last wins": func(m *machine, ev *event) {
			if ev.kind == pushRead {
				m.tickets++
				ev.ticket = m.tickets
			}
		},
		"an ignored push is forgotten": func(m *machine, ev *event) {
			if ev.kind == tick {
				m.peers["peer"].conns = nil
			}
		},
		"a push ignored during a question is forgotten": func(m *machine, ev *event) {
			if ev.kind == asked {
				m.conns[1].again = false
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, tokens := range []int{0, 5} {
				if wrong, _ := explore(t, rules{tokens: tokens, bug: bug}, 1); len(wrong) > 0 {
					t.Logf("found: %q", wrong[0])
					return
				}
			}
			t.Error("not found")
		})
	}
}
