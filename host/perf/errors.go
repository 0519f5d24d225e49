package perf

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

var (
	// ErrShort: the peer ended its half before it had sent as many bytes as it
	// was asked for. The fault is the peer's.
	ErrShort = errors.New("the peer sent fewer bytes than it was asked for")
	// ErrLong: the peer sent more bytes than it was asked for. The fault is the
	// peer's.
	ErrLong = errors.New("the peer sent more bytes than it was asked for")
	// ErrSlow: too little moved for too long. For [Measure] that is nothing for
	// [Patience].
	ErrSlow = errors.New("too little moved for too long")
)

// A Stage is how far a measurement came.
type Stage string

// The stages, in their order.
const (
	StageOpen     Stage = "open the stream"
	StageUpload   Stage = "upload"
	StageAwait    Stage = "wait for the answer"
	StageDownload Stage = "download"
)

// An Error is why a measurement failed. Cause is [ErrShort], [ErrLong], [ErrSlow],
// a [*RefusedError] when a limit of the listener was reached, another
// *stream.ResetError when the peer reset the stream, a *negotiate.RefusedError
// when it does not serve perf, an error of [swarm.Swarm.Open], the end of the
// connection, or the cause of the caller's context.
type Error struct {
	Peer  peer.ID
	Stage Stage
	Cause error
}

func (e *Error) Error() string {
	return fmt.Sprintf("perf with %s: %s: %v", e.Peer.Short(), e.Stage, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// A RefusedError is a listener that serves perf and not this stream: it is busy,
// the stream is over one of its limits, or this peer may not use it. It can be
// told from another reset only where the muxer carries codes (yamux).
type RefusedError struct {
	// Code is what the listener gave as its reason, see package stream.
	Code uint32
	// Cause is the reset.
	Cause error
}

func (e *RefusedError) Error() string {
	if e.Code == stream.CodeGated {
		return "the peer does not let us use it: be allowed there"
	}
	return "a limit of the peer is reached: try later, or ask for less"
}

// Unwrap returns the reset.
func (e *RefusedError) Unwrap() error { return e.Cause }

// refusedBy turns the reset of a listener that refuses into a RefusedError.
func refusedBy(err error) error {
	var reset *stream.ResetError
	if !errors.As(err, &reset) || !reset.Remote {
		return err
	}
	switch reset.Code {
	case stream.CodeResourceLimit, stream.CodeRateLimited, stream.CodeGated:
		return &RefusedError{Code: reset.Code, Cause: err}
	}
	return err
}
