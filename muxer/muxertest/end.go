package muxertest

import (
	"fmt"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// An end is one machine with the model of its engine and its users.
type end struct {
	machine muxer.Machine
	lanes   map[muxer.StreamID]*lane // looked up only
	order   []*lane                  // in the order of their beginning
	queue   []byte                   // sent, not yet carried to the other end

	opened, alive, inbound int
	paused, away, drained  bool
	do                     []muxer.Effect
}

// A lane is one stream at one end: what its user did and what the machine told.
type lane struct {
	id muxer.StreamID

	written, taken int // bytes the user wrote, bytes that went into frames
	closeAsked     bool

	got, read  int // bytes delivered, bytes the user read of them
	unread     []buf.Chunk
	readClosed bool
	eof        bool

	resetAsked bool // by the user
	gone       bool // PeerReset came
	local      bool // and it was the machine's own policy
	forgotten  bool
}

// over reports whether nothing may be delivered or sent on the stream.
func (l *lane) over() bool { return l.resetAsked || l.gone || l.forgotten }

// waiting is how many bytes are in the send lane.
func (l *lane) waiting() int { return l.written - l.taken }

// discard gives the unread bytes back.
func (l *lane) discard() {
	for _, c := range l.unread {
		c.Release()
	}
	l.unread, l.read = nil, l.got
}

// mark is the byte that the user at end from writes at position pos of a
// stream, so that a byte in the wrong place, stream or direction shows.
func mark(from uint8, id muxer.StreamID, pos int) byte {
	return byte(pos*5 + pos>>8*3 + int(id)*59 + int(from)*113 + 1)
}

// outMark is mark for the bytes that leave end on lane l, inMark for those that
// come in; both ends agree on the name of the stream as end 0 has it.
func outMark(end uint8, id muxer.StreamID, pos int) byte { return mark(end, common(end, id), pos) }
func inMark(end uint8, id muxer.StreamID, pos int) byte  { return mark(1-end, common(end, id), pos) }

func common(end uint8, id muxer.StreamID) muxer.StreamID {
	if end == 1 {
		return mirror(id)
	}
	return id
}

// mirror is the other end's name of a stream.
func mirror(id muxer.StreamID) muxer.StreamID { return muxer.NewStreamID(id.Wire(), !id.Opened()) }

// begin notes a stream that the machine opened or accepted.
func (e *end) begin(id muxer.StreamID) (*lane, error) {
	if id.Opened() && e.lanes[id] != nil {
		return nil, fmt.Errorf("number %v was used before", id)
	}
	if l := e.lanes[id]; l != nil && !l.forgotten {
		return nil, fmt.Errorf("stream %v begins while it lives", id)
	}
	l := &lane{id: id}
	e.lanes[id] = l
	e.order = append(e.order, l)
	e.alive++
	if id.Opened() {
		e.opened++
	} else {
		e.inbound++
	}
	return l, nil
}

// live returns a stream that effects may name.
func (e *end) live(id muxer.StreamID) (*lane, error) {
	l := e.lanes[id]
	switch {
	case l == nil:
		return nil, fmt.Errorf("stream %v is unknown here", id)
	case l.forgotten:
		return nil, fmt.Errorf("stream %v is forgotten", id)
	}
	return l, nil
}

// consume reads n of the unread bytes and checks them.
func (e *end) consume(which uint8, l *lane, n int) error {
	for n > 0 {
		c := &l.unread[0]
		k := min(n, c.Len())
		for i, b := range c.Bytes()[:k] {
			if want := inMark(which, l.id, l.read+i); b != want {
				return fmt.Errorf("stream %v, byte %d: read %02x, written %02x", l.id, l.read+i, b, want)
			}
		}
		l.read += k
		n -= k
		if c.Skip(k); c.Len() == 0 {
			c.Release()
			l.unread = l.unread[1:]
		}
	}
	return nil
}
