package bridge

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// The times of a stream's end.
const (
	closePatience = 5 * time.Second // for the adapter to close a stream that has no deadline
	resetPatience = time.Second     // for the socket to take the frame that says reset
)

// Errors of a stream.
var (
	errWriteClosed = errors.New("the write side is closed")
	errClosed      = errors.New("the stream is closed")
)

// Stream is one stream of the adapter's host. One goroutine may read while
// another writes.
type Stream struct {
	conn     net.Conn
	protocol string
	limited  atomic.Bool // it has a deadline
	closed   atomic.Bool // Close was called

	mu     sync.Mutex
	broken error // why neither direction goes on: reset or refused

	reading sync.Mutex
	r       *bufio.Reader
	header  [headerSize]byte
	have    int  // bytes of the header that have been read: all of them within a frame
	left    int  // bytes of the data frame that have not been read
	ended   bool // the remote has closed its write side

	writing     sync.Mutex
	frame       []byte // the memory of unsent
	unsent      []byte // the rest of a frame that a deadline cut
	writeClosed bool
}

var _ talk.Stream = (*Stream)(nil)

func newStream(c net.Conn, protocol string) *Stream {
	return &Stream{conn: c, protocol: protocol, r: bufio.NewReaderSize(c, 32<<10)}
}

// Protocol is what the adapter says was agreed on, or proposed.
func (s *Stream) Protocol() string { return s.protocol }

// SetDeadline sets the time at which reads and writes that wait fail with
// os.ErrDeadlineExceeded. A frame that a deadline cuts is taken up again later.
func (s *Stream) SetDeadline(t time.Time) error {
	s.limited.Store(!t.IsZero())
	return s.conn.SetDeadline(t)
}

// Read reads what the remote wrote. It fails with io.EOF after the remote's end,
// with talk.ErrReset after a reset by either side, with talk.ErrRefused if the
// remote does not speak the protocol.
func (s *Stream) Read(b []byte) (int, error) {
	s.reading.Lock()
	defer s.reading.Unlock()
	switch err := s.why(); {
	case err != nil:
		return 0, err
	case s.closed.Load():
		return 0, errClosed
	case len(b) == 0:
		return 0, nil
	}
	if err := s.nextData(); err != nil {
		return 0, err
	}
	n, err := s.r.Read(b[:min(len(b), s.left)])
	s.took(n)
	return n, s.readError(err)
}

// took notes that n bytes of the data frame have been read.
func (s *Stream) took(n int) {
	if s.left -= n; s.left == 0 {
		s.have = 0
	}
}

// nextData reads up to the next byte of data.
func (s *Stream) nextData() error {
	for s.left == 0 {
		if s.ended {
			return io.EOF
		}
		for s.have < headerSize {
			n, err := s.r.Read(s.header[s.have:])
			if s.have += n; err != nil {
				return s.readError(err)
			}
		}
		size := binary.BigEndian.Uint32(s.header[1:])
		if size > maxFrame {
			return s.fail(fmt.Errorf("the adapter sends a frame of %d bytes, at most %d are allowed", size, maxFrame))
		}
		switch kind := s.header[0]; kind {
		case frameData:
			s.left = int(size)
			if size == 0 {
				s.have = 0
			}
		case frameEnd:
			s.ended = true
		case frameReset, frameRefused:
			// The deadline cannot cut this in two: it ends the stream either way.
			text := make([]byte, size)
			n, _ := io.ReadFull(s.r, text)
			name := talk.ErrReset
			if kind == frameRefused {
				name = talk.ErrRefused
			}
			return s.fail(fmt.Errorf("%w: %s", name, text[:n]))
		default:
			return s.fail(fmt.Errorf("the adapter sends a frame of the unknown type %q", kind))
		}
	}
	return nil
}

// readError says what the end of the connection means.
func (s *Stream) readError(err error) error {
	if err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	if why := s.why(); why != nil {
		return why
	}
	if s.closed.Load() {
		return errClosed
	}
	return s.fail(fmt.Errorf("the adapter dropped the stream: %w", err))
}

// fail notes why the stream does not go on. The first reason stays.
func (s *Stream) fail(err error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken == nil {
		s.broken = err
	}
	return s.broken
}

func (s *Stream) why() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.broken
}

// Write passes bytes to the adapter. That it returns says that the socket took
// them. It fails with talk.ErrReset after a reset by either side.
func (s *Stream) Write(b []byte) (int, error) {
	s.writing.Lock()
	defer s.writing.Unlock()
	n := 0
	for n < len(b) {
		part := b[n:min(len(b), n+maxFrame)]
		sent, err := s.send(frameData, part)
		if sent {
			n += len(part)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// send writes a frame. It is sent if the socket took some of it: the rest is
// written before the next one.
func (s *Stream) send(kind byte, payload []byte) (sent bool, err error) {
	if err := s.why(); err != nil {
		return false, err
	}
	if s.writeClosed || s.closed.Load() {
		return false, errWriteClosed
	}
	if err := s.flush(); err != nil {
		return false, err
	}
	s.frame = appendFrame(s.frame[:0], kind, payload)
	s.unsent = s.frame
	err = s.flush()
	if err != nil && len(s.unsent) == len(s.frame) {
		s.unsent = nil
		return false, err
	}
	return true, err
}

func (s *Stream) flush() error {
	for len(s.unsent) > 0 {
		n, err := s.conn.Write(s.unsent)
		s.unsent = s.unsent[n:]
		switch {
		case err == nil:
		case errors.Is(err, os.ErrDeadlineExceeded):
			return err
		default:
			// The adapter ends a connection only with the stream. Why is in what
			// has not been read yet.
			if why := s.why(); why != nil {
				return why
			}
			return fmt.Errorf("%w: the adapter takes nothing any more: %w", talk.ErrReset, err)
		}
	}
	return nil
}

// CloseWrite ends the outgoing direction. A second call does nothing.
func (s *Stream) CloseWrite() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.writeClosed {
		return nil
	}
	sent, err := s.send(frameEnd, nil)
	s.writeClosed = sent
	return err
}

// Reset ends both directions at once. Reads and writes that wait fail.
func (s *Stream) Reset() error {
	if s.closed.Swap(true) {
		return nil
	}
	_ = s.fail(fmt.Errorf("%w by this side", talk.ErrReset))
	// A write that waits must let go before the frame can be sent.
	_ = s.conn.SetWriteDeadline(time.Now())
	s.writing.Lock()
	defer s.writing.Unlock()
	if len(s.unsent) == 0 && s.conn.SetWriteDeadline(time.Now().Add(resetPatience)) == nil {
		_, _ = s.conn.Write(appendFrame(nil, frameReset, nil))
	}
	return s.conn.Close() // which alone means reset as well
}

// Close ends both directions in good order, and waits until the adapter has done
// so: what was written before is then on its way. What has not been read is lost.
// The wait ends with the deadline, or without one after closePatience.
func (s *Stream) Close() error {
	if s.closed.Load() {
		return nil
	}
	if s.why() != nil {
		s.closed.Store(true)
		return s.conn.Close()
	}
	if !s.limited.Load() {
		if err := s.conn.SetDeadline(time.Now().Add(closePatience)); err != nil {
			return err
		}
	}
	err := s.sayClose()
	if s.closed.Swap(true) {
		return nil // a reset came in between
	}
	if err == nil {
		err = s.drain()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("the adapter does not close the stream: %w", err)
	}
	return errors.Join(err, s.conn.Close())
}

func (s *Stream) sayClose() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.writeClosed = false // after the end of writing this one frame may still come
	_, err := s.send(frameClose, nil)
	s.writeClosed = true
	return err
}

// drain throws away what comes, until the adapter ends the connection. A reset
// on the way is an error: what was written may be lost.
func (s *Stream) drain() error {
	s.reading.Lock()
	defer s.reading.Unlock()
	for {
		switch err := s.nextData(); {
		case errors.Is(err, errClosed): // the end of the connection, as agreed
			return nil
		case errors.Is(err, io.EOF): // the remote's end; the adapter's is still to come
			s.ended, s.have = false, 0
		case err != nil:
			return err
		}
		n, err := s.r.Discard(s.left)
		s.took(n)
		if err := s.readError(err); err != nil && !errors.Is(err, errClosed) {
			return err
		}
	}
}
