package muxer

import (
	"fmt"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// A StreamID names a stream of one connection inside this process: the ID on
// the wire and which end opened it, so that both ends may use the same number.
type StreamID uint64

// NewStreamID packs the number on the wire and whether this end opened it.
func NewStreamID(wire uint64, opened bool) StreamID {
	id := StreamID(wire << 1)
	if opened {
		id |= 1
	}
	return id
}

// Wire returns the number on the wire.
func (id StreamID) Wire() uint64 { return uint64(id >> 1) }

// Opened reports whether this end opened the stream.
func (id StreamID) Opened() bool { return id&1 == 1 }

// String returns the number, with "<" in front when the remote opened the
// stream: 7, <7.
func (id StreamID) String() string {
	if id.Opened() {
		return fmt.Sprint(id.Wire())
	}
	return fmt.Sprintf("<%d", id.Wire())
}

// EventKind says what happened.
type EventKind uint8

// The events of a muxer, in the order of what they need from an [Event].
const (
	// Received: Data came from the pipe: one read, however many frames or
	// parts of frames it holds. The machine does not take the reference over;
	// what it delivers are views with references of their own.
	Received EventKind = iota
	// Open: a new stream is wanted here. Answered by Opened or Refused.
	Open
	// Ready: N bytes wait in Stream's send lane, all told.
	Ready
	// Room: N bytes fit into the batch that goes out next. The machine answers
	// with Send effects of at most N bytes, heads included.
	Room
	// Consumed: the user has read N more bytes of Stream.
	Consumed
	// CloseWrite: no more bytes from here on Stream after the N that wait now.
	CloseWrite
	// CloseRead: the user will read no more of Stream; what still comes is
	// dropped.
	CloseRead
	// Reset: both directions of Stream end now, with Code.
	Reset
	// GoAway: the connection drains: no new streams from either end. Code says
	// why; 0 is that this end has no more use for it.
	GoAway
	// Tick: the machine's deadline has come.
	Tick
)

// An Event is one input of a muxer machine.
type Event struct {
	Kind   EventKind
	Code   uint32
	Stream StreamID
	N      int
	Data   buf.Chunk
}

// EffectKind says what is to be done.
type EffectKind uint8

// The effects of a muxer.
const (
	// Opened: the stream asked for by this step's Open is Stream.
	Opened EffectKind = iota
	// Refused: this step's Open is refused: too many streams, or, with
	// [CodeShutdown] as its Code, the connection is going away.
	Refused
	// Accept: the remote opened Stream.
	Accept
	// Deliver: Data arrived on Stream. The reference belongs to the receiver
	// of the effect.
	Deliver
	// EOF: the remote closed its write half of Stream; nothing follows what
	// was delivered.
	EOF
	// PeerReset: Stream ended in both directions by the remote with Code, or,
	// when Local is set, by this machine's own policy.
	PeerReset
	// Send: append the frame described by this effect to the batch: its head
	// from AppendHead, then N bytes taken from Stream's send lane.
	Send
	// Pause: read nothing more from the pipe until Resume.
	Pause
	// Resume: reading may go on.
	Resume
	// Forget: nothing more will come or go on Stream; its state is gone.
	Forget
	// Drained: one of the ends goes away (by GoAway, or by what the remote
	// sent), and the last stream is gone.
	Drained
	// Fatal: the connection cannot go on; Err says why. A machine that has a
	// last word for the remote still answers Room with it.
	Fatal
)

// An Effect is one output of a muxer machine. Effects are carried out in order,
// all of them before the next event.
type Effect struct {
	Kind   EffectKind
	Op     uint8  // Send: the muxer's own frame type or flag
	Local  bool   // PeerReset: by this end's policy, not by the remote
	Code   uint32 // PeerReset, Refused: why; Send: the number that the frame carries, if any
	Stream StreamID
	N      int
	Data   buf.Chunk
}
