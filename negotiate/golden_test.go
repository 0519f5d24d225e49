package negotiate

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/actor/golden"
)

// script reads the lines of a golden trace. "offer /a /b", "lazy /a" and
// "answer /a /b" set up a machine, with what it wants or supports; the other
// lines are events, with the text of a line quoted where it is no single word.
type script struct {
	offer    *Offer
	answer   *Answer
	supports []Protocol
	seen     map[[3]string]bool // machine, row, column: what the traces have shown
}

func (s *script) step(t *testing.T, line string) []string {
	verb, rest, _ := strings.Cut(line, " ")
	switch verb {
	case "offer", "lazy", "answer":
		s.setUp(t, verb, strings.Fields(rest))
		return nil
	}
	ev := parseEvent(t, verb, rest)
	var do []Effect
	switch {
	case s.offer != nil:
		s.seen[[3]string{"offer", offerRow(*s.offer), offerColumn(*s.offer, ev)}] = true
		do = s.offer.Step(ev, nil)
	case s.answer != nil:
		ev.Supported = ev.Kind == Line && slices.Contains(s.supports, Protocol(ev.Text))
		s.seen[[3]string{"answer", answerRow(*s.answer), answerColumn(ev)}] = true
		do = s.answer.Step(ev, nil)
	default:
		t.Fatalf("%q comes before a machine is set up", line)
	}
	var out []string
	for _, f := range do {
		out = append(out, f.String())
	}
	return out
}

func (s *script) setUp(t *testing.T, verb string, names []string) {
	var protocols []Protocol
	for _, name := range names {
		protocols = append(protocols, Protocol(name))
	}
	s.offer, s.answer, s.supports = nil, nil, nil
	switch verb {
	case "offer":
		o := mustOffer(t, protocols...)
		s.offer = &o
	case "lazy":
		o, err := NewLazyOffer(protocols[0])
		if err != nil {
			t.Fatal(err)
		}
		s.offer = &o
	case "answer":
		s.answer, s.supports = new(Answer), protocols
	}
}

func parseEvent(t *testing.T, verb, rest string) Event {
	switch verb {
	case "begin":
		return Event{Kind: Begin}
	case "gone":
		return Event{Kind: Gone}
	case "line":
		if strings.HasPrefix(rest, "\"") {
			text, err := strconv.Unquote(rest)
			if err != nil {
				t.Fatalf("line %s: %v", rest, err)
			}
			return Event{Kind: Line, Text: text}
		}
		return Event{Kind: Line, Text: rest}
	}
	t.Fatalf("unknown event %q", verb)
	return Event{}
}

func TestGoldenTracesShowEveryCellOfTheTables(t *testing.T) {
	seen := map[[3]string]bool{}
	golden.Run(t, "testdata/*.txt", func(t *testing.T) golden.Step {
		return (&script{seen: seen}).step
	})
	for machine, tab := range map[string]table{"offer": walkOffers(t), "answer": walkAnswers(t)} {
		for _, row := range tab.rows {
			for _, column := range tab.columns {
				if !seen[[3]string{machine, row, column}] {
					t.Errorf("no golden trace shows: %s in state %q, event %q", machine, row, column)
				}
			}
		}
	}
}

func TestEventsReadBackAsTheyPrint(t *testing.T) {
	for _, ev := range []Event{{Kind: Begin}, {Kind: Gone}, {Kind: Line, Text: Header}, {Kind: Line}, {Kind: Line, Text: "/a b"}, {Kind: Line, Text: "\n\xff\""}} {
		verb, rest, _ := strings.Cut(ev.String(), " ")
		if got := parseEvent(t, verb, rest); got != ev {
			t.Errorf("%s reads back as %v", ev, got)
		}
	}
}
