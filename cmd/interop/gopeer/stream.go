package gopeer

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	mplex "github.com/libp2p/go-mplex"
	"github.com/multiformats/go-multistream"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// stream is a go-libp2p stream behind talk.Stream.
type stream struct {
	network.Stream
	wasReset atomic.Bool // by either side, as far as this side has seen
	closed   atomic.Bool // by this side
}

var _ talk.Stream = (*stream)(nil)

func (s *stream) Protocol() string { return string(s.Stream.Protocol()) }

func (s *stream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	if err == io.EOF {
		return n, err // what reads of a lost connection wrap is not io.EOF itself
	}
	return n, s.lost(s.seen(err))
}

func (s *stream) Write(b []byte) (int, error) {
	n, err := s.Stream.Write(b)
	return n, s.lost(s.seen(err))
}

// lost names an error that came with the end of the connection. A write of
// go-yamux then gives what the reader of the connection got, io.EOF; go-mplex says
// that the session is shut down, or that a stream is closed that this side has
// not closed.
func (s *stream) lost(err error) error {
	switch {
	case err == nil, s.wasReset.Load(), errors.Is(err, talk.ErrReset), errors.Is(err, talk.ErrRefused),
		errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case errors.Is(err, mplex.ErrShutdown), s.Conn().IsClosed():
		return fmt.Errorf("%w: %w", talk.ErrConnEnded, err)
	case errors.Is(err, mplex.ErrStreamClosed) && !s.closed.Load():
		return fmt.Errorf("%w: %w", talk.ErrReset, err)
	}
	return err
}

func (s *stream) CloseWrite() error {
	s.closed.Store(true)
	return s.seen(s.Stream.CloseWrite())
}

func (s *stream) Reset() error {
	s.wasReset.Store(true)
	return s.Stream.Reset()
}

// Close is harmless after a reset, as talk.Stream wants it. go-libp2p's streams
// then report the reset once more, in words of the muxer's own.
func (s *stream) Close() error {
	s.closed.Store(true)
	err := s.Stream.Close()
	if s.wasReset.Load() {
		return nil
	}
	return s.seen(err)
}

// seen names an error and remembers a reset.
func (s *stream) seen(err error) error {
	err = named(err)
	if errors.Is(err, talk.ErrReset) {
		s.wasReset.Store(true)
	}
	return err
}

// named puts package talk's name before an error that has one there. Errors such
// as io.EOF pass as they are.
func named(err error) error {
	var refused multistream.ErrNotSupported[protocol.ID]
	var timeout net.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, network.ErrReset):
		return fmt.Errorf("%w: %w", talk.ErrReset, err)
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", talk.ErrRefused, err)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("%w: %w", os.ErrDeadlineExceeded, err)
	}
	return err
}
