package hostile

import (
	"errors"
	"testing"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/muxer"
)

func TestEveryCaseSaysWhatItBreaksAndWhatAGoodHostDoes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range All() {
		if seen[c.Name] {
			t.Errorf("%s: there are two of that name", c.Name)
		}
		seen[c.Name] = true
		if got, ok := Named(c.Name); !ok || got.Breaks != c.Breaks {
			t.Errorf("%s: it is not found", c.Name)
		}
		if c.Breaks == "" || c.Spec == "" || Classes()[c.Class] == "" || c.Good.Within == 0 {
			t.Errorf("%s: something is not said: %+v", c.Name, c)
		}
		if ends := c.Good.Does == EndsConnection; ends != (c.Good.Rule != "") {
			t.Errorf("%s: the host %s with the rule %q", c.Name, c.Good.Does, c.Good.Rule)
		}
	}
	if _, ok := Named("nothing"); ok {
		t.Error("a case that there is not was found")
	}
}

func TestAVerdictFindsFaultWithAHostThatDoesOtherwise(t *testing.T) {
	breach := Verdict{Does: EndsConnection, Rule: "a rule", Within: soon}
	for _, c := range []struct {
		v    Verdict
		o    Outcome
		good bool
	}{
		{breach, Outcome{Ended: true, Took: soon}, true},
		{breach, Outcome{Ended: true, Took: soon + 1}, false},
		{breach, Outcome{}, false},
		{Verdict{Does: EndsStream}, Outcome{Resets: 1}, true},
		{Verdict{Does: EndsStream}, Outcome{}, false},
		{Verdict{Does: EndsStream}, Outcome{Ended: true, Resets: 1}, false},
		{Verdict{Does: Ignores}, Outcome{}, true},
		{Verdict{Does: Ignores}, Outcome{Resets: 1}, false},
		{Verdict{Does: Ignores}, Outcome{Ended: true}, false},
		{Verdict{Does: Bounded}, Outcome{Ended: true, Resets: 1}, true},
	} {
		if err := c.v.Check(c.o); (err == nil) != c.good {
			t.Errorf("%+v of %+v: %v", c.v, c.o, err)
		}
	}
	told := &conn.CloseError{Cause: &muxer.ProtocolError{Rule: "a rule"}}
	if err := breach.Explains(told); err != nil {
		t.Error(err)
	}
	for _, err := range []error{
		errors.New("something"),
		&conn.CloseError{Cause: conn.ErrRemoteClosed},
		&conn.UpgradeError{Stage: conn.StageSecure, Cause: told},
	} {
		if breach.Explains(err) == nil {
			t.Errorf("%v was taken for the rule", err)
		}
	}
}
