package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A world is two machines joined by two queues. It is comparable, so the
// explorer can remember where it has been. Lines stand in the queues with a
// newline behind each.
type world struct {
	offer  Offer
	answer Answer

	toListener, toDialer string
	held                 string // what a patient dialer does not send before the header has come

	dialer, listener end
	said             bool // the dialer's application has sent its data
}

// An end is what became of one side.
type end struct {
	verdict  EffectKind // Agreed, Refused or Failed, when done
	done     bool
	vanished bool // its process is gone; it decides nothing any more
	rule     Rule
	protocol Protocol
	assumed  Protocol
}

// A habit is how the program around a machine behaves.
type habit struct {
	eager   bool // the listener sends its header before it has read anything (go, py)
	patient bool // the dialer waits for the header before it proposes (py)
	again   bool // the dialer sends its header twice (py, after crossing headers)
	data    bool // a lazy dialer sends data that reads like a proposal
}

// A scene is what is explored: who wants and supports what, with which machines.
type scene struct {
	want     []Protocol
	supports []Protocol
	lazy     bool
	habit    habit

	offer  func(o *Offer, ev Event, do []Effect) []Effect  // (*Offer).Step, or one with a bug
	answer func(a *Answer, ev Event, do []Effect) []Effect // (*Answer).Step, or one with a bug
}

func (s scene) String() string {
	return fmt.Sprintf("want %v, supports %v, lazy %v, %+v", s.want, s.supports, s.lazy, s.habit)
}

// start is the world before anything has happened.
func (s scene) start(t testing.TB) world {
	w := world{offer: mustOffer(t, s.want...)}
	w.offer.lazy = s.lazy
	if s.habit.eager {
		w.toDialer = Header + "\n"
	}
	return w
}

// next calls visit with each world that one action leads to.
func (s scene) next(w world, visit func(action string, w world)) {
	if !w.dialer.gone() {
		if w.offer.phase == offerFresh {
			visit("dialer begins", s.toOffer(w, Event{Kind: Begin}))
		}
		if s.habit.data && w.dialer.assumed != "" && !w.said {
			after := w
			after.said = true
			after.toListener += "/b\n"
			visit("dialer sends data", after)
		}
		if line, rest, ok := strings.Cut(w.toDialer, "\n"); ok {
			after := w
			after.toDialer = rest
			visit("dialer reads "+line, s.toOffer(after, Event{Kind: Line, Text: line}))
		} else if w.listener.closed() {
			visit("dialer reads the end", s.toOffer(w, Event{Kind: Gone}))
		}
		after := w
		after.dialer.vanished = true
		visit("dialer vanishes", after)
	}
	if !w.listener.gone() {
		if line, rest, ok := strings.Cut(w.toListener, "\n"); ok {
			after := w
			after.toListener = rest
			ev := Event{Kind: Line, Text: line, Supported: slices.Contains(s.supports, Protocol(line))}
			visit("listener reads "+line, s.toAnswer(after, ev))
		} else if w.dialer.closed() {
			visit("listener reads the end", s.toAnswer(w, Event{Kind: Gone}))
		}
		after := w
		after.listener.vanished = true
		visit("listener vanishes", after)
	}
}

// gone says that a side takes no more part in the negotiation.
func (e end) gone() bool { return e.vanished || e.done }

// closed says that the other side reads an end once it has read everything.
func (e end) closed() bool { return e.vanished || e.done && e.verdict != Agreed }

func (s scene) toOffer(w world, ev Event) world {
	var writes []string
	for _, f := range s.offer(&w.offer, ev, nil) {
		switch f.Kind {
		case Write:
			writes = append(writes, f.Text)
		case Assumed:
			w.dialer.assumed = Protocol(f.Text)
		default:
			w.dialer.take(f)
		}
	}
	if s.habit.again && ev.Kind == Begin {
		writes = slices.Insert(writes, 1, Header)
	}
	for i, line := range writes {
		if s.habit.patient && ev.Kind == Begin && i > 0 && w.offer.headers == 0 {
			w.held += line + "\n"
			continue
		}
		w.toListener += line + "\n"
	}
	if w.offer.headers > 0 {
		w.toListener += w.held
		w.held = ""
	}
	return w
}

func (s scene) toAnswer(w world, ev Event) world {
	fresh := w.answer.headers == 0
	for _, f := range s.answer(&w.answer, ev, nil) {
		switch {
		case f.Kind == Write && f.Text == Header && s.habit.eager && fresh:
			// It is on its way already.
		case f.Kind == Write:
			w.toDialer += f.Text + "\n"
		default:
			w.listener.take(f)
		}
	}
	return w
}

func (e *end) take(f Effect) {
	e.done, e.verdict, e.rule = true, f.Kind, f.Rule
	if f.Kind == Agreed {
		e.protocol = Protocol(f.Text)
	}
}

func (e end) agreed() bool { return e.done && e.verdict == Agreed }

// best is what the two should agree on: the first that is wanted and supported.
func (s scene) best() Protocol {
	for _, p := range s.want {
		if slices.Contains(s.supports, p) {
			return p
		}
	}
	return ""
}

// check returns the invariant that a world breaks. last says that nothing more
// can happen in it by itself.
func (s scene) check(w world, last bool) string {
	d, l := w.dialer, w.listener
	switch {
	case d.agreed() && !l.agreed():
		return "the dialer agrees before the listener"
	case d.assumed != "" && !s.lazy:
		return "a dialer that is not lazy assumes"
	case d.agreed() && d.protocol != l.protocol:
		return "the two agree on different protocols"
	case d.agreed() && l.agreed() && w.toDialer+w.toListener != "":
		return "lines are left over after the agreement"
	case l.agreed() && !slices.Contains(s.supports, l.protocol):
		return "the listener agrees on what it does not support"
	case l.agreed() && !slices.Contains(s.want, l.protocol),
		l.agreed() && d.done && d.verdict == Refused:
		return "the listener agrees on what was not proposed"
	case d.done && d.rule != NoRule, l.done && l.rule != NoRule:
		return "an honest remote is accused"
	case d.done && d.verdict == Refused && s.best() != "":
		return "a common protocol is refused"
	case l.agreed() && l.protocol != s.best():
		return "the dialer's preference is not kept"
	}
	vanished := d.vanished || l.vanished
	switch {
	case !last:
		return ""
	case !d.gone() || !l.gone():
		return "somebody waits for ever"
	case !vanished && s.best() != "" && !(d.agreed() && l.agreed()):
		return "a common protocol is not agreed on"
	case !vanished && s.best() == "" && !(d.verdict == Refused && l.verdict == Failed):
		return "two without a common protocol do not part"
	}
	return ""
}

// A finding is a broken invariant with the shortest way to it.
type finding struct {
	broken string
	trace  []string
}

func (f finding) String() string { return f.broken + ":\n\t" + strings.Join(f.trace, "\n\t") }

// explore visits every world that a scene can lead to, breadth first. It
// returns the shortest finding, if there is one, and the number of worlds.
// A world is the last one when only vanishing, or nothing, can change it.
func explore(t testing.TB, s scene) (*finding, int) {
	type step struct {
		from   world
		action string
	}
	begin := s.start(t)
	came := map[world]step{begin: {}}
	for queue := []world{begin}; len(queue) > 0; queue = queue[1:] {
		w := queue[0]
		last := true
		s.next(w, func(action string, after world) {
			last = last && (after == w || strings.HasSuffix(action, "vanishes"))
			if _, seen := came[after]; !seen {
				came[after] = step{from: w, action: action}
				queue = append(queue, after)
			}
		})
		if broken := s.check(w, last); broken != "" {
			f := &finding{broken: broken}
			for at := w; at != begin; at = came[at].from {
				f.trace = append(f.trace, came[at].action)
			}
			slices.Reverse(f.trace)
			return f, len(came)
		}
	}
	return nil, len(came)
}

// scenes are all ways to want one to three of three protocols in some order and
// to support none to three of them, lazily or not, with the given habits.
func scenes(habits ...habit) []scene {
	var all []scene
	for _, want := range orders(known) {
		for set := range 1 << len(known) {
			var supports []Protocol
			for i, p := range known {
				if set&(1<<i) != 0 {
					supports = append(supports, p)
				}
			}
			for _, h := range habits {
				s := scene{want: want, supports: supports, habit: h, offer: (*Offer).Step, answer: (*Answer).Step}
				all = append(all, s)
				if len(want) == 1 {
					s.lazy = true
					all = append(all, s)
				}
			}
		}
	}
	return all
}

// orders returns every non-empty selection of set in every order.
func orders(set []Protocol) [][]Protocol {
	var all [][]Protocol
	for i, p := range set {
		rest := slices.Delete(slices.Clone(set), i, i+1)
		all = append(all, []Protocol{p})
		for _, tail := range orders(rest) {
			all = append(all, append([]Protocol{p}, tail...))
		}
	}
	return all
}

// honest are the habits of the implementations that are in use.
var honest = []habit{
	{},
	{eager: true},
	{patient: true},
	{eager: true, patient: true},
	{again: true},
	{eager: true, again: true},
	{patient: true, again: true},
}

func TestTwoHonestMachinesAlwaysComeToTerms(t *testing.T) {
	worlds, count := 0, 0
	for _, s := range scenes(honest...) {
		f, n := explore(t, s)
		worlds += n
		count++
		if f != nil {
			t.Fatalf("%v:\n%v", s, f)
		}
	}
	t.Logf("%d scenes, %d worlds", count, worlds)
	if count != (15+3)*8*len(honest) {
		t.Errorf("%d scenes were explored, want %d", count, (15+3)*8*len(honest))
	}
}

// A lazy dialer's data may be taken for a proposal when its real proposal was
// refused (multiformats/go-multistream#20). Nothing on the dialer's side can
// prevent it; what matters is that the dialer learns of the refusal, so that it
// resets the stream instead of using it.
func TestLazyDataAfterARefusalIsTakenForAProposal(t *testing.T) {
	s := scene{want: []Protocol{"/a"}, supports: []Protocol{"/b"}, lazy: true, habit: habit{data: true},
		offer: (*Offer).Step, answer: (*Answer).Step}
	f, _ := explore(t, s)
	if f == nil || f.broken != "the listener agrees on what was not proposed" {
		t.Fatalf("found %v; the known danger of lazy offers was not met", f)
	}
	seen := map[world]bool{}
	var walk func(w world)
	walk = func(w world) {
		if seen[w] {
			return
		}
		seen[w] = true
		if w.dialer.agreed() {
			t.Fatalf("the dialer agreed on %s, the listener on %q", w.dialer.protocol, w.listener.protocol)
		}
		s.next(w, func(_ string, after world) { walk(after) })
	}
	walk(s.start(t))
}
