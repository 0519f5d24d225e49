package negotiate

import (
	"fmt"
	"strconv"
	"strings"
)

// A RefusedError says that the remote speaks multistream-select but supports
// none of the protocols it was offered. Nobody is at fault. Offer something
// else, or ask the remote what it supports (identify). After a lazy offer the
// stream must be reset and not used again: the remote may have taken the data
// that followed the proposal for further proposals.
type RefusedError struct {
	Wanted []Protocol // what was offered, in the order of preference
}

// Error returns the text; its form is not a contract.
func (e *RefusedError) Error() string {
	names := make([]string, len(e.Wanted))
	for i, p := range e.Wanted {
		names[i] = string(p)
	}
	return "multistream-select: the remote supports none of [" + strings.Join(names, " ") + "]"
}

// A ProtocolError says which rule of multistream-select the remote broke. The
// fault is the remote's: close the connection, or reset the stream.
type ProtocolError struct {
	Stage string // what this end was waiting for, for example "awaiting the remote's header"
	Rule  string // the rule in words, for example "a line has at most 1024 bytes"
	Got   string // what came instead, cut to at most 64 bytes; empty when nothing can be shown
}

// Error returns the text; its form is not a contract.
func (e *ProtocolError) Error() string {
	text := "multistream-select: the remote broke the rule \"" + e.Rule + "\""
	if e.Stage != "" {
		text = "multistream-select: " + e.Stage + ": the remote broke the rule \"" + e.Rule + "\""
	}
	if e.Got != "" {
		text += ", got " + strconv.Quote(e.Got)
	}
	return text
}

// An InterruptedError says that a negotiation could not go on because the pipe
// under it ended, failed or passed its deadline. Cause holds the pipe's error,
// so errors.Is finds io.EOF, os.ErrDeadlineExceeded or net.ErrClosed in it.
//
// Received is 0 when the remote never said a word: then it accepts bytes but
// does not speak libp2p, or something between swallows them.
type InterruptedError struct {
	Stage    string     // what this end was doing, for example "awaiting an answer to /noise"
	Wanted   []Protocol // what this end offered; nil for the listener
	Received int        // bytes of negotiation that had come from the remote
	Cause    error      // the pipe's error; never nil
}

// Error returns the text; its form is not a contract.
func (e *InterruptedError) Error() string {
	return fmt.Sprintf("multistream-select: %s, %d bytes received: %v", e.Stage, e.Received, e.Cause)
}

// Unwrap returns the error of the pipe.
func (e *InterruptedError) Unwrap() error { return e.Cause }

// A HandshakeError says where a security handshake ended and why. Every
// implementation of [Security] returns it for each failure of a handshake.
type HandshakeError struct {
	// Security is the security channel's protocol ID.
	Security Protocol
	// Stage is the step of the handshake, for example "awaiting message 2".
	Stage string
	// Rule is the rule that the remote broke, in words. It is empty when the
	// remote broke none: the pipe failed, was closed or passed its deadline.
	Rule string
	// Cause is what was found: the pipe's error, a decoding error, or a
	// [*peer.MismatchError] when the remote is not the wanted peer. It may be
	// nil when Rule says everything. It never holds key material.
	Cause error
}

// Error returns the text; its form is not a contract.
func (e *HandshakeError) Error() string {
	text := string(e.Security) + " handshake: " + e.Stage
	if e.Rule != "" {
		text += ": the remote broke the rule \"" + e.Rule + "\""
	}
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause, so that errors.As finds a [*peer.MismatchError] and
// errors.Is a deadline or a closed pipe.
func (e *HandshakeError) Unwrap() error { return e.Cause }
