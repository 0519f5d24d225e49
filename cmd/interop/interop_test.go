package main

import (
	"context"
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// TestMain is also the program: the matrix starts copies of the test binary as
// its peers.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "peer" {
		os.Exit(program(context.Background(), startForTests, os.Args))
	}
	goleak.VerifyTestMain(m)
}

// talkInCells runs every check in every cell, each as a test of its own.
func talkInCells(t *testing.T, securities, muxers, pairs []string) {
	cells, err := cellsOf(securities, muxers, pairs)
	if err != nil {
		t.Fatal(err)
	}
	for _, cell := range cells {
		t.Run(cell.String(), func(t *testing.T) {
			s := matrix{limits: usualLimits(), known: knownLimits()}.open(cell)
			defer s.close()
			passed := func(t *testing.T, r Result) {
				if r.Status != Passed && r.Status != Cannot {
					t.Fatalf("%s: %s", r.Status, r.Reason)
				}
			}
			for _, c := range talk.Checks() {
				t.Run(c.Label(), func(t *testing.T) { passed(t, s.check(t.Context(), c)) })
			}
			t.Run(cleanEnd, func(t *testing.T) { passed(t, s.finish()) })
		})
	}
}

// What fails here fails in the harness or in go-libp2p, not in Troupe.
func TestGoLibp2pTalksToItself(t *testing.T) {
	talkInCells(t, usualSecurities(), usualMuxers(), []string{"go:go"})
}

func TestTroupeAndGoLibp2pTalk(t *testing.T) {
	talkInCells(t, usualSecurities(), usualMuxers(), usualPairs())
}

// The other side then being Troupe as well, this shows that what fails above is
// not the harness's way of driving a Troupe host.
func TestTroupeTalksToItself(t *testing.T) {
	talkInCells(t, usualSecurities(), usualMuxers(), []string{"troupe:troupe"})
}
