package mplex

import (
	"errors"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// start is the time at which tests begin.
var start = muxertest.Start

// received is the event of a read that no pool owns.
func received(p []byte) muxer.Event {
	return muxer.Event{Kind: muxer.Received, Data: buf.Static(p)}
}

// openings returns n NewStream frames with the numbers from on.
func openings(from, n uint64) []byte {
	var p []byte
	for id := from; id < from+n; id++ {
		p = appendHead(p, frame(flagNewStream, muxer.NewStreamID(id, true), 0))
	}
	return p
}

func TestARemoteThatNeverReadsItsRefusalsEndsTheConnectionAtTheCap(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{Inbound: 1}, PauseThenReset)
	m.Step(start, received(openings(0, 1+MaxRefusals)), nil)
	if m.Err() != nil {
		t.Fatalf("dead at the cap: %v", m.Err())
	}
	m.Step(start, received(openings(1+MaxRefusals, 1)), nil)
	var broken *muxer.ProtocolError
	if !errors.As(m.Err(), &broken) || broken.Rule != RuleRefusals || broken.Stream != 1+MaxRefusals {
		t.Fatalf("one over the cap: %v", m.Err())
	}
	if m.Stats().Refused != MaxRefusals+1 || m.Pending() {
		t.Errorf("stats %+v, pending %v", m.Stats(), m.Pending())
	}
}

func TestARemoteThatReadsItsRefusalsMayOpenForEver(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{Inbound: 1}, PauseThenReset)
	next, sent := uint64(0), uint64(0)
	for range 50 {
		m.Step(start, received(openings(next, 3000)), nil)
		next += 3000
		// Less than what came leaves at once, so the queue moves on while it
		// is in use.
		for _, room := range []int{4000, 100_000} {
			for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: room}, nil) {
				if e.Op != flagResetReceiver || e.Stream != muxer.NewStreamID(sent+1, false) {
					t.Fatalf("after %d refusals: %s", sent, lines.Effect(e))
				}
				sent++
			}
		}
	}
	if m.Err() != nil || sent != next-1 {
		t.Errorf("%v after %d refusals of %d", m.Err(), sent, next-1)
	}
}

func TestFramesAreNeverOverTheWiresLimit(t *testing.T) {
	m := New(negotiate.Dialer, muxer.Limits{Frame: 1 << 30}, PauseThenReset)
	m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
	m.Step(start, muxer.Event{Kind: muxer.Ready, Stream: muxer.NewStreamID(0, true), N: 1 << 30}, nil)
	for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: 1 << 30}, nil) {
		if e.N > MaxBody {
			t.Fatal(lines.Effect(e))
		}
	}
}

// The NewStream of stream 16 has 5 bytes, one byte on stream 0 has 3.
func TestNothingOvertakesAControlFrameThatDoesNotFit(t *testing.T) {
	m := New(negotiate.Dialer, muxer.Limits{}, PauseThenReset)
	m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
	m.Step(start, muxer.Event{Kind: muxer.Room, N: 100}, nil)
	m.nextID = 16
	m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
	for _, id := range []uint64{0, 16} {
		m.Step(start, muxer.Event{Kind: muxer.Ready, Stream: muxer.NewStreamID(id, true), N: 9}, nil)
	}
	if do := m.Step(start, muxer.Event{Kind: muxer.Room, N: 4}, nil); len(do) > 0 {
		t.Errorf("room for 4 bytes: %s", lines.Effect(do[0]))
	}
	if do := m.Step(start, muxer.Event{Kind: muxer.Room, N: 5}, nil); len(do) != 1 || do[0].Op != flagNewStream {
		t.Errorf("room for 5 bytes: %d effects", len(do))
	}
}

// A hundred streams that always have bytes get the same share, whatever the
// room of the batches.
func TestBusyStreamsShareEvenly(t *testing.T) {
	for _, room := range []int{300, 4096, 65483, 1 << 20} {
		m := New(negotiate.Dialer, muxer.Limits{}, PauseThenReset)
		got := map[muxer.StreamID]int{}
		for id := range uint64(100) {
			m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
			m.Step(start, muxer.Event{Kind: muxer.Ready, Stream: muxer.NewStreamID(id, true), N: 1 << 40}, nil)
		}
		total := 0
		for total < 100<<20 {
			for _, e := range m.Step(start, muxer.Event{Kind: muxer.Room, N: room}, nil) {
				got[e.Stream] += e.N
				total += e.N
			}
		}
		for id, n := range got {
			if fair := total / 100; n < fair-muxer.FairShare || n > fair+muxer.FairShare {
				t.Errorf("room %d: stream %v sent %d bytes, the fair share is %d", room, id, n, fair)
			}
		}
	}
}

func TestPoliciesHaveNames(t *testing.T) {
	if PauseThenReset.String() != "pause-then-reset" || ResetAtOnce.String() != "reset-at-once" {
		t.Errorf("%v, %v", PauseThenReset, ResetAtOnce)
	}
}

func TestTheFactoryMakesMachinesOfItsPolicy(t *testing.T) {
	for _, policy := range []Overflow{PauseThenReset, ResetAtOnce} {
		f := Factory(policy)
		m := f.New(negotiate.Listener, muxer.Limits{StreamBuffer: 1, SlowReader: time.Minute})
		m.Step(start, received([]byte{0, 0, 2, 2, 'h', 'i'}), nil)
		if f.Protocol != "/mplex/6.7.0" || m.Deadline().IsZero() != (policy == ResetAtOnce) {
			t.Errorf("%s, %v: deadline %v", f.Protocol, policy, m.Deadline())
		}
	}
}

// What is received never makes the machine keep bytes or grow: a gigabyte of
// announced bodies in small pieces leaves two numbers.
func TestReceivingKeepsNoBytes(t *testing.T) {
	m := New(negotiate.Listener, muxer.Limits{}, PauseThenReset)
	live := buf.Live()
	var do []muxer.Effect
	for range 1000 {
		b := buf.Get(64)
		c := b.View(0, copy(b.Bytes(), []byte{0x02, 0x80, 0x80, 0x40, 1, 2, 3}))
		do = m.Step(start, muxer.Event{Kind: muxer.Received, Data: c}, do[:0])
		c.Release()
		m.rest = 0 // as if the rest of the body had come
	}
	if n := buf.Live() - live; n != 0 || m.Streams() != 0 {
		t.Errorf("%d buffers, %d streams", n, m.Streams())
	}
}

func TestAFrameInSteadyStateAllocatesNothing(t *testing.T) { load.AllocatesNothing(t) }
