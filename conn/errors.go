package conn

import (
	"errors"
	"fmt"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// Stage is a step of a connection's upgrade.
type Stage string

// The stages, in order (libp2p specs, connections/README.md).
const (
	StageNegotiateSecurity Stage = "negotiate the security channel"
	StageSecure            Stage = "security handshake"
	StageNegotiateMuxer    Stage = "negotiate the muxer"
)

// An UpgradeError is why a link did not become a connection. Cause says more: a
// *negotiate.RefusedError, *negotiate.ProtocolError, *negotiate.HandshakeError,
// *peer.MismatchError or a deadline error, for example.
type UpgradeError struct {
	Stage    Stage
	Remote   ma.Multiaddr
	Want     peer.ID // the peer that was dialed, empty on the listening side
	Received int64   // bytes that came from the remote, all told
	Cause    error
}

func (e *UpgradeError) Error() string {
	hint := ""
	if e.Received == 0 {
		hint = " (the remote never sent a byte: is it a libp2p node, and does it still answer?)"
	}
	return fmt.Sprintf("upgrade the link with %s: %s: %v%s", e.Remote, e.Stage, e.Cause, hint)
}

// Unwrap returns the cause.
func (e *UpgradeError) Unwrap() error { return e.Cause }

// ErrRemoteClosed is the cause of a connection's end when the remote closed the
// link in order.
var ErrRemoteClosed = errors.New("conn: the remote closed the connection")

// ErrGoingAway is returned by Open on a connection that takes no more streams.
var ErrGoingAway = errors.New("conn: the connection is going away")

// ErrTooManyStreams is returned by Open when the limit of streams that this end
// may have open on one connection is reached; close some.
var ErrTooManyStreams = errors.New("conn: too many streams are open on this connection")

// errCount is a fault of what stands below: a pipe that does not keep to
// io.Reader and io.Writer.
var errCount = errors.New("conn: the pipe reports a number of bytes that cannot be")

// A CloseError is why a connection has ended. It is what reads, writes and opens
// on it return from then on. Cause is [ErrRemoteClosed], a
// *muxer.ProtocolError (the remote's fault), an error of the network, or the
// reason this end was told to close with.
type CloseError struct {
	Peer  peer.ID
	Cause error
}

func (e *CloseError) Error() string {
	return fmt.Sprintf("the connection with %s has ended: %v", e.Peer.Short(), e.Cause)
}

// Unwrap returns the cause.
func (e *CloseError) Unwrap() error { return e.Cause }

// ErrFailed is why a connection ended whose own actor has failed, which is a fault
// of this program: the tree has the failure.
var ErrFailed = errors.New("conn: the connection's actor failed, see the failures of the tree")
