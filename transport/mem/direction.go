package mem

import (
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// A direction is one way of a pipe: the bytes that were written at one end and
// not yet read at the other, and when they arrive. The pipe's lock guards it.
type direction struct {
	limit   int
	delay   Delay // nil: bytes arrive at once
	readers Crowd // for bytes, the end, a close, a new deadline
	writers Crowd // for room, their turn, a close, a new deadline

	chunks   []piece
	bytes    int       // in chunks
	arrivals []arrival // of the bytes in order, with a delay only
	arrived  int       // bytes of chunks that have arrived, with a delay only
	latest   time.Time // nothing arrives before what was sent before it

	turns []uint64 // of the Writes under way: the first one's bytes go out, together
	turn  uint64   // the last one given

	ended bool      // nothing more will be written
	endAt time.Time // when the reading end learns of that
	cut   bool      // the reading end is closed: bytes are thrown away

	gone   bool      // the writing end is closed, and reads no more either
	goneAt time.Time // when the reading end learns of that
	reset  bool      // it was closed by a reset

	readEnd, writeEnd time.Time // deadlines; zero: none
}

// A piece is a part of a buffer that is filled from one end and read from the
// other.
type piece struct {
	buf      *buf.Buf
	from, to int
}

// An arrival is when the next n bytes can be read.
type arrival struct {
	n  int
	at time.Time
}

// enter gives a Write its turn: after those that are under way.
func (d *direction) enter() (turn uint64) {
	d.turn++
	d.turns = append(d.turns, d.turn)
	return d.turn
}

// leave ends a turn, or gives it up.
func (d *direction) leave(turn uint64) {
	i := slices.Index(d.turns, turn)
	d.turns = slices.Delete(d.turns, i, i+1)
	if len(d.turns) > 0 {
		d.writers.Wake()
	}
}

// send takes over as many bytes of p as have room and the delay lets through
// now. When it takes none, again is when to try once more if nobody reads.
func (d *direction) send(now time.Time, p []byte) (n int, again time.Time) {
	n = min(len(p), d.limit-d.bytes)
	if n <= 0 {
		return 0, time.Time{}
	}
	if d.delay != nil {
		took, at := d.delay(now, n)
		if took <= 0 {
			return 0, at
		}
		n = min(took, n)
		d.latest = later(d.latest, at)
	}
	d.bytes += n
	if d.cut {
		return n, time.Time{}
	}
	if d.delay != nil {
		d.arrivals = append(d.arrivals, arrival{n, d.latest})
	}
	d.store(p[:n])
	return n, time.Time{}
}

// store copies p to the end of the chunks.
func (d *direction) store(p []byte) {
	for len(p) > 0 {
		last := len(d.chunks) - 1
		if last < 0 || d.chunks[last].to == d.chunks[last].buf.Cap() {
			d.chunks = append(d.chunks, piece{buf: buf.Get(min(len(p), buf.MaxSize))})
			last++
		}
		c := &d.chunks[last]
		n := copy(c.buf.Bytes()[c.to:], p)
		c.to += n
		p = p[n:]
	}
}

// receive moves bytes that have arrived into p. When there are none, next is
// when the first of those on their way arrives; zero: none is on its way.
func (d *direction) receive(now time.Time, p []byte) (n int, next time.Time) {
	have := d.bytes
	if d.delay != nil {
		have = d.arrive(now)
	}
	p = p[:min(len(p), have)]
	for n < len(p) {
		c := &d.chunks[0]
		k := copy(p[n:], c.buf.Bytes()[c.from:c.to])
		n += k
		c.from += k
		if c.from == c.to {
			d.pop()
		}
	}
	d.bytes -= n
	if d.delay != nil {
		d.arrived -= n
		if n == 0 && len(d.arrivals) > 0 {
			next = d.arrivals[0].at
		}
	}
	return n, next
}

// arrive counts what has arrived by now and returns how much there is.
func (d *direction) arrive(now time.Time) int {
	i := 0
	for ; i < len(d.arrivals) && !d.arrivals[i].at.After(now); i++ {
		d.arrived += d.arrivals[i].n
	}
	if i > 0 {
		d.arrivals = append(d.arrivals[:0], d.arrivals[i:]...)
	}
	return d.arrived
}

// pop gives the first chunk back. What is left moves up, so that the slice is
// reused for ever; it is short, because a chunk holds up to 64 KiB.
func (d *direction) pop() {
	d.chunks[0].buf.Release()
	last := copy(d.chunks, d.chunks[1:])
	d.chunks[last] = piece{}
	d.chunks = d.chunks[:last]
}

// end notes that nothing more will be written: after the bytes that are on their
// way the reader sees the end.
func (d *direction) end(now time.Time) {
	d.ended = true
	d.endAt = d.news(now)
}

// close notes that the writing end is closed, perhaps after its end.
func (d *direction) close(now time.Time, reset bool) {
	if !d.ended {
		d.end(now)
		d.goneAt = d.endAt
	} else {
		d.goneAt = d.news(now)
	}
	d.gone, d.reset = true, reset
}

// news is when something without bytes arrives that is sent now: not before
// anything that was sent earlier.
func (d *direction) news(now time.Time) time.Time {
	if d.delay == nil {
		return time.Time{}
	}
	_, at := d.delay(now, 0)
	d.latest = later(d.latest, at)
	return d.latest
}

// endKnown reports whether the news of the end has arrived.
func (d *direction) endKnown(now time.Time) bool {
	return d.ended && (d.delay == nil || !d.endAt.After(now))
}

// goneKnown reports whether the news that the writing end is closed has arrived.
func (d *direction) goneKnown(now time.Time) bool {
	return d.gone && (d.delay == nil || !d.goneAt.After(now))
}

// drop throws away what is in the direction and what will come. It makes no
// room: a writer that waits for some learns of the close when its news arrives.
func (d *direction) drop() {
	d.cut = true
	for len(d.chunks) > 0 {
		d.pop()
	}
	d.arrivals = nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// sooner returns the earlier of two times of which zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
