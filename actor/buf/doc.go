// Package buf is the memory that bytes travel in: pooled, reference-counted
// buffers and the views into them.
//
//	      Get(64 KiB)                Slice, Retain             Release (last one)
//	pool ───────────▶ Buf ─▶ Chunk ───────────────▶ Chunk … ────────────────────▶ pool
//
// A buffer is a message: whoever holds a [Chunk] owns one reference to the
// memory behind it and must give it back once, with [Chunk.Release]. Handing a
// chunk over (to a mailbox, a [Lane], an effect) hands the reference over too.
// A second release of the same reference panics as soon as the count shows it.
//
// # The debug build
//
// With the build tag bufdebug every reference is known by itself, and memory is
// used once: the last release overwrites it and puts it into quarantine, from
// which it goes to the garbage collector.
//
//	go test -tags bufdebug ./...
//
//	a second release of a reference      panics, with the stacks of both
//	a use of a released Chunk or Buf     panics, with the stack of the release
//	a write into released memory         panics when the memory is looked at next:
//	                                     in its turn, and in [Live]
//	a read of released or fresh memory   finds nothing but poison
//
// No actor survives such a panic: it ends the process. [Debug] says which build
// this is.
//
// # Limits
//
// A buffer holds at most [MaxSize] bytes. A released buffer keeps its
// old bytes, so nobody may read beyond what was written into a view.
package buf
