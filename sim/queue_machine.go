package sim

import "time"

// A queue is what stands before a wire: bytes leave one after the other at its
// rate. It keeps no bytes and needs no events of its own: when something leaves
// is known when it comes.
//
//	departure = max(now, when the wire is free) + bytes / rate
type queue struct {
	rate  int64 // bytes per second; 0: everything leaves at once
	limit int   // bytes that may wait, what is just leaving included
	free  time.Time
	part  int64 // of a nanosecond that it takes longer, in 1/rate
}

// usualLimit is how much waits where nothing else was said: what leaves within
// 100 ms, and at least 64 KiB.
func usualLimit(rate int64) int { return int(min(max(64<<10, rate/10), maxQueue)) }

// left is how much has not left at a time: in bytes times a second of
// nanoseconds, so that nothing is rounded.
func (q *queue) left(at time.Time) int64 {
	if q.rate == 0 || !q.free.After(at) {
		return 0
	}
	return int64(q.free.Sub(at))*q.rate + q.part
}

// waiting is the same in bytes.
func (q *queue) waiting(at time.Time) int {
	return int((q.left(at) + int64(time.Second) - 1) / int64(time.Second))
}

// over is how long n bytes that come at a time have to wait until there is room
// for all of them; 0: there is. More bytes than ever fit need an empty queue.
func (q *queue) over(at time.Time, n int) time.Duration {
	if q.rate == 0 {
		return 0
	}
	over := q.left(at) - int64(max(q.limit-n, 0))*int64(time.Second)
	if over <= 0 {
		return 0
	}
	return time.Duration((over + q.rate - 1) / q.rate)
}

// leaves is when n bytes that come at a time will have left, if they are taken.
func (q *queue) leaves(at time.Time, n int) time.Time {
	again := *q
	return again.take(at, n)
}

// take puts n bytes into the queue that come at a time, whatever its limit, and
// returns when the last of them has left. Times must not go back.
func (q *queue) take(at time.Time, n int) time.Time {
	if q.free.Before(at) {
		q.free, q.part = at, 0
	}
	if q.rate > 0 {
		whole := int64(n)*int64(time.Second) + q.part
		q.free = q.free.Add(time.Duration(whole / q.rate))
		q.part = whole % q.rate
	}
	return q.free
}

// change sets another rate and limit. What waits leaves at the new rate, which
// matters for what comes after it: departures that were promised stay.
func (q *queue) change(now time.Time, rate int64, limit int) {
	left := q.left(now)
	q.rate, q.limit = min(max(rate, 0), MaxBandwidth), limit
	if q.limit <= 0 {
		q.limit = usualLimit(q.rate)
	}
	q.limit = min(q.limit, maxQueue)
	q.free, q.part = now, 0
	if q.rate > 0 {
		q.free = now.Add(time.Duration(left / q.rate))
		q.part = left % q.rate
	}
}
