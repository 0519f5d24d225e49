package identify

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// The rules that what a peer says of itself can break. A [MessageError] carries
// one, errors.Is finds it. Breaking one of the first four costs the peer what it
// said; the rest of it stands when only its record is wrong.
var (
	// ErrNothingSaid: the stream ended before the first message.
	ErrNothingSaid = errors.New("a peer says something before it closes the stream")
	// ErrTooManyMessages: more than [MaxMessages] messages came.
	ErrTooManyMessages = errors.New("a peer sends at most 10 messages on a stream")
	// ErrNotAMessage: the bytes are no protobuf message of identify.
	ErrNotAMessage = errors.New("a message is the protobuf message Identify")
	// ErrWrongKey: the public key is not the one that the peer proved to hold
	// when the connection was secured.
	ErrWrongKey = errors.New("the public key is that of the connection")
	// ErrWrongRecord: the signed record cannot be read, its signature does not
	// hold, or it is the record of another peer.
	ErrWrongRecord = errors.New("the signed record is the sender's own")
)

// A MessageError is a rule that what a peer said of itself breaks. The fault is
// the peer's.
type MessageError struct {
	Peer peer.ID
	Rule error // one of the Err… values above
	Err  error // the cause below, may be nil: *peer.EnvelopeError, *stream.SizeError, …
}

func (e *MessageError) Error() string {
	text := fmt.Sprintf("%s broke a rule of identify: %v", e.Peer.Short(), e.Rule)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the rule and the cause.
func (e *MessageError) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Rule}
	}
	return []error{e.Rule, e.Err}
}

// ErrNotConnected is why a peer is not known: this host has no connection with
// it. Connect first.
var ErrNotConnected = errors.New("there is no connection with the peer")

// A Stage is how far asking a peer came.
type Stage string

// The stages, in their order.
const (
	StageOpen  Stage = "open the stream"
	StageRead  Stage = "read what it says"
	StageCheck Stage = "check what it says"
)

// An Error is why it is not known what a peer says of itself. The connection
// lives on. Cause is a [*MessageError] when the peer broke a rule, a
// [*stream.NegotiationError] when it does not support identify,
// [context.DeadlineExceeded] when it took too long, a *conn.CloseError when the
// connection ended, or [ErrNotConnected].
type Error struct {
	Peer  peer.ID
	Stage Stage // empty: it was not asked
	Cause error
}

func (e *Error) Error() string {
	stage := ""
	if e.Stage != "" {
		stage = string(e.Stage) + ": "
	}
	return fmt.Sprintf("identify %s: %s%v", e.Peer.Short(), stage, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// codeOf is the code that a stream is reset with for a fault on it.
func codeOf(err error) uint32 {
	var broken *MessageError
	if errors.As(err, &broken) {
		return stream.CodeProtocolViolation
	}
	return stream.CodeNone
}
