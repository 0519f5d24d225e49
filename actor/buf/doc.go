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
// Limits: a buffer holds at most [MaxSize] bytes. A released buffer keeps its
// old bytes, so nobody may read beyond what was written into a view.
package buf
