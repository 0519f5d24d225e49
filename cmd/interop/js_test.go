package main

import (
	"errors"
	"os"
	"slices"
	"testing"

	"github.com/troupe-p2p/troupe/cmd/interop/jspeer"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// offline is the environment variable that lets the tests pass without npm's
// registry, when it is "1".
const offline = "TROUPE_INTEROP_OFFLINE"

// The whole column is for interop run --peer js. Here is one cell of it, without
// the check that moves the most bytes.
func TestTroupeAndJsLibp2pTalk(t *testing.T) {
	switch err := jspeer.Install(t.Context(), t.Output()); {
	case errors.Is(err, talk.ErrNotInstalled) && os.Getenv(offline) == "1":
		t.Logf("not run: %v", err)
		return
	case errors.Is(err, talk.ErrNotInstalled):
		t.Fatalf("%v\nto test without js-libp2p, set %s=1", err, offline)
	case err != nil:
		t.Fatal(err)
	}
	checks := slices.DeleteFunc(talk.Checks(), func(c talk.Check) bool { return c.Size > 1<<21 })
	for _, pair := range []string{"troupe:js", "js:troupe"} {
		cells, err := cellsOf([]string{"noise"}, []string{"yamux"}, []string{pair})
		if err != nil {
			t.Fatal(err)
		}
		t.Run(cells[0].String(), func(t *testing.T) {
			s := matrix{limits: usualLimits(), known: knownLimits()}.open(cells[0])
			defer s.close()
			for _, c := range checks {
				t.Run(c.Label(), func(t *testing.T) { mustPass(t, s.check(t.Context(), c)) })
			}
			t.Run(cleanEnd, func(t *testing.T) { mustPass(t, s.finish()) })
		})
	}
}

// mustPass fails the test unless the check has passed, or its failure is a known
// limit of the other implementation.
func mustPass(t *testing.T, r Result) {
	t.Helper()
	if r.Status != Passed && r.Status != Cannot {
		t.Fatalf("%s: %s", r.Status, r.Reason)
	}
}
