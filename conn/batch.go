package conn

import (
	"io"
	"net"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/transport"
)

const (
	// batchBytes is how much goes to the writer at once: a full TCP segment on
	// loopback, and as much as one Noise record holds.
	batchBytes = 65483
	// batchFrames bounds the pieces of one write; the kernel takes 1024.
	batchFrames = 256
	// headBytes is room for the heads and small bodies of one batch; a head has at
	// most 20 bytes besides the name in a new stream's.
	headBytes = 16 << 10
	// keptPieces is how many pieces an empty batch keeps room for, until the
	// connection is idle.
	keptPieces = 16
	// smallBody is the size below which a body is copied next to its head, which
	// costs less than one more piece.
	smallBody = 512
)

// A batch is the frames that go out with one write: heads and small bodies
// gathered in one buffer, large bodies as views. Empty batches coming back are
// the core's permission to send.
type batch struct {
	memory *buf.Buf // of heads; taken with the first frame, given back when written
	heads  []byte   // of headBytes capacity, never moved
	pieces net.Buffers
	chunks []buf.Chunk // owned until written
	size   int
	limit  int // of size
	frames int
	took   time.Duration // to write it
	open   int           // where in heads the piece that still grows begins; -1: none
	last   bool          // nothing to write: the writer ends its half of the pipe instead
	err    error
	taken  []buf.Chunk // scratch
}

func newBatch() *batch { return &batch{open: -1} }

// room is how many bytes still fit.
func (b *batch) room() int {
	if b.frames == batchFrames || cap(b.heads)-len(b.heads) < 2*muxer.MinRoom && b.heads != nil {
		return 0
	}
	return b.limit - b.size
}

// add appends one frame: its head, and its body from the stream's send lane.
func (b *batch) add(m muxer.Machine, send muxer.Effect, lane *buf.Lane) {
	if b.heads == nil {
		b.memory = buf.Get(headBytes)
		b.heads = b.memory.Bytes()[:0:headBytes]
	}
	if b.open < 0 {
		b.open = len(b.heads)
	}
	before := len(b.heads)
	b.heads = m.AppendHead(b.heads, send)
	b.size += len(b.heads) - before + send.N
	b.frames++
	if send.N == 0 {
		return
	}
	b.taken = lane.Take(send.N, b.taken[:0])
	for i, c := range b.taken {
		if i == 0 && c.Len() > smallBody && b.open == before && b.inFront(before, c) {
			continue
		}
		if c.Len() <= smallBody && cap(b.heads)-len(b.heads) >= c.Len()+2*muxer.MinRoom {
			if b.open < 0 {
				b.open = len(b.heads)
			}
			b.heads = append(b.heads, c.Bytes()...)
			c.Release()
			continue
		}
		b.closeOpen()
		b.pieces = append(b.pieces, c.Bytes())
		b.chunks = append(b.chunks, c)
	}
	clear(b.taken)
}

// inFront moves the head that was appended last right before its body, if there
// is room, so that both are one piece: then it can be sealed where it lies.
func (b *batch) inFront(at int, body buf.Chunk) bool {
	head := b.heads[at:]
	whole := body.Front(len(head))
	if whole == nil {
		return false
	}
	copy(whole, head)
	b.heads, b.open = b.heads[:at], -1
	b.pieces = append(b.pieces, whole)
	b.chunks = append(b.chunks, body)
	return true
}

// closeOpen turns the gathered bytes into a piece.
func (b *batch) closeOpen() {
	if b.open >= 0 && len(b.heads) > b.open {
		b.pieces = append(b.pieces, b.heads[b.open:len(b.heads):len(b.heads)])
	}
	b.open = -1
}

// release gives everything back and makes the batch empty.
func (b *batch) release() {
	for _, c := range b.chunks {
		c.Release()
	}
	clear(b.chunks)
	clear(b.pieces)
	if b.frames <= keptPieces/2 && cap(b.pieces) > keptPieces {
		b.trim() // less is going on than before
	}
	b.chunks, b.pieces = b.chunks[:0], b.pieces[:0]
	if b.memory != nil {
		b.memory.Release()
		b.memory, b.heads = nil, nil
	}
	b.size, b.frames, b.open, b.last, b.err = 0, 0, -1, false, nil
}

// trim forgets the room that an empty batch has kept.
func (b *batch) trim() { b.chunks, b.pieces, b.taken = nil, nil, nil }

// Undelivered releases a batch that the writer ended without.
func (b *batch) Undelivered(error) { b.release() }

// judge notes how the writing of the batch went.
func (b *batch) judge(n int64, err error) {
	switch {
	case err != nil:
		b.err = err
	case n < int64(b.size):
		b.err = io.ErrShortWrite
	case n > int64(b.size):
		b.err = errCount
	}
}

// writePieces writes a batch, together where the pipe can.
func writePieces(w io.Writer, b *batch) (int64, error) {
	if together, can := w.(transport.Gatherer); can && len(b.pieces) > 1 {
		return together.WriteBuffers(b.pieces)
	}
	return writeWhole(w, b)
}

// writeWhole writes a batch as one piece, for pipes that take only one.
func writeWhole(w io.Writer, b *batch) (int64, error) {
	if len(b.pieces) == 1 {
		n, err := w.Write(b.pieces[0])
		return int64(n), err
	}
	whole := buf.Get(b.size)
	defer whole.Release()
	n := 0
	for _, p := range b.pieces {
		n += copy(whole.Bytes()[n:], p)
	}
	n, err := w.Write(whole.Bytes()[:n])
	return int64(n), err
}
