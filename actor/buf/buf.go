package buf

import (
	"fmt"
	"sync/atomic"
)

// MaxSize is the largest buffer that [Get] gives, in bytes: one network read or
// one batch of frames.
const MaxSize = 64 << 10

// classes are the sizes that the pool keeps. Few classes keep the pool warm;
// the steps follow the uses: a frame head or a small message, an idle
// connection's read permit, a middling read, a full read.
var classes = [...]int{512, 4 << 10, 16 << 10, MaxSize}

// live counts the buffers that are out of the pool, for leak checks in tests.
var live atomic.Int64

// A Buf is pooled memory with a reference count. Its zero value is not usable;
// it comes from [Get].
type Buf struct {
	track bufTrack // of the debug build; takes no room in others
	refs  atomic.Int32
	class int8
	front int16 // bytes in front of the first view that nobody uses
	data  []byte
}

// Get returns a buffer of at least size bytes, at most [MaxSize], with one
// reference that belongs to the caller. Its bytes are whatever was there before.
// A larger size panics: it is a mistake of the caller, never of a peer.
func Get(size int) *Buf {
	for i, c := range classes {
		if size > c {
			continue
		}
		b := take(i)
		b.refs.Store(1)
		b.front = 0
		live.Add(1)
		return b
	}
	panic(fmt.Sprintf("buf: Get(%d) is over the limit of %d bytes", size, MaxSize))
}

// Live returns how many buffers are in somebody's hands. A test that ends with
// more of them than it began with has lost one.
func Live() int64 {
	inspect()
	return live.Load()
}

// Bytes returns the whole memory of the buffer. Only a sole owner may write it.
func (b *Buf) Bytes() []byte {
	b.used("read or written")
	return b.data
}

// Cap returns how many bytes the buffer holds.
func (b *Buf) Cap() int { return len(b.data) }

// Sole reports whether the caller's reference is the only one, so that the
// memory may be written again.
func (b *Buf) Sole() bool { return b.refs.Load() == 1 }

// Retain takes another reference.
func (b *Buf) Retain() {
	b.used("retained")
	b.refs.Add(1)
}

// Release gives one reference back; the last one returns the memory to the
// pool. Releasing more often than retaining panics.
func (b *Buf) Release() { b.release(callers()) }

func (b *Buf) release(by stack) {
	b.track.releasing(b, by)
	switch n := b.refs.Add(-1); {
	case n == 0:
		live.Add(-1)
		give(b)
	case n < 0:
		b.releasedTwice(by)
	}
}

// View returns the bytes from..to as a chunk and hands the caller's reference
// over to it.
func (b *Buf) View(from, to int) Chunk {
	b.used("viewed")
	return Chunk{track: newChunkTrack(), buf: b, p: b.data[from:to:to]}
}

// A Chunk is a view into a [Buf] that owns one reference to it. The zero value
// is an empty chunk that owns nothing. It is a value of 32 bytes; copying it
// does not copy the reference, so of two copies only one may be released.
type Chunk struct {
	track chunkTrack // of the debug build; takes no room in others
	buf   *Buf
	p     []byte
}

// Static returns a chunk over bytes that no pool owns, as tests and constants
// need it. Releasing it does nothing.
func Static(p []byte) Chunk { return Chunk{p: p} }

// Copy returns a chunk that holds a copy of p. It panics over [MaxSize].
func Copy(p []byte) Chunk {
	b := Get(len(p))
	return b.View(0, copy(b.data, p))
}

// Bytes returns the bytes of the view. They are valid until Release.
func (c Chunk) Bytes() []byte {
	c.track.used("read")
	return c.p
}

// Front returns the bytes of the view with n bytes before them that are nobody
// else's, for a head that goes in front of them; nil where there are none. Of the
// chunks that a lane with a limit has gathered, those at the beginning of a buffer
// have [FrontRoom]. What is written there lasts as long as the chunk.
func (c Chunk) Front(n int) []byte {
	c.track.used("extended")
	if c.buf == nil || len(c.p) == 0 || n > int(c.buf.front) || &c.p[0] != &c.buf.data[c.buf.front] {
		return nil
	}
	from := int(c.buf.front) - n
	to := int(c.buf.front) + len(c.p)
	return c.buf.data[from:to:to]
}

// Len returns how many bytes the view has.
func (c Chunk) Len() int { return len(c.p) }

// Retain takes another reference and returns a chunk that owns it, with the
// same view.
func (c Chunk) Retain() Chunk { return c.Slice(0, len(c.p)) }

// Slice returns the part from..to of the view with a reference of its own; c
// keeps its own one.
func (c Chunk) Slice(from, to int) Chunk {
	part := Chunk{buf: c.buf, p: c.p[from:to:to]}
	if c.buf != nil {
		c.track.used("sliced or retained")
		c.buf.Retain()
		part.track = newChunkTrack()
	}
	return part
}

// Split cuts the view at n: the first n bytes are returned with a reference of
// their own, c keeps the rest.
func (c *Chunk) Split(n int) Chunk {
	head := c.Slice(0, n)
	c.p = c.p[n:]
	return head
}

// Skip drops the first n bytes of the view.
func (c *Chunk) Skip(n int) {
	c.track.used("cut")
	c.p = c.p[n:]
}

// Release gives the chunk's reference back. The bytes must not be used after.
func (c Chunk) Release() {
	if c.buf != nil {
		by := callers()
		c.track.release(by)
		c.buf.release(by)
	}
}

// Undelivered releases a buffer that was sent to an actor which ended first.
func (b *Buf) Undelivered(error) { b.Release() }
