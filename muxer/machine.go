package muxer

import (
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
)

// MinRoom is the least room, in bytes, with which every machine makes progress:
// a head of any frame and one byte of body fit.
const MinRoom = 64

// A Machine routes frames between one pipe and many streams. It is pure: it
// starts nothing, waits for nothing and reads no clock.
//
// The engine (package conn) feeds it one event at a time and carries out all
// its effects before the next one.
type Machine interface {
	// Step appends the effects of one event to do and returns it. now never
	// goes backwards.
	Step(now time.Time, event Event, do []Effect) []Effect

	// Deadline is when the machine wants a Tick; the zero time means never.
	Deadline() time.Time

	// Pending reports whether anything waits to be sent: a Room event of at
	// least MinRoom bytes would produce a Send. It costs nothing, so that the
	// engine may ask after every step and never offers room in vain.
	Pending() bool

	// AppendHead appends the wire form of a Send effect, without its body. It
	// changes nothing and may be called at any time after the effect.
	AppendHead(dst []byte, send Effect) []byte

	// Err is why Fatal was emitted: a [*ProtocolError] when the remote broke a
	// rule, a [*GoAwayError] when it ended the connection, a [*SilentError] when
	// it does not answer. nil before.
	Err() error

	// Streams is how many streams are alive.
	Streams() int
}

// A Factory makes the machines of one muxer.
type Factory struct {
	// Protocol is the ID that is negotiated for the muxer.
	Protocol negotiate.Protocol
	// New makes the machine of one connection.
	New func(role negotiate.Role, limits Limits) Machine
}

// Limits bound what one connection may hold. The zero value of each field
// stands for its default.
type Limits struct {
	// Inbound is how many streams the remote may have open; 0 means 256.
	// More are refused with a reset, the connection lives on.
	Inbound int
	// Outbound is how many streams this end may have open; 0 means 1024.
	Outbound int
	// StreamBuffer is how many received bytes may wait unread on one stream of
	// a muxer without flow control; 0 means 1 MiB. What happens then is the
	// muxer's policy. A muxer with flow control holds to its windows instead.
	StreamBuffer int
	// WindowBudget is how many bytes the receive windows of one connection may
	// be larger, all together, than streams begin with; 0 means 32 MiB. It
	// bounds what a connection's streams may hold unread beyond their number
	// times the first window. Only muxers whose windows grow use it.
	WindowBudget int
	// Lender, if not nil, is asked besides before windows grow. It is what several
	// connections share.
	Lender Lender
	// SlowReader is how long a muxer without flow control stops reading for a
	// stream whose buffer is full before it resets that stream; 0 means 5 s.
	SlowReader time.Duration
	// Frame is the largest body this end sends in one frame; 0 means 64 KiB.
	Frame int
}

// A Lender lends bytes that windows grow by. It answers at once, and the same
// answers make the same machine.
type Lender interface {
	// Lend takes n bytes and reports whether it could; n < 0 gives back, which
	// always can.
	Lend(n int) bool
}

// WithDefaults returns the limits with each zero field replaced.
func (l Limits) WithDefaults() Limits {
	if l.Inbound == 0 {
		l.Inbound = 256
	}
	if l.Outbound == 0 {
		l.Outbound = 1024
	}
	if l.StreamBuffer == 0 {
		l.StreamBuffer = 1 << 20
	}
	if l.WindowBudget == 0 {
		l.WindowBudget = 32 << 20
	}
	if l.SlowReader == 0 {
		l.SlowReader = 5 * time.Second
	}
	if l.Frame == 0 {
		l.Frame = 64 << 10
	}
	return l
}
