package mplex

import (
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
)

// The operations of pair tests, in short.
func opOpen(end uint8) muxertest.Op { return muxertest.Op{Kind: muxertest.Open, End: end} }
func opOn(kind muxertest.OpKind, end uint8, stream, n int) muxertest.Op {
	return muxertest.Op{Kind: kind, End: end, Stream: stream, N: n}
}

// flow lets end send all it may, and the other end receive all of it.
func flow(end uint8) []muxertest.Op {
	return []muxertest.Op{
		{Kind: muxertest.Room, End: end, N: 1 << 16},
		{Kind: muxertest.Carry, End: 1 - end, N: 1 << 16},
	}
}

// pair runs operations on two machines and settles them. Each group is carried
// out in order; an operation that is not possible fails the test.
func pair(t *testing.T, config muxertest.Config, groups ...[]muxertest.Op) {
	t.Helper()
	w := muxertest.NewWorld(config)
	defer w.Close()
	for _, group := range groups {
		for _, op := range group {
			if done, err := w.Do(op); err != nil || !done {
				t.Fatalf("%v: done %v, %v", op, done, err)
			}
		}
	}
	if err := w.Settle(); err != nil {
		t.Fatal(err)
	}
}

func ops(list ...muxertest.Op) []muxertest.Op { return list }

func TestARequestAndItsAnswerTravelOverHalfClosedStreams(t *testing.T) {
	pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		ops(opOpen(0), opOn(muxertest.Write, 0, 0, 100), opOn(muxertest.CloseWrite, 0, 0, 0)), flow(0),
		ops(opOn(muxertest.Consume, 1, 0, 100), opOn(muxertest.Write, 1, 0, 5000), opOn(muxertest.CloseWrite, 1, 0, 0)), flow(1),
		ops(opOn(muxertest.Consume, 0, 0, 5000)),
	)
}

func TestBothEndsOpenTheSameNumberAtOnce(t *testing.T) {
	pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		ops(opOpen(0), opOpen(1), opOn(muxertest.Write, 0, 0, 10), opOn(muxertest.Write, 1, 0, 20)),
		flow(0), flow(1),
		ops(opOn(muxertest.Write, 0, 1, 30), opOn(muxertest.Write, 1, 1, 40)), flow(0), flow(1),
	)
}

func TestBothEndsResetAtOnce(t *testing.T) {
	pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		ops(opOpen(0)), flow(0),
		ops(opOn(muxertest.Reset, 0, 0, 0), opOn(muxertest.Reset, 1, 0, 0)), flow(0),
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
	for _, op := range append(ops(opOpen(0), opOpen(0), opOn(muxertest.Write, 0, 0, 2000), opOn(muxertest.Write, 0, 1, 10)), flow(0)...) {
		do(op, true)
	}
	// The first stream has 2000 unread bytes: nothing is read for its sake.
	do(opOn(muxertest.Write, 0, 1, 10), true)
	do(flow(0)[0], true)
	do(flow(0)[1], false)
	do(muxertest.Op{Kind: muxertest.Pass, N: 999}, false)
	do(flow(0)[1], false)
	do(muxertest.Op{Kind: muxertest.Pass, N: 1}, true)
	do(flow(0)[1], true)
	do(opOn(muxertest.Consume, 1, 1, 20), true)
	if n := w.Machine(1).(*Machine).Stats().SlowResets; n != 1 {
		t.Errorf("%d streams were reset", n)
	}
	if err := w.Settle(); err != nil {
		t.Fatal(err)
	}
}

func TestRefusedStreamsEndAtTheEndThatOpenedThem(t *testing.T) {
	pair(t, twoMachines(muxer.Limits{Inbound: 1}, PauseThenReset),
		ops(opOpen(0), opOpen(0), opOn(muxertest.Write, 0, 0, 10), opOn(muxertest.Write, 0, 1, 10)), flow(0), flow(1),
	)
}

func TestAConnectionDrainsWhileStreamsFinish(t *testing.T) {
	pair(t, twoMachines(muxer.Limits{}, PauseThenReset),
		ops(opOpen(0), opOn(muxertest.Write, 0, 0, 10)), flow(0),
		ops(muxertest.Op{Kind: muxertest.GoAway, End: 1}, opOpen(0), opOpen(1), opOn(muxertest.Write, 1, 0, 10)), flow(0), flow(1),
	)
}
