package capture

import (
	"fmt"
	"io"
	"net"
	"time"

	"github.com/troupe-p2p/troupe/transport/mem"
)

// An Exact is a pipe whose other end is a recorded peer, for what can be repeated
// byte for byte: handshakes with the keys of the recording. It is a [net.Conn] for
// one goroutine; nothing waits, and deadlines mean nothing.
type Exact struct {
	chunks []Chunk
	done   int // bytes of the first chunk
}

// NewExact returns the pipe of a capture.
func NewExact(c *Capture) *Exact { return &Exact{chunks: append([]Chunk(nil), c.Chunks...)} }

// next is what is left of the chunk in turn, if it is from the side.
func (e *Exact) next(from Side) []byte {
	for len(e.chunks) > 0 && e.done == len(e.chunks[0].Data) {
		e.chunks, e.done = e.chunks[1:], 0
	}
	if len(e.chunks) == 0 || e.chunks[0].From != from {
		return nil
	}
	return e.chunks[0].Data[e.done:]
}

// Read gives the peer's bytes. When the recording has bytes of this end first, it
// fails; after the last chunk it returns io.EOF.
func (e *Exact) Read(p []byte) (int, error) {
	data := e.next(Peer)
	if len(data) == 0 && len(p) > 0 {
		if len(e.chunks) == 0 {
			return 0, io.EOF
		}
		return 0, fmt.Errorf("capture: line %d: the peer waits for %d bytes", e.chunks[0].Line, len(e.next(Troupe)))
	}
	n := copy(p, data)
	e.done += n
	return n, nil
}

// Write fails at the first byte that is not the recording's.
func (e *Exact) Write(p []byte) (int, error) {
	for i, b := range p {
		data := e.next(Troupe)
		switch {
		case len(e.chunks) == 0:
			return i, fmt.Errorf("capture: %d bytes after the end of the recording", len(p)-i)
		case len(data) == 0:
			return i, fmt.Errorf("capture: line %d: %d bytes while the peer speaks", e.chunks[0].Line, len(p)-i)
		case data[0] != b:
			return i, fmt.Errorf("capture: line %d: byte %d is %#02x and was %#02x", e.chunks[0].Line, e.done, b, data[0])
		}
		e.done++
	}
	return len(p), nil
}

// Rest says what of the recording has not happened; nil when all has.
func (e *Exact) Rest() error {
	if e.next(Troupe); len(e.chunks) == 0 {
		return nil
	}
	return fmt.Errorf("capture: line %d: %s has %d bytes that never went over the pipe",
		e.chunks[0].Line, e.chunks[0].From, len(e.chunks[0].Data)-e.done)
}

// Close does nothing.
func (e *Exact) Close() error { return nil }

// LocalAddr names nothing.
func (e *Exact) LocalAddr() net.Addr { return mem.Addr(0) }

// RemoteAddr names nothing.
func (e *Exact) RemoteAddr() net.Addr { return mem.Addr(0) }

// SetDeadline does nothing.
func (e *Exact) SetDeadline(time.Time) error { return nil }

// SetReadDeadline does nothing.
func (e *Exact) SetReadDeadline(time.Time) error { return nil }

// SetWriteDeadline does nothing.
func (e *Exact) SetWriteDeadline(time.Time) error { return nil }
