package conn

import (
	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// kind says what a message to the core is.
type kind uint8

const (
	// received: the reader read into the *reading in ref, or failed. Without it
	// bytes would be lost.
	received kind = iota
	// joined: the reader or the writer is there; ref is its mailbox. Without it
	// nothing would move.
	joined
	// spent: the writer has written the batch in ref, or failed. Without it the
	// core would never send again.
	spent
	// ready: bytes wait in the send lane of the stream in ref. Each stream has at
	// most one under way.
	ready
	// consumed: the user has read n bytes of the stream in ref.
	consumed
	// closeWrite, closeRead and reset are what a stream wants (ref; n is the code).
	closeWrite
	closeRead
	reset
	// open: somebody wants a stream; ref is the *openAsk.
	open
	// tick: the machine's deadline has come.
	tick
	// drain: the time to drain is over.
	drained
	// stop: the connection is told to end.
	stop
)

// message is everything the core receives, by value: 24 bytes.
type message struct {
	kind kind
	n    uint32 // consumed: how many bytes, less than a receive lane holds; reset: the code
	ref  any    // *reading, *muxed, *batch, *openAsk or a part's mailbox
}

// A reading is one read of the pipe: with an empty buffer it is the permission to
// do it, and comes back with what was read.
type reading struct {
	buf *buf.Buf
	n   int
	err error
}

// Undelivered releases the buffer of a reading that the reader ended without.
func (r *reading) Undelivered(error) {
	if r != nil { // not the word of a pipe, see lookout
		r.release()
	}
}

func (r *reading) release() {
	if r.buf != nil {
		r.buf.Release()
	}
	*r = reading{}
}

// Undelivered gives back what a message owns when the core has ended.
func (m message) Undelivered(reason error) {
	switch ref := m.ref.(type) {
	case *reading:
		ref.release()
	case *openAsk:
		ref.Undelivered(reason)
	case *batch:
		ref.release()
	}
}

// openAsk asks the core for a new stream.
type openAsk struct {
	actor.Ask[openRequest, *stream.Stream]
}

type openRequest struct {
	want    []negotiate.Protocol
	pending *negotiate.Pending // lazily opened: the proposal is in first
	first   []byte             // bytes that go out before the user's
}
