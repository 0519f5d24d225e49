package sim

import "time"

// LinkConfig is what one direction between two hosts does to bytes. The zero
// value is a link without latency and without limit of speed.
type LinkConfig struct {
	// Latency is how long a byte is on its way once it has left.
	Latency time.Duration
	// Jitter is added to the latency of each chunk: something from 0 to it,
	// evenly.
	Jitter time.Duration
	// Bandwidth is in bytes per second, at most [MaxBandwidth]; 0 means no limit.
	Bandwidth int64
	// Queue is how many bytes may wait to leave; 0 means what leaves within
	// 100 ms, and at least 64 KiB. It says nothing without a bandwidth.
	Queue int
	// Chunk is how many bytes travel as one and arrive together; 0 means 16 KiB.
	// Smaller ones are closer to packets and cost more events.
	Chunk int
	// Window is how many bytes of one connection may be on their way or unread; 0
	// means 1 MiB. A connection is no faster than Window / Latency. It is fixed
	// when the connection is opened.
	Window int
}

// MaxBandwidth bounds LinkConfig.Bandwidth, in bytes per second: a terabyte, so
// that no product of it leaves 64 bits.
const MaxBandwidth = 1 << 40

// maxQueue bounds LinkConfig.Queue and Chunk for the same reason.
const maxQueue = 1 << 30

// usual fills in what was left out and cuts what is out of range.
func (c LinkConfig) usual() LinkConfig {
	c.Latency, c.Jitter = max(c.Latency, 0), max(c.Jitter, 0)
	c.Bandwidth = min(max(c.Bandwidth, 0), MaxBandwidth)
	if c.Chunk <= 0 {
		c.Chunk = 16 << 10
	}
	if c.Queue <= 0 {
		c.Queue = int(min(max(64<<10, c.Bandwidth/10), maxQueue))
	}
	if c.Window <= 0 {
		c.Window = 1 << 20
	}
	c.Chunk = min(c.Chunk, maxQueue)
	c.Queue = min(max(c.Queue, c.Chunk), maxQueue)
	return c
}

type linkEventKind uint8

const (
	linkSend   linkEventKind = iota // n bytes want to leave
	linkSignal                      // something without bytes: a question, an answer, the end
	linkChange                      // the link is another one from now on
)

// A linkEvent is what happens to a link.
type linkEvent struct {
	kind   linkEventKind
	n      int
	config LinkConfig
}

type linkEffectKind uint8

const (
	linkArrive linkEffectKind = iota // the first n of the bytes arrive at the time at
	linkFull                         // none is taken before the time at: ask again then
)

// A linkEffect is what a link does with an event. A linkSend has exactly one,
// and so has a linkSignal, which is never refused.
type linkEffect struct {
	kind linkEffectKind
	n    int
	at   time.Time
}

// A linkMachine is one direction between two hosts: a queue, a rate and a
// latency. It keeps no bytes and has no deadline: each answer is a time, and
// whoever asked acts on it.
type linkMachine struct {
	config LinkConfig
	key    uint64 // of the link's random numbers
	count  uint64 // of what has got through: each has a number of its own

	free time.Time // when what was taken has left
	part int64     // of a nanosecond that it takes longer, in 1/Bandwidth
}

// newLinkMachine makes a link. key is a hash of the seed and the two hosts.
func newLinkMachine(c LinkConfig, key uint64) *linkMachine {
	return &linkMachine{config: c.usual(), key: key}
}

// Step takes one event and appends its effects to do.
func (m *linkMachine) Step(now time.Time, e linkEvent, do []linkEffect) []linkEffect {
	if m.free.Before(now) {
		m.free, m.part = now, 0
	}
	switch e.kind {
	case linkSend:
		return append(do, m.send(now, e.n))
	case linkSignal:
		return append(do, linkEffect{kind: linkArrive, at: m.arrival()})
	case linkChange:
		m.change(now, e.config.usual())
	}
	return do
}

// Deadline returns zero: a link never acts by itself.
func (m *linkMachine) Deadline() time.Time { return time.Time{} }

// send takes a chunk if there is room in the queue for all of it: a smaller one
// would let full queues cost an event for each few bytes.
func (m *linkMachine) send(now time.Time, n int) linkEffect {
	n = min(n, m.config.Chunk)
	if over := m.left(now) - int64(m.config.Queue-n)*int64(time.Second); over > 0 && m.config.Bandwidth > 0 {
		return linkEffect{kind: linkFull, at: now.Add(time.Duration((over + m.config.Bandwidth - 1) / m.config.Bandwidth))}
	}
	if m.config.Bandwidth > 0 {
		whole := int64(n)*int64(time.Second) + m.part
		m.free = m.free.Add(time.Duration(whole / m.config.Bandwidth))
		m.part = whole % m.config.Bandwidth
	}
	return linkEffect{kind: linkArrive, n: n, at: m.arrival()}
}

// left is how much has not left, what is just leaving included: in bytes times a
// second of nanoseconds, so that nothing is rounded.
func (m *linkMachine) left(now time.Time) int64 {
	return int64(m.free.Sub(now))*m.config.Bandwidth + m.part
}

// waiting is the same in bytes.
func (m *linkMachine) waiting(now time.Time) int {
	return int((m.left(now) + int64(time.Second) - 1) / int64(time.Second))
}

// arrival is when what leaves as the last one by now arrives.
func (m *linkMachine) arrival() time.Time {
	at := m.free.Add(m.config.Latency)
	m.count++ // also without jitter: switching it on later must not move others
	if m.config.Jitter > 0 {
		at = at.Add(time.Duration(mix(m.key+m.count) % uint64(m.config.Jitter+1)))
	}
	return at
}

// change makes it another link. What waits in the queue leaves at the new speed,
// which matters for what comes after it: arrivals that were promised stay.
func (m *linkMachine) change(now time.Time, c LinkConfig) {
	left := m.left(now)
	m.config = c
	m.free, m.part = now, 0
	if c.Bandwidth > 0 {
		m.free = now.Add(time.Duration(left / c.Bandwidth))
		m.part = left % c.Bandwidth
	}
}

// mix spreads a number over 64 bits (the finaliser of splitmix64: Steele, Lea,
// Flood, Fast Splittable Pseudorandom Number Generators, 2014).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
