package yamux

import (
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
)

// A faulty machine is a sound one with a fault planted into it.
type faulty = muxertest.Faulty[*Machine]

// without swallows effects of one kind.
func without(kind muxer.EffectKind) func(*faulty, muxer.Event, []muxer.Effect, int) []muxer.Effect {
	return muxertest.Without[*Machine](kind)
}

// deaf swallows events of one kind.
func deaf(kind muxer.EventKind) func(*faulty, *muxer.Event) {
	return muxertest.Deaf[*Machine](kind, muxer.NewStreamID(0, true))
}

// onStreams changes the records of a machine before each event.
func onStreams(change func(f *faulty, s *stream)) func(*faulty, *muxer.Event) {
	return func(f *faulty, _ *muxer.Event) {
		for _, s := range f.Of.streams {
			change(f, s)
		}
	}
}

// plants are faults that somebody might make, or has made.
var plants = []struct {
	name  string
	end   int
	opens int
	make  faulty
	less  func(muxertest.Op) bool // operations that are left out, so that long traces are within reach
}{
	// go<->rust connections once dropped because the ends counted windows
	// differently (rust-yamux, issue 90).
	{name: "more is granted than the window is counted by", end: 1, opens: 1, make: faulty{Head: func(e *muxer.Effect) {
		if e.Op == opOf(typeWindowUpdate, 0) {
			e.Code++
		}
	}}},
	{name: "less is granted than was read", end: 1, opens: 1, make: faulty{Head: func(e *muxer.Effect) {
		if e.Op == opOf(typeWindowUpdate, 0) {
			e.Code = 0
		}
	}}},
	{name: "the window is not heeded", end: 0, opens: 1, make: faulty{Before: onStreams(func(_ *faulty, s *stream) { s.credit++ })}},
	{name: "what the remote grants is forgotten", end: 0, opens: 1, make: faulty{Before: onStreams(func(_ *faulty, s *stream) { s.credit = min(s.credit, 1) }),
		After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
			if e.Kind == muxer.Room {
				f.Memory++
			}
			if f.Memory > 1 {
				for _, s := range f.Of.streams {
					s.credit = 0
					f.Of.line(s)
				}
			}
			return do
		}}},
	{name: "what was received counts twice", end: 1, opens: 1, make: faulty{After: func(f *faulty, _ muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		for _, e := range do[n:] {
			if s := f.Of.streams[e.Stream]; e.Kind == muxer.Deliver && s != nil {
				s.allowed -= int64(e.Data.Len())
			}
		}
		return do
	}}},
	{name: "a stream without credit is busy", end: 0, opens: 1, make: faulty{Pends: func(pending bool) bool { return pending }, After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		for _, s := range f.Of.streams {
			if s.waiting > 0 && s.credit == 0 && s.announced {
				f.Of.ready.Join(&s.ready)
			}
		}
		return do
	}}},
	{name: "a stream is answered twice", end: 1, opens: 1, make: faulty{Before: onStreams(func(f *faulty, s *stream) {
		if s.acked && f.Memory == 0 {
			f.Memory, s.announced = 1, false
		}
	})}},
	{name: "a place in the backlog is never given back", end: 0, opens: 2, make: faulty{Before: func(f *faulty, e *muxer.Event) {
		if e.Kind == muxer.Received {
			f.Of.unacked = max(f.Of.unacked, 1) + 1
		}
	}}},
	{name: "a ping is answered with another value", end: 1, opens: 1, make: faulty{Head: func(e *muxer.Effect) {
		if e.Op == opOf(typePing, flagACK) {
			e.Op, e.Code = opOf(typeGoAway, 0), 1
		}
	}}},
	{name: "the other end's numbers are used", end: 1, opens: 1, make: faulty{Before: func(f *faulty, e *muxer.Event) {
		if e.Kind == muxer.Open {
			f.Of.nextID = 1
		}
	}}},
	{name: "streams are opened after the remote went away", end: 0, opens: 1, make: faulty{Before: func(f *faulty, e *muxer.Event) {
		if e.Kind == muxer.Open {
			f.Of.leaving = false
		}
	}}},
	{name: "the end of a stream leaves before its bytes", end: 0, opens: 1, make: faulty{Before: func(_ *faulty, e *muxer.Event) {
		if e.Kind == muxer.CloseWrite {
			e.N = 0
		}
	}}},
	{name: "a frame for an unknown stream is a violation", end: 1, opens: 1, make: faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if f.Of.stats.Unknown > 0 && f.Of.err == nil {
			return f.Of.fail("no unknown streams", 0, 0, do)
		}
		return do
	}}},
	{name: "a stream is never forgotten", end: 1, opens: 1, make: faulty{After: without(muxer.Forget)}},
	{name: "the end of a stream is not told", end: 1, opens: 1, make: faulty{After: without(muxer.EOF)}},
	{name: "bytes are not delivered", end: 1, opens: 1, make: faulty{After: without(muxer.Deliver)}},
	{name: "a reset is not told", end: 1, opens: 1, make: faulty{After: without(muxer.PeerReset)}},
	{name: "drained is not told", end: 1, opens: 1, make: faulty{After: without(muxer.Drained)}},
	{name: "a refusal is not sent", end: 1, opens: 2, make: faulty{Before: func(f *faulty, e *muxer.Event) {
		f.Of.refused = muxer.Queue[refusal]{}
	}}},
	{name: "drained is told too early", end: 1, opens: 1, make: faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if e.Kind == muxer.GoAway && !f.Of.drained {
			f.Of.drained = true
			return append(do, muxer.Effect{Kind: muxer.Drained})
		}
		return do
	}}},
	{name: "the end overtakes the bytes", end: 1, opens: 1, make: faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		slices.SortStableFunc(do[n:], func(a, b muxer.Effect) int {
			if a.Kind == muxer.EOF && b.Kind == muxer.Deliver {
				return -1
			}
			return 0
		})
		return do
	}}},
	{name: "the user's reset is lost", end: 1, opens: 1, make: faulty{Before: deaf(muxer.Reset)}},
	{name: "the user's close is lost", end: 1, opens: 1, make: faulty{Before: deaf(muxer.CloseWrite)}},
	{name: "the user's closing of the read half is lost", end: 1, opens: 1, make: faulty{Before: deaf(muxer.CloseRead)}},
	{name: "what is read is not counted", end: 1, opens: 1, make: faulty{Before: deaf(muxer.Consumed)}},
	{name: "what waits is not counted", end: 1, opens: 1, make: faulty{Before: deaf(muxer.Ready)}},
	{name: "going away is lost", end: 1, opens: 1, make: faulty{Before: deaf(muxer.GoAway)}},
	{name: "the room is exceeded", end: 0, opens: 1, make: faulty{Before: func(_ *faulty, e *muxer.Event) {
		if e.Kind == muxer.Room {
			e.N++
		}
	}}},
	{name: "nothing ever waits to be sent", end: 0, opens: 1, make: faulty{Pends: func(bool) bool { return false }}},
	{name: "something always waits to be sent", end: 0, opens: 1, make: faulty{Pends: func(bool) bool { return true }}},
	{name: "the deadline stays after its tick", end: 1, opens: 1, make: faulty{Before: deaf(muxer.Tick), Due: func(time.Time) time.Time { return muxertest.Start }}},
	{name: "a number is used twice", end: 0, opens: 2, make: faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		f.Of.nextID = 1
		return do
	}}},
	{name: "a stream is never announced", end: 0, opens: 1, make: faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if e.Kind == muxer.Open && do[n].Kind == muxer.Opened {
			s := f.Of.streams[do[n].Stream]
			s.announced = true
			f.Of.owing.Leave(&s.owes)
		}
		return do
	}}},
	{name: "the rest of a frame goes to whoever has the record now", end: 1, opens: 1, make: faulty{
		Before: func(f *faulty, e *muxer.Event) { f.Memory = len(f.Of.spare) },
		After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
			if len(f.Of.spare) > f.Memory && f.Of.rest > 0 && e.Kind == muxer.Room {
				f.Of.target = f.Of.spare[len(f.Of.spare)-1]
			}
			f.Memory = 0
			return do
		}}, less: func(op muxertest.Op) bool {
		moves := op.Kind == muxertest.Room || op.Kind == muxertest.Carry
		return op.Kind == muxertest.Pass || op.End == 1 && !moves && op.Kind != muxertest.Reset
	}},
}

func TestTheExplorerFindsEveryPlantedFault(t *testing.T) {
	for _, plant := range plants {
		var with [2]func(*Machine) muxer.Machine
		with[plant.end] = func(m *Machine) muxer.Machine {
			f := plant.make
			f.Of = m
			return &f
		}
		world := smallWorld{opens: plant.opens, plant: with}
		found := muxertest.Explore(world.start, key, moves(plant.opens, plant.less), 8)
		if found.Err == nil {
			t.Errorf("%s: not found in %d worlds", plant.name, found.States)
			continue
		}
		t.Logf("%s: %d worlds, %v: %v", plant.name, found.States, found.Trace, found.Err)
	}
}
