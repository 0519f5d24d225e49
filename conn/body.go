package conn

import (
	"context"
	"errors"
	"io"
	"os"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/stream"
)

// maxStep is the power of two of how many read bytes are reported to the core at
// once: often enough for any window, seldom enough to cost nothing.
const maxStep = 16

// stepFor is the same for a stream of which a muxer without windows keeps no more
// than so many bytes: it must hear of what was read before it takes the reader for
// a slow one.
func stepFor(buffer int) uint8 {
	step := uint8(0)
	for step < maxStep && 4<<step < buffer {
		step++
	}
	return step
}

// muxed is one stream of the connection as a stream.Body: two lanes that the
// core and the user's goroutines share, and commands to the core.
type muxed struct {
	id     muxer.StreamID
	inbox  *actor.Mailbox[message]
	in     *buf.Lane // core to user
	out    *buf.Lane // user to core
	stream *stream.Stream

	eaten    atomic.Int64 // read by the user, not yet reported
	wasReset atomic.Bool

	step      uint8 // eaten is reported when it is 1<<step
	forgotten bool  // the core's
}

func newMuxed(k *core, id muxer.StreamID) *muxed {
	return &muxed{
		id: id, inbox: k.inbox, step: stepFor(k.conn.config.Limits.StreamBuffer),
		in:  buf.NewLane(k.self, 0),
		out: buf.NewLane(k.self, k.conn.config.SendBuffer),
	}
}

// outside is a context that never ends, for waits of nobody in particular.
func (s *muxed) outside() context.Context { return s.stream.Context() }

func (s *muxed) name() string {
	if s.id.Opened() {
		return "stream-out-" + strconv.FormatUint(uint64(s.id.Wire()), 10)
	}
	return "stream-in-" + strconv.FormatUint(uint64(s.id.Wire()), 10)
}

// Read implements stream.Body.
func (s *muxed) Read(ctx context.Context, p []byte) (int, error) {
	n, err := s.in.Read(ctx, p)
	if n > 0 {
		if total := s.eaten.Add(int64(n)); total >= 1<<s.step {
			s.report(ctx)
		}
	}
	return n, err
}

// Buffered is how many bytes wait to be read.
func (s *muxed) Buffered() int { return s.in.Len() }

// report tells the core what has been read. What cannot be told now is told with
// the next report.
func (s *muxed) report(ctx context.Context) {
	n := s.eaten.Swap(0)
	if n == 0 {
		return
	}
	if s.inbox.Put(ctx, message{kind: consumed, ref: s, n: uint32(n)}) != nil {
		s.eaten.Add(n)
	}
}

// Write implements stream.Body.
func (s *muxed) Write(ctx context.Context, p []byte) (written int, err error) {
	if s.out.Late(ctx) {
		return 0, os.ErrDeadlineExceeded
	}
	for {
		n, tell, err := s.out.Add(p)
		written += n
		p = p[n:]
		if tell {
			if err := s.inbox.Put(ctx, message{kind: ready, ref: s}); err != nil {
				s.out.Told()
				return written, s.ended(err)
			}
		}
		if err != nil {
			return written, s.ended(err)
		}
		if len(p) == 0 {
			return written, nil
		}
		if err := s.out.WaitRoom(ctx); err != nil {
			return written, s.ended(err)
		}
	}
}

// ended says the stream's word for the end of its lane or of the core.
func (s *muxed) ended(err error) error {
	var gone *actor.GoneError
	switch {
	case errors.Is(err, buf.ErrClosed):
		return stream.ErrWriteClosed
	case errors.As(err, &gone):
		// The core has ended; the lane knows why.
		if _, err := s.in.Read(s.outside(), nil); err != nil && err != io.EOF {
			return err
		}
	}
	return err
}

// command puts a command into the core's mailbox. If the core has ended there is
// nothing left to command.
func (s *muxed) command(m message) {
	m.ref = s
	_ = s.inbox.Put(s.outside(), m)
}

// CloseWrite implements stream.Body.
func (s *muxed) CloseWrite() error {
	s.out.Close()
	s.command(message{kind: closeWrite})
	return nil
}

// CloseRead implements stream.Body.
func (s *muxed) CloseRead() error {
	s.in.Cut(stream.ErrReadClosed)
	s.command(message{kind: closeRead})
	return nil
}

// Reset implements stream.Body.
func (s *muxed) Reset(code uint32) error {
	if s.wasReset.Swap(true) {
		return nil
	}
	err := &stream.ResetError{Code: code}
	s.in.Cut(err)
	s.out.Refuse(err) // the core may have promised these bytes to a frame
	s.command(message{kind: reset, n: code})
	return nil
}

// SetReadDeadline implements stream.Body.
func (s *muxed) SetReadDeadline(t time.Time) error {
	s.in.SetReadDeadline(t)
	return nil
}

// SetWriteDeadline implements stream.Body.
func (s *muxed) SetWriteDeadline(t time.Time) error {
	s.out.SetWriteDeadline(t)
	return nil
}
