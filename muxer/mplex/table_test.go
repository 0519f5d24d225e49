package mplex

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// tableFile is the published table of states and events.
const tableFile = "../../docs/machines-mplex.md"

// A tableRow is one state of a stream and how to get there. In the events, S is
// the stream; m, c and r are the heads of its remote's message, close and reset.
type tableRow struct {
	state, events string
}

// begun brings a stream into the state open, whichever end opens it.
const begun = "begin; "

var tableRows = []tableRow{
	{"gone", ""},
	{"opening", "open"},
	{"opening, closing", "open; close-write S 0"},
	{"opening, reads no more", "open; close-read S"},
	{"opening, closing, reads no more", "open; close-write S 0; close-read S"},
	{"open", begun},
	{"open, slow reader", begun + "received m 05 68 65 6c 6c 6f"},
	{"open, reads no more", begun + "close-read S"},
	{"closing", begun + "close-write S 5"},
	{"closing, slow reader", begun + "received m 05 68 65 6c 6c 6f; close-write S 5"},
	{"closing, reads no more", begun + "close-write S 5; close-read S"},
	{"half-closed local", begun + "close-write S 0; room 100"},
	{"half-closed local, slow reader", begun + "received m 05 68 65 6c 6c 6f; close-write S 0; room 100"},
	{"half-closed local, reads no more", begun + "close-write S 0; room 100; close-read S"},
	{"half-closed remote", begun + "received c 00"},
	{"closing after remote", begun + "received c 00; close-write S 5"},
	{"resetting", begun + "reset S 0"},
}

// tableColumns are the events that each state meets, in three tables.
var tableColumns = []muxertest.Columns{
	{Title: "What the remote sends", Intro: "A frame whose flag points at the other end's stream of the same number is not for this one.", Events: [][2]string{
		{"NewStream", "received n 00"}, {"Message", "received m 02 68 69"}, {"Message, empty", "received m 00"},
		{"Close", "received c 00"}, {"Reset", "received r 00"},
	}},
	{Title: "What the user does", Events: [][2]string{
		{"Ready, 5 wait", "ready S 5"}, {"CloseWrite, none wait", "close-write S 0"}, {"CloseWrite, 5 wait", "close-write S 5"},
		{"CloseRead", "close-read S"}, {"Consumed", "consumed S 5"}, {"Reset", "reset S 0"},
	}},
	{Title: "What the engine does", Intro: "Room is large; Tick comes when the slow reader's time is up.", Events: [][2]string{
		{"Room", "room 1000"}, {"Tick", "tick"}, {"GoAway", "go-away 0"},
	}},
}

// stateOf names the state of a stream.
func stateOf(m *Machine, id muxer.StreamID) string {
	s := m.streams[id]
	if s == nil {
		return "gone"
	}
	if s.write == resetting {
		return "resetting"
	}
	names := map[[2]uint8]string{
		{uint8(sending), uint8(receiving)}: "open",
		{uint8(sending), uint8(dropping)}:  "open, reads no more",
		{uint8(sending), uint8(ended)}:     "half-closed remote",
		{uint8(closing), uint8(receiving)}: "closing",
		{uint8(closing), uint8(dropping)}:  "closing, reads no more",
		{uint8(closing), uint8(ended)}:     "closing after remote",
		{uint8(closed), uint8(receiving)}:  "half-closed local",
		{uint8(closed), uint8(dropping)}:   "half-closed local, reads no more",
	}
	name := names[[2]uint8{uint8(s.write), uint8(s.read)}]
	if s.late.Seated() {
		name += ", slow reader"
	}
	if !s.announced {
		name = strings.Replace("opening, "+name, "opening, open", "opening", 1)
	}
	return name
}

// A cell is what one event does in one state.
func cell(t *testing.T, row tableRow, event string, here bool) string {
	t.Helper()
	id, heads := muxer.NewStreamID(0, here), map[string]string{"n": "00", "m": "02", "c": "04", "r": "06"}
	begin := "received 00 00"
	if here {
		heads, begin = map[string]string{"n": "00", "m": "01", "c": "03", "r": "05"}, "open; room 100"
	}
	m := New(negotiate.Dialer, muxer.Limits{StreamBuffer: 4, SlowReader: time.Second}, PauseThenReset)
	now := muxertest.Start
	step := func(text string) []muxer.Effect {
		words := strings.Fields(text)
		for i, w := range words {
			if w == "S" {
				words[i] = id.String()
			} else if head, ok := heads[w]; ok {
				words[i] = head
			}
		}
		e, err := lines.ParseEvent(strings.Join(words, " "))
		if err != nil {
			t.Fatal(err)
		}
		return m.Step(now, e, nil)
	}
	for text := range strings.SplitSeq(strings.Replace(row.events, "begin", begin, 1), ";") {
		if text = strings.TrimSpace(text); text != "" {
			step(text)
		}
	}
	if got := stateOf(m, id); got != row.state {
		t.Fatalf("the events of state %q lead to %q", row.state, got)
	}
	now = now.Add(time.Second)
	before, waiting := m.Stats(), m.ready.Len()
	effects := step(event)
	var parts []string
	for _, e := range effects {
		if e.Stream != id && (e.Kind == muxer.Accept || e.Kind == muxer.Send) {
			return "for another stream"
		}
		parts = append(parts, tableWord(m, e))
	}
	if m.ready.Len() > waiting {
		parts = append(parts, "joins the ring")
	}
	if len(parts) == 0 {
		switch after := m.Stats(); {
		case after.Unknown > before.Unknown:
			parts = append(parts, "drained (unknown)")
		case after.AfterClose > before.AfterClose:
			parts = append(parts, "drained (after close)")
		case after.Dropped > before.Dropped:
			parts = append(parts, "drained")
		}
	}
	text := strings.Join(parts, ", ")
	after := stateOf(m, id)
	if !slices.ContainsFunc(tableRows, func(r tableRow) bool { return r.state == after }) {
		t.Errorf("%s in state %q leads to state %q, which is not in the table", event, row.state, after)
	}
	if after != row.state {
		text += " → *" + after + "*"
	}
	if text == "" {
		return "-"
	}
	return strings.TrimSpace(text)
}

// tableWord prints an effect for the table.
func tableWord(m *Machine, e muxer.Effect) string {
	switch e.Kind {
	case muxer.Send:
		name := strings.TrimSuffix(strings.TrimSuffix(FlagName(e.Op), "Initiator"), "Receiver")
		return "Send " + name
	case muxer.PeerReset:
		if e.Local {
			return "PeerReset (local)"
		}
		return "PeerReset"
	case muxer.Fatal:
		return "**Fatal**"
	}
	words := map[muxer.EffectKind]string{
		muxer.Accept: "Accept", muxer.Deliver: "Deliver", muxer.EOF: "EOF", muxer.Pause: "Pause",
		muxer.Resume: "Resume", muxer.Forget: "Forget", muxer.Drained: "Drained",
	}
	return words[e.Kind]
}

// tableHead is the document before its tables.
const tableHead = `# The states of an mplex stream

Printed by a test of package muxer/mplex from what the machine does; do not edit,
run ` + "`go test ./muxer/mplex -update`" + ` instead. The words are those of package muxer.

A row is a state, a column an event. A cell names the effects in their order and
the next state when it is another one; "-" means that nothing happens. *Closing*
states have a Close to send behind 5 bytes that wait, *opening* ones a NewStream.
A *slow reader* holds more than the limit, and reading is paused. *Joins the ring*
means that the stream has bytes to send when its turn comes.
`

// table prints the whole document.
func table(t *testing.T, here bool) string {
	states := make([]string, len(tableRows))
	for n, row := range tableRows {
		states[n] = row.state
	}
	return muxertest.Tables(tableHead, states, tableColumns, func(n int, event string) string {
		row := tableRows[n]
		return cell(t, row, event, here || strings.HasPrefix(row.state, "opening"))
	})
}

func TestThePublishedTableIsWhatTheMachineDoes(t *testing.T) {
	golden.Document(t, tableFile, table(t, false))
}

// Whoever opened the stream: apart from its flags and NewStream nothing differs.
func TestStreamsOfBothEndsHaveTheSameTable(t *testing.T) {
	for _, row := range tableRows {
		for _, group := range tableColumns {
			for _, c := range group.Events {
				if c[0] == "NewStream" || strings.HasPrefix(row.state, "opening") {
					continue
				}
				if ours, theirs := cell(t, row, c[1], true), cell(t, row, c[1], false); ours != theirs {
					t.Errorf("%s, %s: opened here %q, by the remote %q", row.state, c[0], ours, theirs)
				}
			}
		}
	}
}
