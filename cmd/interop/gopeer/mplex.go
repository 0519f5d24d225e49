package gopeer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	mplex "github.com/libp2p/go-mplex"
)

// MplexID is mplex's protocol ID (specs: mplex/README.md).
const MplexID protocol.ID = "/mplex/6.7.0"

// Mplex is go-mplex as a muxer of go-libp2p.
type Mplex struct{}

var _ network.Multiplexer = Mplex{}

// NewConn starts a session on c. Each side numbers its own streams from 0, so
// nothing depends on isServer but the session's own bookkeeping.
func (Mplex) NewConn(c net.Conn, isServer bool, scope network.PeerScope) (network.MuxedConn, error) {
	var memory mplex.MemoryManager
	if scope != nil {
		memory = scope
	}
	session, err := mplex.NewMultiplex(c, !isServer, memory)
	if err != nil {
		return nil, err
	}
	return &mplexConn{session}, nil
}

type mplexConn struct{ session *mplex.Multiplex }

func (c *mplexConn) Close() error { return c.session.Close() }

// CloseWithError drops the code: mplex cannot say why a connection ends.
func (c *mplexConn) CloseWithError(network.ConnErrorCode) error { return c.session.Close() }

func (c *mplexConn) IsClosed() bool { return c.session.IsClosed() }

func (c *mplexConn) OpenStream(ctx context.Context) (network.MuxedStream, error) {
	s, err := c.session.NewStream(ctx)
	if err != nil {
		return nil, translated(err)
	}
	return &mplexStream{s}, nil
}

func (c *mplexConn) AcceptStream() (network.MuxedStream, error) {
	s, err := c.session.Accept()
	if err != nil {
		return nil, translated(err)
	}
	return &mplexStream{s}, nil
}

// As gives access to the session of go-mplex.
func (c *mplexConn) As(target any) bool {
	if t, ok := target.(**mplex.Multiplex); ok {
		*t = c.session
		return true
	}
	return false
}

type mplexStream struct{ stream *mplex.Stream }

func (s *mplexStream) Read(b []byte) (int, error) {
	n, err := s.stream.Read(b)
	return n, translated(err)
}

func (s *mplexStream) Write(b []byte) (int, error) {
	n, err := s.stream.Write(b)
	return n, translated(err)
}

func (s *mplexStream) Close() error      { return s.stream.Close() }
func (s *mplexStream) CloseRead() error  { return s.stream.CloseRead() }
func (s *mplexStream) CloseWrite() error { return s.stream.CloseWrite() }
func (s *mplexStream) Reset() error      { return s.stream.Reset() }

// ResetWithError drops the code: an mplex reset carries none.
func (s *mplexStream) ResetWithError(network.StreamErrorCode) error { return s.stream.Reset() }

func (s *mplexStream) SetDeadline(t time.Time) error      { return s.stream.SetDeadline(t) }
func (s *mplexStream) SetReadDeadline(t time.Time) error  { return s.stream.SetReadDeadline(t) }
func (s *mplexStream) SetWriteDeadline(t time.Time) error { return s.stream.SetWriteDeadline(t) }

// translated gives a reset the name that go-libp2p's code looks for. Every other
// error, io.EOF above all, passes as it is.
func translated(err error) error {
	if errors.Is(err, mplex.ErrStreamReset) {
		return fmt.Errorf("%w: %w", network.ErrReset, err)
	}
	return err
}
