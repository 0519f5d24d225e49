package mplex

import (
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
)

func TestARequestAndItsAnswerTravelOverHalfClosedStreams(t *testing.T) {
	muxertest.Pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 100), muxertest.On(muxertest.CloseWrite, 0, 0, 0)), muxertest.Flow(0),
		muxertest.Ops(muxertest.On(muxertest.Consume, 1, 0, 100), muxertest.On(muxertest.Write, 1, 0, 5000), muxertest.On(muxertest.CloseWrite, 1, 0, 0)), muxertest.Flow(1),
		muxertest.Ops(muxertest.On(muxertest.Consume, 0, 0, 5000)),
	)
}

func TestBothEndsOpenTheSameNumberAtOnce(t *testing.T) {
	muxertest.Pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.OpenAt(1), muxertest.On(muxertest.Write, 0, 0, 10), muxertest.On(muxertest.Write, 1, 0, 20)),
		muxertest.Flow(0), muxertest.Flow(1),
		muxertest.Ops(muxertest.On(muxertest.Write, 0, 1, 30), muxertest.On(muxertest.Write, 1, 1, 40)), muxertest.Flow(0), muxertest.Flow(1),
	)
}

func TestBothEndsResetAtOnce(t *testing.T) {
	muxertest.Pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		muxertest.Ops(muxertest.OpenAt(0)), muxertest.Flow(0),
		muxertest.Ops(muxertest.On(muxertest.Reset, 0, 0, 0), muxertest.On(muxertest.Reset, 1, 0, 0)), muxertest.Flow(0),
	)
}

func TestASlowReaderLosesItsStreamAndNobodyElseDoes(t *testing.T) {
	w := muxertest.NewWorld(twoMachines(muxer.Limits{StreamBuffer: 1000, SlowReader: time.Second}, PauseThenReset))
	defer w.Close()
	do := func(op muxertest.Op, want bool) {
		t.Helper()
		if done, err := w.Do(op); err != nil || done != want {
			t.Fatalf("%v: done %v, %v", op, done, err)
		}
	}
	for _, op := range append(muxertest.Ops(muxertest.OpenAt(0), muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 2000), muxertest.On(muxertest.Write, 0, 1, 10)), muxertest.Flow(0)...) {
		do(op, true)
	}
	// The first stream has 2000 unread bytes: nothing is read for its sake.
	do(muxertest.On(muxertest.Write, 0, 1, 10), true)
	do(muxertest.Flow(0)[0], true)
	do(muxertest.Flow(0)[1], false)
	do(muxertest.Op{Kind: muxertest.Pass, N: 999}, false)
	do(muxertest.Flow(0)[1], false)
	do(muxertest.Op{Kind: muxertest.Pass, N: 1}, true)
	do(muxertest.Flow(0)[1], true)
	do(muxertest.On(muxertest.Consume, 1, 1, 20), true)
	if n := w.Machine(1).(*Machine).Stats().SlowResets; n != 1 {
		t.Errorf("%d streams were reset", n)
	}
	if err := w.Settle(); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedStreamsEndAtTheEndThatOpenedThem(t *testing.T) {
	muxertest.Pair(t, twoMachines(muxer.Limits{Inbound: 1}, PauseThenReset),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 10), muxertest.On(muxertest.Write, 0, 1, 10)), muxertest.Flow(0), muxertest.Flow(1),
	)
}

func TestAConnectionDrainsWhileStreamsFinish(t *testing.T) {
	muxertest.Pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		muxertest.Ops(muxertest.OpenAt(0), muxertest.On(muxertest.Write, 0, 0, 10)), muxertest.Flow(0),
		muxertest.Ops(muxertest.Op{Kind: muxertest.GoAway, End: 1}, muxertest.OpenAt(0), muxertest.OpenAt(1), muxertest.On(muxertest.Write, 1, 0, 10)), muxertest.Flow(0), muxertest.Flow(1),
	)
}
