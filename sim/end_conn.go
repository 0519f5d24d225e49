package sim

import (
	"context"
	"io"
	"net"
	"os"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/transport/mem"
)

var _ mem.Conn = (*end)(nil)

// wrong says why a call at this end cannot go on, whatever the other one does.
func (e *end) wrong(now, deadline time.Time) error {
	switch {
	case e.closed:
		return net.ErrClosed
	case !deadline.IsZero() && !deadline.After(now):
		return os.ErrDeadlineExceeded
	}
	return nil
}

// Read waits for bytes. It returns io.EOF after the other end's last one, and
// after a reset what has come before it.
func (e *end) Read(p []byte) (int, error) {
	t := e.host
	t.mu.Lock()
	defer t.mu.Unlock()
	for {
		now := actor.Now(t.ctx)
		if err := e.wrong(now, e.readEnd); err != nil {
			return 0, e.failed("read", err)
		}
		if len(p) == 0 {
			return 0, nil
		}
		until := e.readEnd
		if e.unread > 0 {
			allowed, next := t.slow.allow(now, len(p))
			if allowed > 0 {
				return e.read(p[:allowed]), nil
			}
			until = sooner(until, next)
		} else if e.over != nil {
			return 0, e.failed("read", e.over)
		} else if e.ended {
			return 0, io.EOF
		}
		e.readers.Wait(&t.mu, context.Background(), until)
	}
}

// OnReadable implements [transport.Notifier].
func (e *end) OnReadable(f func()) bool {
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	if e.readable = f; e.unread > 0 || e.closed || e.ended || e.over != nil {
		e.wakeReaders()
	}
	return true
}

// read copies what is there.
func (e *end) read(p []byte) (n int) {
	for n < len(p) && len(e.chunks) > 0 {
		c := &e.chunks[0]
		k := copy(p[n:], c.Bytes())
		n += k
		if c.Skip(k); c.Len() == 0 {
			c.Release()
			last := copy(e.chunks, e.chunks[1:])
			e.chunks[last] = buf.Chunk{}
			e.chunks = e.chunks[:last]
		}
	}
	e.unread -= n
	e.owed += n
	e.host.slow.took(actor.Now(e.host.ctx), n)
	if e.over == nil && !e.stalled() {
		e.sendCredit()
	}
	return n
}

// Write waits until all of p is taken over. Writes take turns in the order they
// came.
func (e *end) Write(p []byte) (n int, err error) {
	t := e.host
	t.mu.Lock()
	defer t.mu.Unlock()
	e.turn++
	turn := e.turn
	e.turns = append(e.turns, turn)
	defer e.leave(turn)
	for {
		if err := e.wrong(actor.Now(t.ctx), e.writeEnd); err != nil {
			return n, e.failed("write", err)
		}
		var again time.Time
		if e.turns[0] == turn {
			if err := e.failure(); err != nil {
				return n, e.failed("write", err)
			}
			if n == len(p) {
				return n, nil
			}
			var k int
			if k, again = e.write(p[n:]); k > 0 {
				n += k
				continue
			}
			if e.over != nil {
				continue
			}
		}
		e.writers.Wait(&t.mu, context.Background(), sooner(t.local(again), e.writeEnd))
	}
}

// TryWrite implements [transport.TryWriter].
func (e *end) TryWrite(p []byte) (n int, err error) {
	t := e.host
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(e.turns) > 0 {
		return 0, nil
	}
	for n < len(p) {
		err := e.wrong(actor.Now(t.ctx), e.writeEnd)
		if err == nil {
			err = e.failure()
		}
		if err != nil {
			return n, e.failed("write", err)
		}
		k, _ := e.write(p[n:])
		if k == 0 {
			break
		}
		n += k
	}
	return n, nil
}

// write takes over some of p, or says when to try again, if that is known.
func (e *end) write(p []byte) (n int, again time.Time) {
	n = min(len(p), e.window-e.under, buf.MaxSize)
	if n <= 0 || len(e.held) > 0 && !e.stalled() {
		return 0, time.Time{}
	}
	if !e.stalled() {
		k, again := e.send(n, func(n int) buf.Chunk { return buf.Copy(p[:n]) })
		if k > 0 || !e.stalled() || e.over != nil {
			e.under += k
			return k, again
		}
	}
	e.held = append(e.held, buf.Copy(p[:n]))
	e.under += n
	return n, time.Time{}
}

// leave ends the turn of a Write, or gives it up.
func (e *end) leave(turn uint64) {
	i := slices.Index(e.turns, turn)
	e.turns = slices.Delete(e.turns, i, i+1)
	if len(e.turns) > 0 {
		e.writers.Wake()
	}
}

// Close closes this end in both directions and wakes everybody. What was written
// still goes out.
func (e *end) Close() error { return e.close(false) }

// Reset does the same at once, and tells the other end that it was no orderly end.
func (e *end) Reset() error { return e.close(true) }

func (e *end) close(reset bool) error {
	t := e.host
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.closed {
		return nil
	}
	e.closed = true
	e.drop(&e.chunks)
	e.unread = 0
	switch {
	case e.over != nil:
	case reset:
		e.sendReset(e.other)
		e.fail(net.ErrClosed)
	default:
		e.owesGone = true
		e.sendNow()
	}
	e.wake()
	return nil
}

// CloseWrite says that no more will be written here.
func (e *end) CloseWrite() error {
	t := e.host
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case e.closed:
		return e.failed("close", net.ErrClosed)
	case e.halved || e.over != nil:
		return nil
	}
	e.halved, e.owesEnd = true, true
	e.sendNow()
	e.writers.Wake()
	return nil
}

// sendNow sends what is owed, unless something that waits comes before it.
func (e *end) sendNow() {
	if !e.stalled() && len(e.held) == 0 {
		e.flush()
	}
}

func (e *end) LocalAddr() net.Addr  { return e.local }
func (e *end) RemoteAddr() net.Addr { return e.remote }

// SetDeadline sets both deadlines.
func (e *end) SetDeadline(t time.Time) error { return e.setDeadlines(t, true, true) }

// SetReadDeadline ends Reads at t; the zero time never does.
func (e *end) SetReadDeadline(t time.Time) error { return e.setDeadlines(t, true, false) }

// SetWriteDeadline ends Writes at t; the zero time never does.
func (e *end) SetWriteDeadline(t time.Time) error { return e.setDeadlines(t, false, true) }

func (e *end) setDeadlines(t time.Time, read, write bool) error {
	e.host.mu.Lock()
	defer e.host.mu.Unlock()
	if e.closed {
		return e.failed("set", net.ErrClosed)
	}
	if read {
		e.readEnd = t
		e.wakeReaders()
	}
	if write {
		e.writeEnd = t
		e.writers.Wake()
	}
	return nil
}

func (e *end) failed(op string, err error) error {
	return &net.OpError{Op: op, Net: e.local.Network(), Source: e.local, Addr: e.remote, Err: err}
}

// sooner returns the earlier of two times of which zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
