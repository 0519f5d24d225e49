package negotiate

import (
	"context"
	"net"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// Security turns a raw byte pipe into one whose other end is known. It is
// chosen with multistream-select (libp2p specs, connections/README.md).
type Security interface {
	// Protocol is the ID that is negotiated for it, for example /noise.
	Protocol() Protocol

	// Secure runs the handshake over raw. The dialer names the peer it wants;
	// an empty want accepts any. It blocks until the handshake ends, raw fails
	// (its deadline and Close end the wait) or ctx ends. On an error raw is
	// left for the caller to close. Errors: [*HandshakeError] for what the
	// remote did wrong, wrapping [*peer.MismatchError] for a wrong peer.
	Secure(ctx context.Context, raw net.Conn, role Role, want peer.ID) (Secured, error)
}

// Secured is a pipe whose remote end has proved who it is. One goroutine may
// read while another writes.
type Secured interface {
	net.Conn

	// Peer is the proven ID of the remote end.
	Peer() peer.ID

	// Key is the remote end's public key, which its ID is made from.
	Key() peer.PublicKey

	// Muxer is the muxer agreed inside the handshake, empty when
	// multistream-select has still to choose one.
	Muxer() Protocol
}

// A HalfCloser is a [Secured] that has a word for the end of what it writes, as
// TLS has. Who closes a connection in order calls CloseWrite after the last Write
// and before Close: then the remote can tell the end from a cut (RFC 8446, 6.1).
type HalfCloser interface {
	// CloseWrite says that nothing more comes. It waits for the pipe as a Write
	// does, and Close ends the wait; afterwards there is no Write. Error: the
	// pipe's.
	CloseWrite() error
}
