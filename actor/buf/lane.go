package buf

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// ErrClosed is returned by [Lane.Add] after [Lane.Close].
var ErrClosed = errors.New("buf: the lane is closed for writing")

// small is the size below which a chunk that arrives is copied into a shared
// buffer instead of being kept as a view: a view of a few bytes would hold a
// whole read buffer.
const small = 2 << 10

// slack is how much more memory than its bytes the chunks of a lane may hold,
// before what arrives is copied. Somebody who sends a little to a stream that is
// not read, and the rest of each read buffer to others, would otherwise make a
// window of memory hold many.
const slack = 128 << 10

// FrontRoom is how many bytes a lane with a limit leaves free at the beginning of
// its buffers, see [Chunk.Front]: more than any muxer's head needs.
const FrontRoom = 32

// fullFill is how much a lane with a limit puts into one buffer at most: with its
// head it must fit one batch, or what is left over lies in two.
const fullFill = MaxSize - 128

// A Lane carries bytes from one side to the other beside the mailboxes: owned
// chunks in a queue under a short lock, with a signal for whoever waits. Each
// lane has one producing and one consuming side; either may be used by several
// goroutines, which then share the order.
//
// The producer either waits for room ([Lane.Add] with [Lane.WaitRoom]), or has
// been given permission beforehand and never waits ([Lane.Put]).
type Lane struct {
	limit    int
	readable actor.Signal
	writable actor.Signal

	mu       sync.Mutex
	chunks   []Chunk
	head     int
	bytes    int
	held     int  // memory of the buffers that the chunks lie in
	fill     *Buf // the buffer that small pieces are gathered in
	filled   int  // how far fill is filled
	full     int  // how far it may be
	told     bool // the consumer knows that bytes wait
	closed   bool // nothing more will be added
	cut      error
	last     error     // what Read returns when the closed lane is empty
	refusal  error     // what Add returns when the lane is closed
	readEnd  time.Time // deadlines
	writeEnd time.Time
}

// NewLane makes a lane of the tree that ctx belongs to. A producer that uses Add
// waits while limit bytes or more are in it; with limit 0 there may be none.
func NewLane(ctx context.Context, limit int) *Lane {
	l := &Lane{limit: limit, readable: actor.NewSignal(ctx, "bytes to read")}
	if limit > 0 {
		l.writable = actor.NewSignal(ctx, "room to write")
	}
	return l
}

// wakeWriters wakes those who wait for room, where anybody may.
func (l *Lane) wakeWriters() {
	if l.limit > 0 {
		l.writable.Set()
	}
}

// Len is how many bytes are in the lane.
func (l *Lane) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bytes
}

// Put appends a chunk, whose reference it takes over, and never waits. It
// returns false, and releases the chunk, when the lane is closed or cut.
func (l *Lane) Put(c Chunk) bool {
	l.mu.Lock()
	if l.closed || l.cut != nil {
		l.mu.Unlock()
		c.Release()
		return false
	}
	if c.Len() < small && (c.buf == nil || c.buf.Cap() > 2*c.Len()) || c.Len() > 0 && l.wasteful(c) {
		l.gather(c.Bytes(), c.Len())
		c.Release()
	} else if c.Len() > 0 {
		l.push(c)
		l.bytes += c.Len()
	} else {
		c.Release()
	}
	l.mu.Unlock()
	l.readable.Set()
	return true
}

// wasteful reports whether a chunk would hold too much besides its bytes.
func (l *Lane) wasteful(c Chunk) bool {
	return c.buf != nil && !l.lies(len(l.chunks)-1, c.buf) && l.held+c.buf.Cap()-l.bytes-c.Len() > slack
}

// lies reports whether there is a chunk at a place, in the given buffer.
func (l *Lane) lies(at int, in *Buf) bool {
	return at >= l.head && at < len(l.chunks) && l.chunks[at].buf == in
}

// Add appends as many bytes of p as there is room for, copied, and returns how
// many. tell says that the consumer does not know yet that bytes wait.
func (l *Lane) Add(p []byte) (n int, tell bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.cut != nil:
		return 0, false, l.cut
	case l.closed:
		return 0, false, l.refusal
	}
	n = min(len(p), l.limit-l.bytes)
	if n <= 0 {
		return 0, false, nil
	}
	l.gather(p[:n], n)
	tell = !l.told
	l.told = true
	return n, tell, nil
}

// gather copies p into the fill buffer, extending the last chunk where it can.
// The caller holds the lock.
func (l *Lane) gather(p []byte, expect int) {
	l.bytes += len(p)
	for len(p) > 0 {
		if l.fill == nil || l.filled == l.full {
			l.newFill(min(max(len(p), expect), MaxSize))
		}
		n := copy(l.fill.Bytes()[l.filled:l.full], p)
		p = p[n:]
		if last := len(l.chunks) - 1; last >= l.head && l.chunks[last].buf == l.fill {
			c := &l.chunks[last]
			from := l.filled - len(c.p)
			c.p = l.fill.data[from : l.filled+n : l.filled+n]
		} else {
			l.fill.Retain()
			l.push(l.fill.View(l.filled, l.filled+n))
		}
		l.filled += n
	}
}

// newFill takes a buffer for small pieces: no larger than needed for a lone
// message, larger when bytes are piling up.
func (l *Lane) newFill(size int) {
	l.dropFill()
	if l.bytes > size {
		size = min(l.bytes*2, MaxSize)
	}
	if l.limit == 0 {
		l.fill, l.filled = Get(size), 0
		l.full = l.fill.Cap()
		return
	}
	l.fill, l.filled = Get(min(size, fullFill)+FrontRoom), FrontRoom
	l.fill.front = FrontRoom
	l.full = min(l.fill.Cap(), fullFill+FrontRoom)
}

func (l *Lane) dropFill() {
	if l.fill != nil {
		l.fill.Release()
		l.fill = nil
	}
}

func (l *Lane) push(c Chunk) {
	if l.head > 0 && len(l.chunks) == cap(l.chunks) {
		n := copy(l.chunks, l.chunks[l.head:])
		clear(l.chunks[n:])
		l.chunks, l.head = l.chunks[:n], 0
	}
	if c.buf != nil && !l.lies(len(l.chunks)-1, c.buf) {
		l.held += c.buf.Cap()
	}
	l.chunks = append(l.chunks, c)
}

func (l *Lane) pop() Chunk {
	c := l.chunks[l.head]
	l.chunks[l.head] = Chunk{}
	l.head++
	if c.buf != nil && !l.lies(l.head, c.buf) {
		l.held -= c.buf.Cap()
	}
	if l.head == len(l.chunks) {
		l.chunks, l.head = l.chunks[:0], 0
	}
	return c
}

// WaitRoom waits until Add has a chance, ctx is done, the write deadline has
// come, or the lane has ended.
func (l *Lane) WaitRoom(ctx context.Context) error {
	for {
		l.mu.Lock()
		until := l.writeEnd
		err, room := l.cut, l.bytes < l.limit && !expired(ctx, until)
		if err == nil && l.closed {
			err = l.refusal
		}
		l.mu.Unlock()
		if err != nil || room {
			l.writable.Set() // for others who wait
			return err
		}
		if err := l.writable.Wait(ctx, until); err != nil {
			if l.writeLater(until) {
				continue
			}
			l.writable.Set()
			return err
		}
	}
}

// Late reports whether the write deadline has passed: then nothing more should be
// added, room or not, as with a net.Conn. It never waits.
func (l *Lane) Late(ctx context.Context) bool {
	l.mu.Lock()
	until := l.writeEnd
	l.mu.Unlock()
	return expired(ctx, until)
}

// writeLater reports whether the deadline was moved while it passed.
func (l *Lane) writeLater(until time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !until.IsZero() && !l.writeEnd.Equal(until)
}

// Told notes that the consumer now looks at the lane, and returns how many bytes
// wait: later bytes will be told again.
func (l *Lane) Told() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = false
	return l.bytes
}

// Take appends exactly n bytes, or all there are, to dst as chunks that belong
// to the caller. It never waits.
func (l *Lane) Take(n int, dst []Chunk) []Chunk {
	l.mu.Lock()
	for n > 0 && l.bytes > 0 {
		c := &l.chunks[l.head]
		if k := c.Len(); k <= n {
			dst = append(dst, l.pop())
			n -= k
			l.bytes -= k
		} else {
			dst = append(dst, c.Split(n))
			l.bytes -= n
			n = 0
		}
	}
	if l.bytes == 0 {
		l.dropFill()
	}
	room := l.bytes < l.limit
	l.mu.Unlock()
	if room {
		l.wakeWriters()
	}
	return dst
}

// Read copies waiting bytes into p; it waits while there are none. It returns
// io.EOF when the lane is closed and empty, the reason of a cut at once,
// os.ErrDeadlineExceeded at the read deadline, and the cause of ctx.
func (l *Lane) Read(ctx context.Context, p []byte) (int, error) {
	for {
		l.mu.Lock()
		if l.cut != nil || len(p) == 0 {
			err := l.cut
			l.mu.Unlock()
			l.readable.Set() // for others who wait
			return 0, err
		}
		if l.bytes > 0 && !expired(ctx, l.readEnd) {
			n := l.copyOut(p)
			more := l.bytes > 0 || l.closed
			l.mu.Unlock()
			if more {
				l.readable.Set()
			}
			return n, nil
		}
		if l.closed && l.bytes == 0 {
			last := l.last
			l.mu.Unlock()
			l.readable.Set()
			return 0, last
		}
		until := l.readEnd
		l.mu.Unlock()
		if err := l.readable.Wait(ctx, until); err != nil {
			if l.readLater(until) {
				continue
			}
			l.readable.Set()
			return 0, err
		}
	}
}

// expired reports whether a deadline has passed: then not even bytes that are
// there are given out, as with a net.Conn.
func expired(ctx context.Context, end time.Time) bool {
	return !end.IsZero() && !end.After(actor.Now(ctx))
}

func (l *Lane) readLater(until time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !until.IsZero() && !l.readEnd.Equal(until)
}

// copyOut moves waiting bytes into p. The caller holds the lock.
func (l *Lane) copyOut(p []byte) (n int) {
	for n < len(p) && l.bytes > 0 {
		c := &l.chunks[l.head]
		k := copy(p[n:], c.Bytes())
		n += k
		l.bytes -= k
		if k == c.Len() {
			l.pop().Release()
		} else {
			c.Skip(k)
		}
	}
	if l.bytes == 0 {
		l.dropFill()
	}
	return n
}

// Close says that nothing more will be added. What is in the lane can still be
// read; then comes io.EOF.
func (l *Lane) Close() { l.end(io.EOF, ErrClosed) }

// End is Close with another error than io.EOF at the end. The first one stays.
func (l *Lane) End(last error) { l.end(last, ErrClosed) }

// Refuse is Close with the error that the producing side gets from now on,
// while what it has added already stays for the consumer.
func (l *Lane) Refuse(reason error) {
	l.mu.Lock()
	l.refusal = reason
	l.mu.Unlock()
	l.end(io.EOF, reason)
}

func (l *Lane) end(last, refusal error) {
	l.mu.Lock()
	if !l.closed {
		l.closed, l.last, l.refusal = true, last, refusal
	}
	l.mu.Unlock()
	l.readable.Set()
	l.wakeWriters()
}

// Cut ends the lane at once with a reason: what is in it is dropped and both
// sides get the reason. The first reason stays.
func (l *Lane) Cut(reason error) {
	l.mu.Lock()
	if l.cut == nil {
		l.cut = reason
	}
	for l.bytes > 0 {
		c := l.pop()
		l.bytes -= c.Len()
		c.Release()
	}
	l.dropFill()
	l.mu.Unlock()
	l.readable.Set()
	l.wakeWriters()
}

// SetReadDeadline changes when a Read gives up; the zero time means never.
func (l *Lane) SetReadDeadline(t time.Time) {
	l.mu.Lock()
	l.readEnd = t
	l.mu.Unlock()
	l.readable.Set()
}

// SetWriteDeadline changes when a WaitRoom gives up; the zero time means never.
func (l *Lane) SetWriteDeadline(t time.Time) {
	l.mu.Lock()
	l.writeEnd = t
	l.mu.Unlock()
	l.wakeWriters()
}
