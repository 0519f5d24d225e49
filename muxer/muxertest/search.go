package muxertest

import (
	"slices"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// Moves are the operations that a small world is explored with. Besides those
// that move everything there are some that cut frames: Room and Carry are how
// many bytes these move.
type Moves struct {
	Streams     int // how many streams of each end are operated on
	Bytes       int // what is written and consumed at once
	Room, Carry int
	Pass        int           // milliseconds
	Without     func(Op) bool // operations to leave out
}

// Ops returns the operations.
func (m Moves) Ops() []Op {
	list := Ops(OpenAt(0), OpenAt(1))
	for end := range uint8(2) {
		list = append(list,
			Op{Kind: Room, End: end, N: 1000},
			Op{Kind: Room, End: end, N: m.Room},
			Op{Kind: Carry, End: end, N: 1000},
			Op{Kind: Carry, End: end, N: m.Carry},
			Op{Kind: GoAway, End: end},
		)
		for k := range m.Streams {
			for _, kind := range []OpKind{Write, Consume} {
				list = append(list, On(kind, end, k, m.Bytes))
			}
			for _, kind := range []OpKind{CloseWrite, CloseRead, Reset} {
				list = append(list, On(kind, end, k, 0))
			}
		}
	}
	list = append(list, Op{Kind: Pass, N: m.Pass})
	if m.Without == nil {
		return list
	}
	return slices.DeleteFunc(list, m.Without)
}

// A Search is an exploration that must find nothing.
type Search struct {
	Name  string
	World func() *World
	Key   func(*World) string
	Ops   []Op
	Depth int
	Whole bool // every reachable world is reached
	Least int  // how many worlds are at least reached, so that a search that searches nothing shows
}

// Run explores, and fails the test when it finds a fault, reaches too little, or
// loses a buffer.
func (s Search) Run(t *testing.T) {
	t.Helper()
	live := buf.Live()
	found := Explore(s.World, s.Key, s.Ops, s.Depth)
	if found.Err != nil {
		t.Errorf("%s: %v: %v", s.Name, found.Trace, found.Err)
	}
	if found.Whole != s.Whole || found.States < s.Least {
		t.Errorf("%s: %d worlds, all of them: %v", s.Name, found.States, found.Whole)
	}
	if n := buf.Live() - live; n != 0 {
		t.Errorf("%s: %d buffers are lost", s.Name, n)
	}
	t.Logf("%s: %d worlds, %d steps", s.Name, found.States, found.Steps)
}
