package negotiate

import (
	"testing"

	"github.com/troupe-p2p/troupe/actor/golden"
)

const tableFile = "../docs/machines-multistream.md"

const tableHead = `# The machines of multistream-select

This file is printed by ` + "`go test ./negotiate -run TestTheDocumentedTables -update`" + ` from the
machines in negotiate/offer_machine.go and negotiate/answer_machine.go; the test fails when
it is out of date. A row is a class of states, found by walking through every state that a
machine can reach. "·" means that nothing happens and the state stays. A dialogue is decided
by the first of *agreed*, *refused* and *failed*, which is each machine's last effect.
`

func TestTheDocumentedTablesAreWhatTheMachinesDo(t *testing.T) {
	offers, answers := walkOffers(t), walkAnswers(t)
	got := tableHead +
		"\n## The dialing side: Offer\n" + offers.markdown() +
		"\n## The listening side: Answer\n" + answers.markdown()
	golden.Document(t, tableFile, got)
}

// The walk itself is the totality test: it steps every reachable state with an
// event of every class, and a state or event that is not thought of panics.
func TestEveryStateTakesEveryEvent(t *testing.T) {
	for name, tab := range map[string]table{"offer": walkOffers(t), "answer": walkAnswers(t)} {
		if len(tab.cells) != len(tab.rows)*len(tab.columns) {
			t.Errorf("%s: %d cells for %d states and %d events", name, len(tab.cells), len(tab.rows), len(tab.columns))
		}
	}
	if o, a := walkOffers(t), walkAnswers(t); len(o.rows) != 14 || len(a.rows) != 7 {
		t.Errorf("the walk met %d and %d classes of states, want 14 and 7:\n%q\n%q", len(o.rows), len(a.rows), o.rows, a.rows)
	}
}

func TestAnEndedMachineDoesNothing(t *testing.T) {
	for name, tab := range map[string]table{"offer": walkOffers(t), "answer": walkAnswers(t)} {
		for _, row := range tab.rows {
			if endRank(row) == 0 {
				continue
			}
			for _, column := range tab.columns {
				if got := tab.cells[[2]string{row, column}]; got != "·" {
					t.Errorf("%s, %s: the event %q does %q", name, row, column, got)
				}
			}
		}
	}
}
