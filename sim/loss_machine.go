package sim

import "time"

// What a loss costs a connection. A segment with at least three behind it in its
// chunk is missed when they arrive, and comes again a round trip later (RFC 5681
// section 3.2: three duplicate acknowledgements). Any other one comes again when
// its time is out: a round trip and 200 ms, what Linux makes of RFC 6298 at the
// least (TCP_RTO_MIN). What is lost again waits twice as long each time (RFC 6298
// section 5.5), a minute at most (2.5), until it was sent 15 times more (Linux,
// tcp_retries2); then it gets through, because the model has connections end by
// cuts only.
const (
	duplicateAcks  = 3
	minTimeout     = 200 * time.Millisecond
	maxTimeout     = time.Minute
	maxResends     = 15
	sendPatience   = 924600 * time.Millisecond // the sum of Linux's 15 waits (ip-sysctl, tcp_retries2)
	firstTimeout   = time.Second               // of a dial, which knows no round trip (RFC 6298 section 2.1)
	maxDialResends = 6                         // Linux, tcp_syn_retries
)

// timeout is how long a sender waits before it sends something again.
func (m *linkMachine) timeout() time.Duration {
	return min(m.config.Latency+m.back+minTimeout, maxTimeout)
}

// resend draws which segments of n bytes of a connection are lost how often. It
// returns how much later the last one arrives for it, and what was sent again.
func (m *linkMachine) resend(n int) (late time.Duration, packets, bytes int) {
	size := m.config.segment()
	segments := (n + size - 1) / size
	if m.config.Loss == 0 && m.config.Burst.Begin == 0 {
		m.dice.skip(ofBurst, segments)
		m.dice.skip(ofLoss, segments)
		return 0, 0, 0
	}
	for i := range segments {
		times := 0
		for times < maxResends && m.lost() {
			times++
		}
		if times == 0 {
			continue
		}
		packets += times
		bytes += times * min(size, n-i*size)
		late = max(late, m.cost(times, segments-1-i))
	}
	return late, packets, bytes
}

// cost is how much later a segment arrives that was lost so many times, with
// others behind it.
func (m *linkMachine) cost(times, behind int) (late time.Duration) {
	wait := m.timeout()
	for i := range times {
		if i == 0 && behind >= duplicateAcks {
			late += m.config.Latency + m.back
			continue
		}
		late += wait
		wait = min(2*wait, maxTimeout)
	}
	return late
}

// A patientSender is when one whose packets all vanish tries again, and when it
// gives up.
type patientSender struct {
	since time.Time // zero: nothing has vanished
	tries int
	next  time.Time
}

// vanished notes that what was just sent got lost. first is the time until it is
// sent again for the first time. It reports whether that is still worth it.
func (p *patientSender) vanished(now time.Time, first time.Duration) (again bool) {
	if p.since.IsZero() {
		p.since = now
	}
	wait := first
	for range p.tries {
		wait = min(2*wait, maxTimeout)
	}
	p.tries++
	p.next = now.Add(wait)
	return now.Sub(p.since) < sendPatience
}

// through notes that something got over.
func (p *patientSender) through() { *p = patientSender{} }
