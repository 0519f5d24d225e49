package conn

import (
	"testing"
	"time"
)

// feed gives a pace full batches of a pipe that takes so many bytes per second.
func feed(p *pace, batches int, rate float64) {
	for range batches {
		n := p.limit()
		p.note(n, time.Duration(float64(n)/rate*1e9))
	}
}

func TestABatchIsWhatThePipeTakesInItsTime(t *testing.T) {
	for _, test := range []struct {
		rate       float64
		least, top int
	}{
		{1e9, batchBytes, batchBytes},
		{40e6, 39_000, 41_000},
		{1e6, leastBatch, leastBatch},
		{1e9, batchBytes, batchBytes}, // and fast again
	} {
		var p pace
		if p.limit() != batchBytes {
			t.Errorf("it begins with %d", p.limit())
		}
		feed(&p, 5, 1e6)
		feed(&p, 200, test.rate)
		if n := p.limit(); n < test.least || n > test.top {
			t.Errorf("%v bytes per second: batches of %d", test.rate, n)
		}
	}
}

func TestSmallBatchesSayNothingOfThePipe(t *testing.T) {
	var p pace
	for range 1000 {
		p.note(100, time.Millisecond)
	}
	if n := p.limit(); n != batchBytes {
		t.Errorf("batches of %d", n)
	}
}

func TestAfterARemoteThatDidNotReadThePaceIsSoonFoundAgain(t *testing.T) {
	var p pace
	feed(&p, 100, 1e9)
	p.note(batchBytes, time.Hour)
	if n := p.limit(); n != leastBatch {
		t.Errorf("in between, batches of %d", n)
	}
	feed(&p, 40, 1e9)
	if n := p.limit(); n != batchBytes {
		t.Errorf("batches of %d", n)
	}
}
