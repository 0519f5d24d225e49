package sim

import (
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// LinkConfig is what one direction between two hosts does to bytes. The zero
// value is a link without latency, without limit of speed and without accidents.
type LinkConfig struct {
	// Latency is how long a byte is on its way once it has left.
	Latency time.Duration
	// Jitter is added to the latency of each chunk and each datagram: something
	// from 0 to it, evenly.
	Jitter time.Duration
	// Bandwidth is in bytes per second, at most [MaxBandwidth]; 0 means no limit
	// but those of the two hosts ([Access]).
	Bandwidth int64
	// Queue is how many bytes may wait to leave; 0 means what leaves within
	// 100 ms, and at least 64 KiB. It says nothing without a bandwidth. The bytes
	// of a connection wait for room, a datagram that finds none is lost.
	Queue int
	// Chunk is how many bytes of a connection travel as one and arrive together;
	// 0 means 16 KiB, more than 64 KiB are 64 KiB. Smaller ones are closer to
	// packets and cost more events.
	Chunk int
	// Window is how many bytes of one connection may be on their way or unread; 0
	// means 1 MiB. A connection is no faster than Window / round trip. It is fixed
	// when the connection is opened.
	Window int
	// MTU is the largest datagram, in bytes of payload; 0 means 1472, which with
	// the headers of IPv4 and UDP is Ethernet's 1500 (RFC 894, RFC 791, RFC 768).
	// A larger one is lost, and nothing else is: it holds up nobody.
	MTU int
	// Loss is the chance that a datagram, or a segment of a connection, is lost.
	Loss PPM
	// Burst makes losses come together.
	Burst Burst
	// Duplicate is the chance that a datagram arrives twice.
	Duplicate PPM
	// Reorder is the chance that a datagram is held back for ReorderBy, so that
	// later ones overtake it. 0 means for 5 ms.
	Reorder   PPM
	ReorderBy time.Duration
	// Flip is the chance that a chunk or a datagram arrives with one bit changed
	// that no checksum of the network has found.
	Flip PPM
}

// A Burst is a link with two states, of which one is bad (Gilbert, Capacity of a
// Burst-Noise Channel, 1960; Elliott, Estimates of Error Rates for Codes on
// Burst-Noise Channels, 1963). LinkConfig.Loss is the loss of the good state.
// The bad one lasts 1,000,000/End packets on average. The zero value has none.
type Burst struct {
	// Begin is the chance that a packet finds the state turned bad, End that it
	// finds it turned good again.
	Begin, End PPM
	// Loss is the chance of a loss in the bad state; 0 means always.
	Loss PPM
}

// MaxBandwidth bounds LinkConfig.Bandwidth, in bytes per second: a terabyte, so
// that no product of it leaves 64 bits.
const MaxBandwidth = 1 << 40

// maxQueue bounds LinkConfig.Queue for the same reason.
const maxQueue = 1 << 30

// usualMTU is the payload of a datagram in an Ethernet frame.
const usualMTU = 1500 - 20 - 8

// usual fills in what was left out and cuts what is out of range.
func (c LinkConfig) usual() LinkConfig {
	c.Latency, c.Jitter = max(c.Latency, 0), max(c.Jitter, 0)
	c.Bandwidth = min(max(c.Bandwidth, 0), MaxBandwidth)
	if c.Chunk <= 0 {
		c.Chunk = 16 << 10
	}
	if c.Queue <= 0 {
		c.Queue = usualLimit(c.Bandwidth)
	}
	if c.Window <= 0 {
		c.Window = 1 << 20
	}
	if c.MTU <= 0 {
		c.MTU = usualMTU
	}
	if c.ReorderBy <= 0 {
		c.ReorderBy = 5 * time.Millisecond
	}
	if c.Burst.Loss == 0 {
		c.Burst.Loss = certain
	}
	c.Chunk = min(c.Chunk, buf.MaxSize)
	c.Queue = min(max(c.Queue, c.Chunk), maxQueue)
	return c
}

// segment is how many bytes of a connection are lost as one: a datagram's room
// less what the header of TCP is longer than that of UDP (RFC 9293, RFC 768).
func (c LinkConfig) segment() int { return max(c.MTU-12, 1) }
