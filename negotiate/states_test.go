package negotiate

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// A row is a class of machine states, a column a class of events, and a cell
// what the machine does there. Rows and cells are found by walking through
// every state that a machine can reach, so that none can be forgotten.
type table struct {
	rows    []string
	columns []string
	cells   map[[2]string]string
}

// known are the protocols that the walked-through machines speak of.
var known = []Protocol{"/a", "/b", "/c"}

// offers are the machines that the walk begins with.
func offers(t testing.TB) []Offer {
	var all []Offer
	for n := 1; n <= len(known); n++ {
		all = append(all, mustOffer(t, known[:n]...))
	}
	lazy, err := NewLazyOffer(known[0])
	if err != nil {
		t.Fatal(err)
	}
	return append(all, lazy)
}

func mustOffer(t testing.TB, want ...Protocol) Offer {
	t.Helper()
	o, err := NewOffer(want...)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// offerRow names the class of an offer's state.
func offerRow(o Offer) string {
	heard := []string{"", ", header heard", ", header heard twice"}[o.headers]
	switch o.phase {
	case offerFresh:
		if o.lazy {
			return "fresh, lazy" + heard
		}
		return "fresh" + heard
	case offerAwaitHeader:
		return "await header"
	case offerAwaitAnswer:
		if o.next+1 == o.count {
			return "await answer to the last" + heard
		}
		return "await answer, more to offer" + heard
	}
	return offerPhaseName(o.phase)
}

func offerPhaseName(p offerPhase) string {
	return []string{"fresh", "await header", "await answer", "agreed", "refused", "failed"}[p]
}

// offerColumns are the classes of events of an offer.
var offerColumns = []string{"begin", "header", "the proposal", "na", "another line", "gone"}

// offerEvent returns the event of a class, for an offer in this state.
func offerEvent(o Offer, column string) Event {
	switch column {
	case "begin":
		return Event{Kind: Begin}
	case "header":
		return Event{Kind: Line, Text: Header}
	case "the proposal":
		return Event{Kind: Line, Text: o.proposal()}
	case "na":
		return Event{Kind: Line, Text: NotAvailable}
	case "another line":
		return Event{Kind: Line, Text: "/other"}
	}
	return Event{Kind: Gone}
}

// offerColumn names the class of an event, for an offer in this state.
func offerColumn(o Offer, ev Event) string {
	for _, column := range offerColumns {
		if offerEvent(o, column) == ev {
			return column
		}
	}
	return "another line"
}

// offerCell says what an offer does with an event, without the names.
func offerCell(o Offer, ev Event) (string, Offer) {
	after := o
	do := after.Step(ev, nil)
	for i := range do {
		switch {
		case do[i].Text == o.proposal():
			do[i].Text = "<the proposal>"
		case do[i].Text == after.proposal():
			do[i].Text = "<the next proposal>"
		case do[i].Text == "/other":
			do[i].Text = "<the line>"
		}
	}
	return cell(do, offerPhaseName(o.phase), offerPhaseName(after.phase)), after
}

// answerRow names the class of an answer's state.
func answerRow(a Answer) string {
	if a.phase != answerAwaitProposal {
		return answerPhaseName(a.phase)
	}
	row := "await proposal"
	if a.headers > 1 {
		row += ", header heard twice"
	}
	if a.attempts == MaxProposals {
		row += fmt.Sprintf(", %d answered", MaxProposals)
	}
	return row
}

func answerPhaseName(p answerPhase) string {
	return []string{"await header", "await proposal", "agreed", "failed"}[p]
}

// answerEvents are one event of each class of events of an answer.
var answerEvents = []struct {
	column string
	event  Event
}{
	{"begin", Event{Kind: Begin}},
	{"header", Event{Kind: Line, Text: Header}},
	{"a supported name", Event{Kind: Line, Text: "/a", Supported: true}},
	{"an unknown name", Event{Kind: Line, Text: "/other"}},
	{"simultaneous-connect", Event{Kind: Line, Text: SimultaneousConnect}},
	{"na", Event{Kind: Line, Text: NotAvailable}},
	{"ls", Event{Kind: Line, Text: List}},
	{"gone", Event{Kind: Gone}},
}

// answerColumn names the class of an event of an answer.
func answerColumn(ev Event) string {
	for _, c := range answerEvents {
		if c.event.Kind == ev.Kind && c.event.Text == ev.Text {
			return c.column
		}
	}
	if ev.Supported {
		return "a supported name"
	}
	return "an unknown name"
}

// answerCell says what an answer does with an event, without the names.
func answerCell(a Answer, ev Event) (string, Answer) {
	after := a
	do := after.Step(ev, nil)
	for i := range do {
		switch do[i].Text {
		case "/a":
			do[i].Text = "<the name>"
		case "/other":
			do[i].Text = "<the line>"
		}
	}
	return cell(do, answerPhaseName(a.phase), answerPhaseName(after.phase)), after
}

func cell(do []Effect, before, after string) string {
	var parts []string
	for _, f := range do {
		parts = append(parts, strings.ReplaceAll(f.String(), "\"", ""))
	}
	if before != after {
		parts = append(parts, "→ "+after)
	}
	if len(parts) == 0 {
		return "·"
	}
	return strings.Join(parts, ", ")
}

// walkOffers fills the table of the dialing side from every reachable state.
func walkOffers(t testing.TB) table {
	tab := table{columns: offerColumns, cells: map[[2]string]string{}}
	seen := map[Offer]bool{}
	queue := offers(t)
	for len(queue) > 0 {
		o := queue[0]
		queue = queue[1:]
		if seen[o] {
			continue
		}
		seen[o] = true
		for _, column := range tab.columns {
			text, after := offerCell(o, offerEvent(o, column))
			tab.put(t, offerRow(o), column, text)
			queue = append(queue, after)
		}
	}
	return tab
}

// walkAnswers fills the table of the listening side from every reachable state.
func walkAnswers(t testing.TB) table {
	tab := table{cells: map[[2]string]string{}}
	for _, c := range answerEvents {
		tab.columns = append(tab.columns, c.column)
	}
	seen := map[Answer]bool{}
	queue := []Answer{{}}
	for len(queue) > 0 {
		a := queue[0]
		queue = queue[1:]
		if seen[a] {
			continue
		}
		seen[a] = true
		for _, c := range answerEvents {
			text, after := answerCell(a, c.event)
			tab.put(t, answerRow(a), c.column, text)
			queue = append(queue, after)
		}
	}
	return tab
}

// put fills a cell. Two states of one row must do the same.
func (tab *table) put(t testing.TB, row, column, text string) {
	t.Helper()
	if !slices.Contains(tab.rows, row) {
		tab.rows = append(tab.rows, row)
	}
	key := [2]string{row, column}
	if old, ok := tab.cells[key]; ok && old != text {
		t.Fatalf("in state %q the event %q does %q or %q: the row hides a difference", row, column, old, text)
	}
	tab.cells[key] = text
}

// markdown prints the rows in the order in which the walk met them, ends last.
func (tab *table) markdown() string {
	rows := slices.Clone(tab.rows)
	slices.SortStableFunc(rows, func(a, b string) int { return endRank(a) - endRank(b) })
	var out strings.Builder
	for _, row := range rows {
		fmt.Fprintf(&out, "\n**%s**\n\n| event | effects, next state |\n|---|---|\n", row)
		for _, column := range tab.columns {
			fmt.Fprintf(&out, "| %s | %s |\n", column, strings.NewReplacer("|", "\\|", "<", "‹", ">", "›").Replace(tab.cells[[2]string{row, column}]))
		}
	}
	return out.String()
}

// endRank sorts the states that a machine ends in behind the others.
func endRank(row string) int {
	return 1 + slices.Index([]string{"agreed", "refused", "failed"}, row)
}
