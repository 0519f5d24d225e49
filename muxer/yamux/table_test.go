package yamux

import (
	"fmt"
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
const tableFile = "../../docs/machines-yamux.md"

// A tableRow is one state of a stream and how to get there. In the events, S is
// the stream, W a window update on it with the flags and length that follow, D a
// body on it with its flags and size.
type tableRow struct {
	state, events string
}

// begun brings a stream into the state open, whichever end opens it.
const begun = "begin; "

var tableRows = []tableRow{
	{"gone", ""},
	{"waiting", "machine backlog=0; open"},
	{"waiting, closing", "machine backlog=0; open; close-write S 5"},
	{"waiting, reads no more", "machine backlog=0; open; close-read S"},
	{"waiting, closing, reads no more", "machine backlog=0; open; close-write S 5; close-read S"},
	{"opening", "open"},
	{"opening, closing", "open; close-write S 5"},
	{"opening, reads no more", "open; close-read S"},
	{"opening, closing, reads no more", "open; close-write S 5; close-read S"},
	{"open", begun},
	{"open, no credit", begun + "ready S 11; room 1000"},
	{"open, granting", begun + "D 0 4; consumed S 4"},
	{"open, reads no more", begun + "close-read S"},
	{"open, no credit, granting", begun + "ready S 11; room 1000; D 0 4; consumed S 4"},
	{"open, no credit, reads no more", begun + "ready S 11; room 1000; close-read S"},
	{"closing", begun + "close-write S 5"},
	{"closing, no credit", begun + "close-write S 11; room 1000"},
	{"closing, granting", begun + "D 0 4; consumed S 4; close-write S 5"},
	{"closing, reads no more", begun + "close-write S 5; close-read S"},
	{"closing, no credit, granting", begun + "ready S 11; room 1000; D 0 4; consumed S 4; close-write S 3"},
	{"closing, no credit, reads no more", begun + "close-write S 11; room 1000; close-read S"},
	{"half-closed local", begun + "close-write S 0; room 100"},
	{"half-closed local, granting", begun + "close-write S 0; room 100; D 0 4; consumed S 4"},
	{"half-closed local, reads no more", begun + "close-write S 0; room 100; close-read S"},
	{"half-closed remote", begun + "W 4 0"},
	{"half-closed remote, no credit", begun + "ready S 11; room 1000; W 4 0"},
	{"closing after remote", begun + "W 4 0; close-write S 5"},
	{"closing after remote, no credit", begun + "W 4 0; close-write S 11; room 1000"},
	{"resetting", begun + "reset S 0"},
}

// tableColumns are the events that each state meets, in three tables.
var tableColumns = []muxertest.Columns{
	{Title: "What the remote sends", Intro: "Data and WindowUpdate may have the same flags; FIN and RST are shown on one of them.", Events: [][2]string{
		{"SYN", "W 1 0"}, {"ACK", "W 2 0"}, {"Data within the window", "D 0 2"}, {"Data beyond it", "D 0 9"}, {"Data with FIN", "D 4 2"},
		{"WindowUpdate", "W 0 5"}, {"too much credit", "W 0 4294967295"}, {"FIN", "W 4 0"}, {"RST", "W 8 7"},
	}},
	{Title: "What the user does", Events: [][2]string{
		{"Ready, 5 wait", "ready S 5"}, {"CloseWrite, none wait", "close-write S 0"}, {"CloseWrite, 5 wait", "close-write S 5"},
		{"CloseRead", "close-read S"}, {"Consumed, half of the window", "D 0 4; consumed S 4"}, {"Reset", "reset S 0"},
	}},
	{Title: "What the engine does", Intro: "Room is large. Tick comes after 30 s of silence, whatever the streams do: a ping is owed.", Events: [][2]string{
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
	if s.waiting > 0 && s.credit == 0 {
		first, rest, more := strings.Cut(name, ", ")
		if name = first + ", no credit"; more {
			name += ", " + rest
		}
	}
	if s.granting {
		name += ", granting"
	}
	if !s.announced {
		word := "waiting"
		if s.admitted {
			word = "opening"
		}
		name = strings.Replace(word+", "+name, word+", open", word, 1)
	}
	return name
}

// A player steps the events of the table on a machine.
type player struct {
	*Machine
	t   *testing.T
	id  muxer.StreamID
	now time.Time
}

// play steps the events of a text and returns the effects of all.
func (p *player) play(text string) (do []muxer.Effect) {
	p.t.Helper()
	for event := range strings.SplitSeq(text, ";") {
		words := strings.Fields(event)
		if len(words) == 0 || words[0] == "machine" {
			continue
		}
		var flags, n uint32
		if words[0] == "W" || words[0] == "D" {
			if _, err := fmt.Sscan(strings.Join(words[1:], " "), &flags, &n); err != nil {
				p.t.Fatal(err)
			}
		}
		switch words[0] {
		case "W":
			do = p.Step(p.now, received(heads(control(typeWindowUpdate, uint8(flags), p.id, n))), do)
			continue
		case "D":
			head := muxer.Effect{Op: opOf(typeData, uint8(flags)), Stream: p.id, N: int(n)}
			do = p.Step(p.now, received(append(heads(head), letters(int(n))...)), do)
			continue
		}
		for i, w := range words {
			if w == "S" {
				words[i] = p.id.String()
			}
		}
		e, err := lines.ParseEvent(strings.Join(words, " "))
		if err != nil {
			p.t.Fatal(err)
		}
		do = p.Step(p.now, e, do)
	}
	return do
}

// A cell is what one event does in one state.
func cell(t *testing.T, row tableRow, event string, here bool) string {
	t.Helper()
	p := player{t: t, id: muxer.NewStreamID(2, false), now: muxertest.Start}
	begin := "W 1 0; room 100"
	if here {
		p.id, begin = muxer.NewStreamID(1, true), "open; room 100; W 2 0"
	}
	p.Machine = small(New(negotiate.Dialer, muxer.Limits{}, Options{}), 8, 8)
	if strings.HasPrefix(row.events, "machine backlog=0") {
		p.backlog = 0
	}
	p.life.rtt, p.life.measured = 1, p.now // so that no state owes a ping
	p.play("tick; " + strings.Replace(row.events, "begin", begin, 1))
	if row.state != stateOf(p.Machine, p.id) {
		t.Fatalf("the events of state %q lead to %q", row.state, stateOf(p.Machine, p.id))
	}
	p.now = p.now.Add(30 * time.Second)
	if event != "tick" {
		p.life.measured = p.now
	}
	before, waiting, asking := p.Stats(), p.ready.Len(), p.life.asking
	var parts []string
	for _, e := range p.play(event) {
		parts = append(parts, tableWord(p.Machine, e))
	}
	if p.ready.Len() > waiting {
		parts = append(parts, "joins the ring")
	}
	if p.life.asking != asking {
		parts = append(parts, "owes a ping")
	}
	if len(parts) == 0 {
		switch after := p.Stats(); {
		case after.Unknown > before.Unknown:
			parts = append(parts, "drained (unknown)")
		case after.AfterClose > before.AfterClose:
			parts = append(parts, "drained (after close)")
		case after.Dropped > before.Dropped:
			parts = append(parts, "drained")
		}
	}
	text := strings.Join(parts, ", ")
	after := stateOf(p.Machine, p.id)
	if !slices.ContainsFunc(tableRows, func(r tableRow) bool { return r.state == after }) && p.Err() == nil {
		t.Errorf("%s in state %q leads to state %q, which is not in the table", event, row.state, after)
	}
	if after != row.state && p.Err() == nil {
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
		return "Send " + FrameName(e.Op)
	case muxer.PeerReset:
		return fmt.Sprintf("PeerReset (%d)", e.Code)
	case muxer.Fatal:
		return "**Fatal**"
	}
	words := map[muxer.EffectKind]string{
		muxer.Accept: "Accept", muxer.Deliver: "Deliver", muxer.EOF: "EOF", muxer.Forget: "Forget", muxer.Drained: "Drained",
	}
	return words[e.Kind]
}

// tableHead is the document before its tables.
const tableHead = `# The states of a yamux stream

Printed by a test of package muxer/yamux from what the machine does; do not edit,
run ` + "`go test ./muxer/yamux -update`" + ` instead. The words are those of package muxer.

A row is a state, a column an event. A cell names the effects in their order and
the next state when it is another one; "-" means that nothing happens. *Waiting*
states are of a stream that waits for one of the 256 places of streams without an
answer; *opening* ones have a SYN to send, *closing* ones a FIN behind the bytes that
wait, *granting* ones a WindowUpdate. *No credit* means that bytes wait for the
remote's window. *Joins the ring* means that the stream has bytes to send when its
turn comes. After **Fatal** the machine sends a go-away and nothing else. Windows are
of 8 bytes here. Waiting and opening streams are of this end; all others are shown as
opened by the remote, and those of this end differ in nothing but the SYN.
`

// table prints the whole document.
func table(t *testing.T, here bool) string {
	states := make([]string, len(tableRows))
	for n, row := range tableRows {
		states[n] = row.state
	}
	return muxertest.Tables(tableHead, states, tableColumns, func(n int, event string) string {
		row := tableRows[n]
		return cell(t, row, event, here || unannounced(row))
	})
}

// unannounced reports whether a row is of a stream that only this end can have.
func unannounced(row tableRow) bool {
	return strings.HasPrefix(row.state, "opening") || strings.HasPrefix(row.state, "waiting")
}

func TestThePublishedTableIsWhatTheMachineDoes(t *testing.T) {
	golden.Document(t, tableFile, table(t, false))
}

// Whoever opened the stream: apart from the SYN nothing differs.
func TestStreamsOfBothEndsHaveTheSameTable(t *testing.T) {
	for _, row := range tableRows {
		for _, group := range tableColumns {
			for _, c := range group.Events {
				if c[0] == "SYN" || unannounced(row) {
					continue
				}
				if ours, theirs := cell(t, row, c[1], true), cell(t, row, c[1], false); ours != theirs {
					t.Errorf("%s, %s: opened here %q, by the remote %q", row.state, c[0], ours, theirs)
				}
			}
		}
	}
}
