package stream

import (
	"context"
	"time"
)

// A Body carries the bytes of one stream: two lanes of a muxed connection, or a
// stream of a session. Its methods may be called from several goroutines.
type Body interface {
	// Read waits for bytes. It returns io.EOF after the remote's last byte, a
	// [*ResetError] after a reset, [os.ErrDeadlineExceeded] at the read deadline,
	// the cause of ctx when that ends, and the connection's reason when that ends.
	Read(ctx context.Context, p []byte) (int, error)
	// Write waits until p is taken over, with the same errors; after CloseWrite
	// it returns [ErrWriteClosed].
	Write(ctx context.Context, p []byte) (int, error)
	// CloseWrite ends the bytes to the remote, after those written.
	CloseWrite() error
	// CloseRead drops what still comes; nothing is sent.
	CloseRead() error
	// Reset ends both directions at once, with an error code where the muxer
	// carries one.
	Reset(code uint32) error
	// SetReadDeadline and SetWriteDeadline concern waits that are under way and
	// later ones; a zero time takes the deadline away.
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}
