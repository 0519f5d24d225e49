package stream

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// ErrWriteClosed is returned by Write after CloseWrite or Close of this end.
var ErrWriteClosed = errors.New("stream: write after this end closed its half")

// ErrReadClosed is returned by Read after CloseRead or Close of this end.
var ErrReadClosed = errors.New("stream: read after this end closed its half")

// Error codes of a reset, where the muxer carries them (yamux, QUIC; mplex has
// none). The numbers are go-libp2p's, which the specification is about to take
// over (libp2p specs, issue 479 and PR 623; go-libp2p core/network/mux.go).
const (
	CodeNone              uint32 = 0x0000
	CodeNegotiationFailed uint32 = 0x1001
	CodeResourceLimit     uint32 = 0x1002
	CodeRateLimited       uint32 = 0x1003
	CodeProtocolViolation uint32 = 0x1004
	CodeSupplanted        uint32 = 0x1005
	CodeGarbageCollected  uint32 = 0x1006
	CodeShutdown          uint32 = 0x1007
	CodeGated             uint32 = 0x1008
)

// A ResetError is the end of a stream in both directions at once.
type ResetError struct {
	Code   uint32
	Remote bool // the remote did it; otherwise this end
	// Rule is the reason of this end, empty when the remote did it.
	Rule string
}

func (e *ResetError) Error() string {
	who := "this end"
	if e.Remote {
		who = "the remote"
	}
	text := "stream reset by " + who
	if e.Rule != "" {
		text += ": " + e.Rule
	}
	if e.Code != CodeNone {
		text += fmt.Sprintf(" (code %#x)", e.Code)
	}
	return text
}

// A NegotiationError is a stream that ended before its protocol was agreed.
// Cause is a [*negotiate.RefusedError] when the remote supports none of the
// protocols wanted.
type NegotiationError struct {
	Peer   peer.ID
	Wanted []negotiate.Protocol // empty on the listening side
	Cause  error
}

func (e *NegotiationError) Error() string {
	return fmt.Sprintf("stream with %s: negotiate the protocol: %v", e.Peer.Short(), e.Cause)
}

// Unwrap returns the cause.
func (e *NegotiationError) Unwrap() error { return e.Cause }

// A refusal is what Refuse returns.
type refusal struct{ code uint32 }

func (r *refusal) Error() string { return fmt.Sprintf("refused with code %#x", r.code) }

// Refuse is returned by a handler to reset the stream with the given code,
// without that being a failure of the handler.
func Refuse(code uint32) error { return &refusal{code} }
