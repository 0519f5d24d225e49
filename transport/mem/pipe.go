package mem

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// ErrReset is why a call fails when the other end ended the connection with a
// reset instead of a close: what an end that crashed, or had enough, looks like.
var ErrReset = errors.New("the other end reset the connection")

// A Conn is one end of a [Pipe]: a [net.Conn] that can be half-closed, and reset.
type Conn interface {
	net.Conn
	// CloseWrite says that no more will be written here; the other end reads
	// io.EOF after the last byte, and may go on writing. Writes at this end fail
	// with io.ErrClosedPipe. It does not wait, and may be called again.
	CloseWrite() error
	// Reset is Close, except that the other end learns of it as [ErrReset]: in its
	// writes, and in its reads after what was sent before.
	Reset() error
}

// DefaultLimit is how many unread bytes a direction of a pipe holds where
// nothing else was said: about what sockets of today begin with.
const DefaultLimit = 64 << 10

// A Delay decides when bytes arrive. It is asked for each piece that is sent,
// in order: n bytes are there at the time now. It answers how many of them it
// takes (1 to n) and when those can be read; the rest is asked for again. When
// it takes none, at is when to ask again. n is 0 for the end of the bytes, which
// it must take.
//
// Nothing overtakes: a piece that would arrive before an earlier one arrives
// with it. A Delay is called under the pipe's lock, from either end: it must not
// wait, nor use the pipe.
type Delay func(now time.Time, n int) (took int, at time.Time)

// Options are how a pipe differs from the usual one. The zero value is a pipe
// of [DefaultLimit] bytes each way in which bytes arrive at once.
type Options struct {
	// Limit is how many bytes of a direction may be on their way or unread; 0
	// means [DefaultLimit].
	Limit int
	// A and B are the addresses of the two ends; nil is an [Addr] without number.
	A, B net.Addr
	// AtoB and BtoA delay the bytes that one end sends to the other; nil: not at
	// all.
	AtoB, BtoA Delay
}

// Pipe returns the two ends of a connection in memory. ctx says on which carrier
// and clock it works, and is kept as long as the pipe: pass that of an actor
// which lives as long. Its end means nothing.
//
// Errors are *net.OpError around [net.ErrClosed] after this end's Close,
// [os.ErrDeadlineExceeded] at a deadline, [io.ErrClosedPipe] for a Write when the
// other end is closed or this one is half-closed, and [ErrReset] when the other
// end was reset. Read returns bare io.EOF when the other end is closed, or
// half-closed, and all it sent was read. Close drops what this end has not read,
// and may be called again.
func Pipe(ctx context.Context, o Options) (a, b Conn) {
	if o.Limit <= 0 {
		o.Limit = DefaultLimit
	}
	if o.A == nil {
		o.A = Addr(0)
	}
	if o.B == nil {
		o.B = Addr(0)
	}
	p := &pipe{ctx: ctx}
	for i, delay := range []Delay{o.AtoB, o.BtoA} {
		p.ways[i] = direction{
			limit:   o.Limit,
			delay:   delay,
			readers: Crowd{ctx: ctx, what: "bytes of a pipe"},
			writers: Crowd{ctx: ctx, what: "room in a pipe"},
		}
	}
	out, back := &p.ways[0], &p.ways[1]
	return &conn{pipe: p, out: out, in: back, local: o.A, remote: o.B},
		&conn{pipe: p, out: back, in: out, local: o.B, remote: o.A}
}

// A pipe is what its two ends share.
type pipe struct {
	ctx  context.Context
	mu   sync.Mutex // guards ways; never held over a wait
	ways [2]direction
}

// A conn is one end.
type conn struct {
	*pipe
	in, out       *direction
	local, remote net.Addr
}

// closed reports whether this end is closed.
func (c *conn) closed() bool { return c.out.gone }

// clock returns the time, or zero where nothing depends on it: a pipe without
// delays and deadlines never asks.
func (c *conn) clock(d *direction, end time.Time) time.Time {
	if end.IsZero() && d.delay == nil && c.in.delay == nil {
		return time.Time{}
	}
	return actor.Now(c.ctx)
}

// over says why a call at this end cannot go on, apart from the other end.
func (c *conn) over(now, end time.Time) error {
	switch {
	case c.closed():
		return net.ErrClosed
	case !end.IsZero() && !end.After(now):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// left says how a write fails once the other end is closed.
func (d *direction) left() error {
	if d.reset {
		return ErrReset
	}
	return io.ErrClosedPipe
}

// Read waits for bytes; it returns io.EOF after the other end's last one.
func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.in
	for {
		now := c.clock(d, d.readEnd)
		if err := c.over(now, d.readEnd); err != nil {
			return 0, c.failed("read", err)
		}
		if len(p) == 0 {
			return 0, nil
		}
		n, next := d.receive(now, p)
		if n > 0 {
			d.writers.Wake()
			return n, nil
		}
		if next.IsZero() && d.ended {
			switch {
			case d.reset && d.goneKnown(now):
				return 0, c.failed("read", ErrReset)
			case d.endKnown(now):
				return 0, io.EOF
			}
			next = d.endAt
		}
		d.readers.Wait(&c.mu, context.Background(), sooner(next, d.readEnd))
	}
}

// Write waits until all of p is taken over. Writes take turns in the order they
// came.
func (c *conn) Write(p []byte) (n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.out
	turn := d.enter()
	defer d.leave(turn)
	for d.turns[0] != turn {
		if err := c.over(c.clock(d, d.writeEnd), d.writeEnd); err != nil {
			return 0, c.failed("write", err)
		}
		d.writers.Wait(&c.mu, context.Background(), d.writeEnd)
	}
	for {
		now := c.clock(d, d.writeEnd)
		if err := c.unwritable(now); err != nil {
			return n, c.failed("write", err)
		}
		if n == len(p) {
			return n, nil
		}
		k, again := d.send(now, p[n:])
		if k > 0 {
			n += k
			d.readers.Wake()
			continue
		}
		if c.in.gone {
			again = sooner(again, c.in.goneAt)
		}
		d.writers.Wait(&c.mu, context.Background(), sooner(again, d.writeEnd))
	}
}

// unwritable says why nothing can be written at this end any more.
func (c *conn) unwritable(now time.Time) error {
	switch err := c.over(now, c.out.writeEnd); {
	case err != nil:
		return err
	case c.in.goneKnown(now):
		return c.in.left()
	case c.out.ended:
		return io.ErrClosedPipe
	}
	return nil
}

// Close closes this end in both directions and wakes everybody.
func (c *conn) Close() error { return c.close(false) }

// Reset does the same, and tells the other end that it was no orderly end.
func (c *conn) Reset() error { return c.close(true) }

// CloseWrite closes the direction that this end writes.
func (c *conn) CloseWrite() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	d := c.out
	switch {
	case c.closed():
		return c.failed("close", net.ErrClosed)
	case d.ended:
		return nil
	}
	d.end(c.clock(d, time.Time{}))
	d.readers.Wake()
	d.writers.Wake()
	return nil
}

func (c *conn) close(reset bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed() {
		return nil
	}
	c.out.close(c.clock(c.out, time.Time{}), reset)
	c.in.drop()
	for i := range c.ways {
		c.ways[i].readers.Wake()
		c.ways[i].writers.Wake()
	}
	return nil
}

func (c *conn) LocalAddr() net.Addr  { return c.local }
func (c *conn) RemoteAddr() net.Addr { return c.remote }

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, true, true) }

// SetReadDeadline ends Reads at t; the zero time never does.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, true, false) }

// SetWriteDeadline ends Writes at t; the zero time never does.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, false, true) }

func (c *conn) setDeadlines(t time.Time, read, write bool) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed() {
		return c.failed("set", net.ErrClosed)
	}
	if read {
		c.in.readEnd = t
		c.in.readers.Wake()
	}
	if write {
		c.out.writeEnd = t
		c.out.writers.Wake()
	}
	return nil
}

func (c *conn) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: c.local.Network(), Source: c.local, Addr: c.remote, Err: err}
}
