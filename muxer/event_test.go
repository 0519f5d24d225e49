package muxer

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBothEndsMayUseTheSameNumber(t *testing.T) {
	for _, wire := range []uint64{0, 1, 17, 1<<60 - 1, 1<<63 - 1} {
		for _, opened := range []bool{true, false} {
			id := NewStreamID(wire, opened)
			if id.Wire() != wire || id.Opened() != opened {
				t.Errorf("%d opened here %v came back as %d, %v", wire, opened, id.Wire(), id.Opened())
			}
		}
	}
	if NewStreamID(7, true).String() != "7" || NewStreamID(7, false).String() != "<7" {
		t.Error("the two ends' streams print wrongly")
	}
}

func TestTheZeroLimitsAreTheDocumentedDefaults(t *testing.T) {
	want := Limits{Inbound: 256, Outbound: 1024, StreamBuffer: 1 << 20, WindowBudget: 32 << 20, SlowReader: 5e9, Frame: 64 << 10}
	if diff := cmp.Diff(want, Limits{}.WithDefaults()); diff != "" {
		t.Error(diff)
	}
	own := Limits{Inbound: 1, Outbound: 2, StreamBuffer: 3, SlowReader: 4, Frame: 5, WindowBudget: 6}
	if diff := cmp.Diff(own, own.WithDefaults()); diff != "" {
		t.Error(diff)
	}
}
