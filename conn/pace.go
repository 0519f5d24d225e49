package conn

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

const (
	// batchTime is how long the pipe should take for one batch: while it is busy
	// with one, whatever else is written waits. Two batches are under way, and the
	// remote opens a record only when it is whole, so a message may have to wait
	// for three of them.
	batchTime = time.Millisecond
	// leastBatch is the size below which batches are not made for the sake of
	// time: heads, records and calls would cost too much.
	leastBatch = muxer.FairShare
	// longestTook is the most that one batch counts: after a remote that did not
	// read for a while the pace is soon found again.
	longestTook = 64 * batchTime
)

// A pace is how fast the pipe takes batches. A fast one gets full batches; on a
// slow one a batch is what it takes in batchTime.
type pace struct {
	// What the last batches were, each counting 7/8 of the one after it.
	bytes int
	time  time.Duration
}

// limit is how large the next batch may be.
func (p *pace) limit() int {
	if p.time <= 0 {
		return batchBytes
	}
	return int(min(max(int64(p.bytes)*int64(batchTime)/int64(p.time), leastBatch), batchBytes))
}

// note notes how long the pipe took for a batch. A small one says nothing: most
// of its time is that of the call.
func (p *pace) note(size int, took time.Duration) {
	if size < p.limit()/2 {
		return
	}
	p.bytes += size - p.bytes/8
	p.time += min(took, longestTook) - p.time/8
}
