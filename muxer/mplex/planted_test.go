package mplex

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
	return muxertest.Deaf[*Machine](kind, muxer.NewStreamID(MaxID, true))
}

// plants are faults that somebody might make, or has made.
var plants = []struct {
	name  string
	end   int
	opens int
	make  faulty
}{
	// go-mplex once did not tell the two directions apart (go-mplex, pull request 10).
	{"the flags of the wrong direction are sent", 1, 1, faulty{Head: func(e *muxer.Effect) {
		if e.Op == flagMessageReceiver || e.Op == flagCloseReceiver || e.Op == flagResetReceiver {
			e.Op++
		}
	}}},
	{"a frame for an unknown stream is a violation", 1, 1, faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if f.Of.stats.Unknown > 0 && f.Of.err == nil {
			return f.Of.fail("no unknown streams", 0, 0, do)
		}
		return do
	}}},
	{"a stream is never forgotten", 1, 1, faulty{After: without(muxer.Forget)}},
	{"the end of a stream is not told", 1, 1, faulty{After: without(muxer.EOF)}},
	{"bytes are not delivered", 1, 1, faulty{After: without(muxer.Deliver)}},
	{"a reset is not told", 1, 1, faulty{After: without(muxer.PeerReset)}},
	{"pause is not told", 1, 1, faulty{After: without(muxer.Pause)}},
	{"resume is not told", 1, 1, faulty{After: without(muxer.Resume)}},
	{"drained is not told", 1, 1, faulty{After: without(muxer.Drained)}},
	{"a refusal is not sent", 1, 2, faulty{Before: func(f *faulty, e *muxer.Event) {
		f.Of.refused = muxer.Queue[muxer.StreamID]{}
	}}},
	{"drained is told too early", 1, 1, faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if e.Kind == muxer.GoAway && !f.Of.drained {
			f.Of.drained = true
			return append(do, muxer.Effect{Kind: muxer.Drained})
		}
		return do
	}}},
	{"the end overtakes the bytes", 1, 1, faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		slices.SortStableFunc(do[n:], func(a, b muxer.Effect) int {
			if a.Kind == muxer.EOF && b.Kind == muxer.Deliver {
				return -1
			}
			return 0
		})
		return do
	}}},
	{"closing loses the bytes that wait", 1, 1, faulty{Before: func(_ *faulty, e *muxer.Event) {
		if e.Kind == muxer.CloseWrite {
			e.N = 0
		}
	}}},
	{"the user's reset is lost", 1, 1, faulty{Before: deaf(muxer.Reset)}},
	{"the user's close is lost", 1, 1, faulty{Before: deaf(muxer.CloseWrite)}},
	{"the user's closing of the read half is lost", 1, 1, faulty{Before: deaf(muxer.CloseRead)}},
	{"what is read is not counted", 1, 1, faulty{Before: deaf(muxer.Consumed)}},
	{"what waits is not counted", 1, 1, faulty{Before: deaf(muxer.Ready)}},
	{"going away is lost", 1, 1, faulty{Before: deaf(muxer.GoAway)}},
	{"the room is exceeded", 0, 1, faulty{Before: func(_ *faulty, e *muxer.Event) {
		if e.Kind == muxer.Room {
			e.N++
		}
	}}},
	{"nothing ever waits to be sent", 0, 1, faulty{Pends: func(bool) bool { return false }}},
	{"something always waits to be sent", 0, 1, faulty{Pends: func(bool) bool { return true }}},
	{"there is no deadline", 1, 1, faulty{Due: func(time.Time) time.Time { return time.Time{} }}},
	{"the deadline stays after its tick", 1, 1, faulty{Before: deaf(muxer.Tick)}},
	{"a number is used twice", 0, 2, faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		f.Of.nextID = 0
		return do
	}}},
	{"a stream is never announced", 0, 1, faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if e.Kind == muxer.Open && do[n].Kind == muxer.Opened {
			s := f.Of.streams[do[n].Stream]
			s.announced = true
			f.Of.owing.Leave(&s.owes)
		}
		return do
	}}},
	{"the rest of a frame goes to whoever has the record now", 1, 1, faulty{
		Before: func(f *faulty, e *muxer.Event) { f.Memory = len(f.Of.spare) },
		After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
			if len(f.Of.spare) > f.Memory && f.Of.rest > 0 && e.Kind == muxer.Room {
				f.Of.target = f.Of.spare[len(f.Of.spare)-1]
			}
			f.Memory = 0
			return do
		}}},
	{"a slow reader's stream ends here only", 1, 1, faulty{After: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		for _, effect := range do[n:] {
			if effect.Kind == muxer.PeerReset && effect.Local {
				return f.Of.forget(f.Of.streams[effect.Stream], do)
			}
		}
		return do
	}}},
	{"a slow reader never loses its stream", 1, 1, faulty{Due: func(d time.Time) time.Time {
		if d.IsZero() {
			return d
		}
		return d.Add(1000 * time.Hour)
	}, Before: deaf(muxer.Tick)}},
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
		found := muxertest.Explore(world.start, key, moves(plant.opens, nil), 8)
		if found.Err == nil {
			t.Errorf("%s: not found in %d worlds", plant.name, found.States)
			continue
		}
		t.Logf("%s: %d worlds, %v: %v", plant.name, found.States, found.Trace, found.Err)
	}
}
