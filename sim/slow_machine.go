package sim

import "time"

// A slowReader is how fast the programs of a host read their connections. The
// zero value does not slow them down.
type slowReader struct {
	rate int64 // bytes per second; 0: at once, less: never
	wire queue
}

// change sets another rate.
func (s *slowReader) change(now time.Time, rate int64) {
	s.rate = rate
	s.wire.change(now, max(rate, 0), maxQueue)
	s.wire.free, s.wire.part = now, 0
}

// allow is how many of n bytes may be read now. If none may, next is when to ask
// again; zero: when the rate has changed.
func (s *slowReader) allow(now time.Time, n int) (allowed int, next time.Time) {
	switch {
	case s.rate == 0:
		return n, time.Time{}
	case s.rate < 0:
		return 0, time.Time{}
	case s.wire.free.After(now):
		return 0, s.wire.free
	}
	return min(n, int(max(s.rate/10, 1))), time.Time{} // what may be read in 100 ms
}

// took notes that n bytes have been read.
func (s *slowReader) took(now time.Time, n int) {
	if s.rate > 0 {
		s.wire.take(now, n)
	}
}
