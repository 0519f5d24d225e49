package mplex

import (
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
)

// A faulty machine is a sound one with a fault planted into it. The explorer
// must find every fault; one that it does not find is an invariant that is
// missing.
type faulty struct {
	*Machine
	memory int // what the fault remembers

	before  func(f *faulty, e *muxer.Event)                                         // changes the event
	after   func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect // changes the effects from n on
	head    func(e *muxer.Effect)                                                   // changes the frame that is written
	pending func(bool) bool
	late    func(time.Time) time.Time
}

func (f *faulty) Step(now time.Time, e muxer.Event, do []muxer.Effect) []muxer.Effect {
	n := len(do)
	if f.before != nil {
		f.before(f, &e)
	}
	do = f.Machine.Step(now, e, do)
	if f.after != nil {
		do = f.after(f, e, do, n)
	}
	return do
}

func (f *faulty) AppendHead(dst []byte, send muxer.Effect) []byte {
	if f.head != nil {
		f.head(&send)
	}
	return f.Machine.AppendHead(dst, send)
}

func (f *faulty) Pending() bool {
	if f.pending != nil {
		return f.pending(f.Machine.Pending())
	}
	return f.Machine.Pending()
}

func (f *faulty) Deadline() time.Time {
	if f.late != nil {
		return f.late(f.Machine.Deadline())
	}
	return f.Machine.Deadline()
}

// without swallows effects of one kind.
func without(kind muxer.EffectKind) func(*faulty, muxer.Event, []muxer.Effect, int) []muxer.Effect {
	return func(_ *faulty, _ muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		kept := do[:n]
		for _, e := range do[n:] {
			if e.Kind == kind {
				e.Data.Release()
				continue
			}
			kept = append(kept, e)
		}
		return kept
	}
}

// deaf swallows events of one kind: they become one for a stream that nobody
// knows.
func deaf(kind muxer.EventKind) func(*faulty, *muxer.Event) {
	return func(_ *faulty, e *muxer.Event) {
		if e.Kind == kind {
			*e = muxer.Event{Kind: muxer.Consumed, Stream: muxer.NewStreamID(MaxID, true)}
		}
	}
}

// plants are faults that somebody might make, or has made.
var plants = []struct {
	name  string
	end   int
	opens int
	make  faulty
}{
	// go-mplex once did not tell the two directions apart (go-mplex, pull request 10).
	{"the flags of the wrong direction are sent", 1, 1, faulty{head: func(e *muxer.Effect) {
		if e.Op == flagMessageReceiver || e.Op == flagCloseReceiver || e.Op == flagResetReceiver {
			e.Op++
		}
	}}},
	{"a frame for an unknown stream is a violation", 1, 1, faulty{after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if f.stats.Unknown > 0 && f.err == nil {
			return f.fail("no unknown streams", 0, 0, do)
		}
		return do
	}}},
	{"a stream is never forgotten", 1, 1, faulty{after: without(muxer.Forget)}},
	{"the end of a stream is not told", 1, 1, faulty{after: without(muxer.EOF)}},
	{"bytes are not delivered", 1, 1, faulty{after: without(muxer.Deliver)}},
	{"a reset is not told", 1, 1, faulty{after: without(muxer.PeerReset)}},
	{"pause is not told", 1, 1, faulty{after: without(muxer.Pause)}},
	{"resume is not told", 1, 1, faulty{after: without(muxer.Resume)}},
	{"drained is not told", 1, 1, faulty{after: without(muxer.Drained)}},
	{"a refusal is not sent", 1, 2, faulty{before: func(f *faulty, e *muxer.Event) {
		f.refused = muxer.Queue[muxer.StreamID]{}
	}}},
	{"drained is told too early", 1, 1, faulty{after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if e.Kind == muxer.GoAway && !f.drained {
			f.drained = true
			return append(do, muxer.Effect{Kind: muxer.Drained})
		}
		return do
	}}},
	{"the end overtakes the bytes", 1, 1, faulty{after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		slices.SortStableFunc(do[n:], func(a, b muxer.Effect) int {
			if a.Kind == muxer.EOF && b.Kind == muxer.Deliver {
				return -1
			}
			return 0
		})
		return do
	}}},
	{"closing loses the bytes that wait", 1, 1, faulty{before: func(_ *faulty, e *muxer.Event) {
		if e.Kind == muxer.CloseWrite {
			e.N = 0
		}
	}}},
	{"the user's reset is lost", 1, 1, faulty{before: deaf(muxer.Reset)}},
	{"the user's close is lost", 1, 1, faulty{before: deaf(muxer.CloseWrite)}},
	{"the user's closing of the read half is lost", 1, 1, faulty{before: deaf(muxer.CloseRead)}},
	{"what is read is not counted", 1, 1, faulty{before: deaf(muxer.Consumed)}},
	{"what waits is not counted", 1, 1, faulty{before: deaf(muxer.Ready)}},
	{"going away is lost", 1, 1, faulty{before: deaf(muxer.GoAway)}},
	{"the room is exceeded", 0, 1, faulty{before: func(_ *faulty, e *muxer.Event) {
		if e.Kind == muxer.Room {
			e.N++
		}
	}}},
	{"nothing ever waits to be sent", 0, 1, faulty{pending: func(bool) bool { return false }}},
	{"something always waits to be sent", 0, 1, faulty{pending: func(bool) bool { return true }}},
	{"there is no deadline", 1, 1, faulty{late: func(time.Time) time.Time { return time.Time{} }}},
	{"the deadline stays after its tick", 1, 1, faulty{before: deaf(muxer.Tick)}},
	{"a number is used twice", 0, 2, faulty{after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		f.nextID = 0
		return do
	}}},
	{"a stream is never announced", 0, 1, faulty{after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		if e.Kind == muxer.Open && do[n].Kind == muxer.Opened {
			s := f.streams[do[n].Stream]
			s.announced = true
			f.owing.Leave(&s.owes)
		}
		return do
	}}},
	{"the rest of a frame goes to whoever has the record now", 1, 1, faulty{
		before: func(f *faulty, e *muxer.Event) { f.memory = len(f.spare) },
		after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
			if len(f.spare) > f.memory && f.rest > 0 && e.Kind == muxer.Room {
				f.target = f.spare[len(f.spare)-1]
			}
			f.memory = 0
			return do
		}}},
	{"a slow reader's stream ends here only", 1, 1, faulty{after: func(f *faulty, e muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		for _, effect := range do[n:] {
			if effect.Kind == muxer.PeerReset && effect.Local {
				return f.forget(f.streams[effect.Stream], do)
			}
		}
		return do
	}}},
	{"a slow reader never loses its stream", 1, 1, faulty{late: func(d time.Time) time.Time {
		if d.IsZero() {
			return d
		}
		return d.Add(1000 * time.Hour)
	}, before: deaf(muxer.Tick)}},
}

func TestTheExplorerFindsEveryPlantedFault(t *testing.T) {
	for _, plant := range plants {
		var with [2]func(*Machine) muxer.Machine
		with[plant.end] = func(m *Machine) muxer.Machine {
			f := plant.make
			f.Machine = m
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
