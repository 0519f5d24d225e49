package ping

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// ErrMismatch: the peer answered with other bytes than those it was sent. The
// fault is the peer's.
var ErrMismatch = errors.New("the answer is not what was sent")

// A Stage is how far a ping came.
type Stage string

// The stages, in their order.
const (
	StageOpen  Stage = "open the stream"
	StageSend  Stage = "send"
	StageAwait Stage = "wait for the answer"
)

// An Error is why a ping failed. Cause is [ErrMismatch], [context.DeadlineExceeded]
// when no answer came in time, io.EOF or io.ErrUnexpectedEOF when the peer closed
// the stream instead of answering, a *stream.ResetError when it reset it, a
// *negotiate.RefusedError when it does not support ping, an error of
// [swarm.Swarm.Open], or the cause of the caller's context.
type Error struct {
	Peer  peer.ID
	Stage Stage
	Cause error
}

func (e *Error) Error() string {
	return fmt.Sprintf("ping %s: %s: %v", e.Peer.Short(), e.Stage, e.Cause)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }
