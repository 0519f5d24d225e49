//go:build !bufdebug

package buf

import "sync"

// Debug reports whether this is the debug build; see the package's description.
// In that build buffers are allocated, so nobody may count allocations.
const Debug = false

// pools holds one free list a class. Byte pools are the only package-level
// state the house allows: they change no behaviour, only where memory comes
// from.
var pools [len(classes)]sync.Pool

// take returns a buffer of a class from the pool, or a new one.
func take(class int) *Buf {
	b, _ := pools[class].Get().(*Buf)
	if b == nil {
		b = &Buf{class: int8(class), data: make([]byte, classes[class])}
	}
	return b
}

// give puts a buffer without references back.
func give(b *Buf) { pools[b.class].Put(b) }

// inspect looks at released memory, in the debug build.
func inspect() {}

// bufTrack, chunkTrack and stack are what the debug build knows of a buffer, of
// one reference to it, and of who releases that. Here they are nothing, and so
// is what they do.
type (
	bufTrack   struct{}
	chunkTrack struct{}
	stack      struct{}
)

func callers() stack { return stack{} }

func (b *Buf) used(string)         {}
func (b *Buf) releasedTwice(stack) { panic("buf: a buffer was released twice") }

func (bufTrack) releasing(*Buf, stack) {}

func newChunkTrack() chunkTrack { return chunkTrack{} }

func (chunkTrack) used(string)   {}
func (chunkTrack) release(stack) {}
