package main

import (
	"errors"
	"testing"

	"github.com/troupe-p2p/troupe/cmd/interop/pypeer"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// The whole column is for interop run --peer py. Here is one cell of it, without
// the checks that move many bytes. Where py-libp2p cannot be installed nothing is
// shown, and the log says so.
func TestTroupeAndPyLibp2pTalk(t *testing.T) {
	if err := pypeer.Install(t.Context(), t.Output()); errors.Is(err, talk.ErrNotInstalled) {
		t.Logf("not run: %v", err)
		return
	} else if err != nil {
		t.Fatal(err)
	}
	small := []string{"identify", "ping", "echo-0B", "echo-1MiB+1", "half-close", "close-first", "reset-by-listener",
		"reset-by-dialer", "unknown-protocol", "second-choice", "wrong-peer", "back-identify", "back-ping"}
	checks, err := checksOf(small)
	if err != nil {
		t.Fatal(err)
	}
	for _, pair := range []string{"troupe:py", "py:troupe"} {
		talkInCell(t, "noise", "yamux", pair, checks)
	}
}

func talkInCell(t *testing.T, security, muxer, pair string, checks []talk.Check) {
	cells, err := cellsOf([]string{security}, []string{muxer}, []string{pair})
	if err != nil {
		t.Fatal(err)
	}
	t.Run(cells[0].String(), func(t *testing.T) {
		s := matrix{limits: usualLimits()}.open(cells[0])
		defer s.close()
		passed := func(t *testing.T, r Result) {
			if r.Status != Passed {
				t.Fatalf("%s: %s", r.Status, r.Reason)
			}
		}
		for _, c := range checks {
			t.Run(c.Label(), func(t *testing.T) { passed(t, s.check(t.Context(), c)) })
		}
		t.Run(cleanEnd, func(t *testing.T) { passed(t, s.finish()) })
	})
}
