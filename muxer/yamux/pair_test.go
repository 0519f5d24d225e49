package yamux

import (
	"testing"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
)

func TestARequestAndItsAnswerTravelOverHalfClosedStreams(t *testing.T) {
	muxertest.Pair(t, usual.world(),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 100), muxertest.On(muxertest.CloseWrite, 0, 0, 0)), muxertest.Flow(0),
		muxertest.Ops(muxertest.On(muxertest.Consume, 1, 0, 100), muxertest.On(muxertest.Write, 1, 0, 5000), muxertest.On(muxertest.CloseWrite, 1, 0, 0)), muxertest.Flow(1),
		muxertest.Ops(muxertest.On(muxertest.Consume, 0, 0, 5000)),
	)
}

func TestBothEndsOpenAtOnceWithNumbersOfTheirOwn(t *testing.T) {
	muxertest.Pair(t, usual.world(),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.OpenAt(1), muxertest.On(muxertest.Write, 0, 0, 10), muxertest.On(muxertest.Write, 1, 0, 20)),
		muxertest.Flow(0), muxertest.Flow(1),
		muxertest.Ops(muxertest.On(muxertest.Write, 0, 1, 30), muxertest.On(muxertest.Write, 1, 1, 40)), muxertest.Flow(0), muxertest.Flow(1),
	)
}

func TestBothEndsResetAtOnce(t *testing.T) {
	muxertest.Pair(t, usual.world(),
		muxertest.Ops(muxertest.OpenAt(0)), muxertest.Flow(0),
		muxertest.Ops(muxertest.On(muxertest.Reset, 0, 0, 0), muxertest.On(muxertest.Reset, 1, 0, 0)), muxertest.Flow(0),
	)
}

func TestRefusedStreamsEndAtTheEndThatOpenedThem(t *testing.T) {
	few := usual
	few.limits.Inbound = 1
	muxertest.Pair(t, few.world(),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 10), muxertest.On(muxertest.Write, 0, 1, 10)), muxertest.Flow(0), muxertest.Flow(1),
	)
}

func TestAConnectionDrainsWhileStreamsFinish(t *testing.T) {
	muxertest.Pair(t, usual.world(),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 10)), muxertest.Flow(0),
		muxertest.Ops(muxertest.Op{Kind: muxertest.GoAway, End: 1}, muxertest.OpenAt(0), muxertest.OpenAt(1), muxertest.On(muxertest.Write, 1, 0, 10)),
		muxertest.Flow(0), muxertest.Flow(1),
	)
}

// A world that is driven step by step.
type driven struct {
	t *testing.T
	*muxertest.World
}

func drive(t *testing.T, config muxertest.Config) driven {
	d := driven{t, muxertest.NewWorld(config)}
	t.Cleanup(d.Close)
	return d
}

// does carries out operations, all of which must be possible.
func (d driven) does(ops ...muxertest.Op) {
	d.t.Helper()
	for _, op := range ops {
		if done, err := d.Do(op); err != nil || !done {
			d.t.Fatalf("%v: done %v, %v", op, done, err)
		}
	}
}

// flows carries bytes both ways until no end has anything to send.
func (d driven) flows() {
	d.t.Helper()
	for moved := true; moved; {
		moved = false
		for end := range uint8(2) {
			for _, op := range muxertest.Flow(end) {
				done, err := d.Do(op)
				if err != nil {
					d.t.Fatal(err)
				}
				moved = moved || done
			}
		}
	}
}

// stream is the record of the stream that end has begun last.
func (d driven) stream(end uint8, id muxer.StreamID) *stream {
	return d.Machine(end).(*Machine).streams[id]
}

// A reader that does not read holds back one window of its own stream. The others
// go on as if it were not there.
func TestASlowReaderHoldsBackItsOwnStreamOnly(t *testing.T) {
	fixed := usual
	fixed.most = StartWindow
	d := drive(t, fixed.world())
	d.does(muxertest.OpenAt(0), muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 3*StartWindow))
	d.flows()
	slow, fast := muxer.NewStreamID(1, true), muxer.NewStreamID(3, false)
	if s := d.stream(0, slow); s.waiting != 2*StartWindow || s.credit != 0 || s.ready.Seated() {
		t.Errorf("the slow stream: %d bytes wait, %d of credit, in the ring: %v", s.waiting, s.credit, s.ready.Seated())
	}
	for range 50 {
		d.does(muxertest.On(muxertest.Write, 0, 1, 64<<10))
		d.flows()
		d.does(muxertest.On(muxertest.Consume, 1, 1, 64<<10))
	}
	if s := d.stream(1, fast); s.unread != 0 {
		t.Errorf("%d bytes of the fast stream are unread", s.unread)
	}
	if d.Machine(0).Pending() && d.stream(0, slow).ready.Seated() {
		t.Error("a stream without credit is busy")
	}
	// Half of the window is what it takes to go on.
	d.does(muxertest.On(muxertest.Consume, 1, 0, StartWindow/2-1))
	d.flows()
	if s := d.stream(0, slow); s.waiting != 2*StartWindow {
		t.Errorf("less than half was read, and %d bytes wait", s.waiting)
	}
	d.does(muxertest.On(muxertest.Consume, 1, 0, 1))
	d.flows()
	if s := d.stream(0, slow); s.waiting != 2*StartWindow-StartWindow/2 {
		t.Errorf("half was read, and %d bytes wait", s.waiting)
	}
	if err := d.Settle(); err != nil {
		t.Fatal(err)
	}
}

// The engine reports what was read in steps of 64 KiB, and keeps back what is
// less. A writer must never wait for that rest.
func TestReportsInLargeStepsNeverStopTheWriter(t *testing.T) {
	d := drive(t, usual.world())
	d.does(muxertest.OpenAt(0))
	eaten := 0
	for total := 0; total < 4<<20; total += 10_000 {
		d.does(muxertest.On(muxertest.Write, 0, 0, 10_000))
		d.flows()
		if s := d.stream(0, muxer.NewStreamID(1, true)); s.waiting > 0 {
			t.Fatalf("after %d bytes, %d wait while the reader has reported all but %d", total, s.waiting, eaten)
		}
		if eaten += 10_000; eaten >= 64<<10 {
			d.does(muxertest.On(muxertest.Consume, 1, 0, eaten))
			eaten = 0
		}
	}
	if err := d.Settle(); err != nil {
		t.Fatal(err)
	}
}

// 257 streams are opened towards an end that answers none: the last SYN stays
// here, and leaves when one of the others is answered. No open fails.
func TestOpensOverTheBacklogWaitForAnAnswer(t *testing.T) {
	many := usual
	many.limits = muxer.Limits{Inbound: 1000, Outbound: 1000}
	d := drive(t, many.world())
	for range MaxBacklog + 3 {
		d.does(muxertest.OpenAt(0))
	}
	d.does(muxertest.On(muxertest.Write, 0, MaxBacklog, 10), muxertest.On(muxertest.CloseWrite, 0, MaxBacklog, 0))
	d.does(muxertest.Flow(0)...)
	if here, there := d.Machine(0).Streams(), d.Machine(1).Streams(); here != MaxBacklog+3 || there != MaxBacklog {
		t.Errorf("%d streams here, %d there", here, there)
	}
	if d.Machine(0).Pending() {
		t.Error("a stream that waits for a place is busy")
	}
	// One ends here without an answer, one that waits ends too.
	d.does(muxertest.On(muxertest.Reset, 0, 0, 0), muxertest.On(muxertest.Reset, 0, MaxBacklog+1, 0))
	d.does(muxertest.Flow(0)...)
	if there := d.Machine(1).Streams(); there != MaxBacklog {
		t.Errorf("%d streams there after one gave its place", there)
	}
	d.flows()
	if there := d.Machine(1).Streams(); there != MaxBacklog+1 {
		t.Errorf("%d streams there after all were answered", there)
	}
	if err := d.Settle(); err != nil {
		t.Fatal(err)
	}
}

// The round trip takes 100 ms and the reader reads at once, so the window is the
// brake: it doubles up to its limit, and not over the connection's budget.
func TestAWindowGrowsToWhatTheRoundTripNeeds(t *testing.T) {
	for _, c := range []struct {
		budget, want int
	}{{0, 16 << 20}, {1 << 20, StartWindow + 1<<20}, {1, StartWindow + 1}} {
		long := usual
		long.limits.WindowBudget = c.budget
		d := drive(t, long.world())
		d.does(muxertest.OpenAt(0))
		for range 300 {
			if _, err := d.Do(muxertest.On(muxertest.Write, 0, 0, 20<<20)); err != nil {
				t.Fatal(err)
			}
			for range 400 {
				if done, err := d.Do(muxertest.Op{Kind: muxertest.Room, End: 0, N: 1 << 16}); err != nil || !done {
					break
				}
			}
			d.Do(muxertest.Op{Kind: muxertest.Pass, N: 50})
			for {
				if done, err := d.Do(muxertest.Op{Kind: muxertest.Carry, End: 1, N: 1 << 16}); err != nil {
					t.Fatal(err)
				} else if !done {
					break
				}
				d.Do(muxertest.On(muxertest.Consume, 1, 0, 1<<16))
			}
			d.Do(muxertest.Op{Kind: muxertest.Room, End: 1, N: 1 << 16})
			d.Do(muxertest.Op{Kind: muxertest.Pass, N: 50})
			d.Do(muxertest.Op{Kind: muxertest.Carry, End: 0, N: 1 << 16})
			if s := d.stream(1, muxer.NewStreamID(1, false)); s != nil && s.window == c.want {
				break
			}
		}
		s := d.stream(1, muxer.NewStreamID(1, false))
		if s.window != c.want {
			t.Errorf("budget %d: the window has grown to %d, not %d", c.budget, s.window, c.want)
		}
		if rtt := d.Machine(1).(*Machine).Stats().RTT.Milliseconds(); rtt != 100 {
			t.Errorf("the round trip was measured as %d ms", rtt)
		}
	}
}

// What is read slowly needs no larger window, however long the round trip.
func TestAWindowThatIsReadSlowlyStaysAsItIs(t *testing.T) {
	d := drive(t, usual.world())
	d.does(muxertest.OpenAt(0))
	for range 100 {
		d.Do(muxertest.On(muxertest.Write, 0, 0, 64<<10))
		d.flows()
		d.Do(muxertest.Op{Kind: muxertest.Pass, N: 1})
		d.Do(muxertest.On(muxertest.Consume, 1, 0, 64<<10))
	}
	m := d.Machine(1).(*Machine)
	// The answers to pings take no time here, and half a window takes 2 ms.
	if s := m.Stats(); s.Grown != 0 || s.RTT == 0 {
		t.Errorf("%+v", s)
	}
}
