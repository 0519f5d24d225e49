package negotiate

import (
	"fmt"
	"strconv"
	"strings"
)

// A RefusedError says that the remote speaks multistream-select but supports
// none of the protocols it was offered. Nobody is at fault. Offer something
// else, or ask the remote what it supports (identify).
type RefusedError struct {
	Wanted []Protocol // what was offered, in the order of preference

	// Lazy says that the offer was lazy ([OfferLazily]). The stream must then
	// be reset and not used again: the remote may have taken the data that
	// followed the proposal for further proposals, and may even have agreed
	// to one of them.
	Lazy bool
}

// Error returns the text; its form is not a contract.
func (e *RefusedError) Error() string {
	names := make([]string, len(e.Wanted))
	for i, p := range e.Wanted {
		names[i] = string(p)
	}
	text := "multistream-select: the remote supports none of [" + strings.Join(names, " ") + "]"
	if e.Lazy {
		text += "; data was sent already, so reset the stream"
	}
	return text
}

// A ProposalError says that this end's program asked for something that cannot
// be negotiated. The fault is the caller's, and nothing was sent.
type ProposalError struct {
	Protocol Protocol // the name at fault; empty when the number of names is
	Rule     string   // the rule in words
}

// Error returns the text; its form is not a contract.
func (e *ProposalError) Error() string {
	return fmt.Sprintf("multistream-select: cannot propose %q: %s", cut(string(e.Protocol)), e.Rule)
}

// A Rule is a rule of multistream-select that a remote can break.
type Rule uint8

// The rules. The specification (libp2p specs, connections/README.md) fixes the
// form of a line and the header; the limits are this package's.
const (
	NoRule       Rule = iota // none was broken
	RuleMinimal              // a length is a minimal varint
	RuleLength               // a line is not longer than MaxLine
	RuleEmpty                // a line has at least one byte, its newline
	RuleNewline              // a line ends in a newline
	RuleHeader               // the first line is the header
	RuleRepeat               // the header comes at most twice
	RuleAnswer               // an answer is the proposal itself or "na"
	RuleAttempts             // a dialer proposes at most MaxProposals times
)

// String returns the rule in words.
func (r Rule) String() string {
	switch r {
	case NoRule:
		return "none"
	case RuleMinimal:
		return "a line's length is a minimal varint"
	case RuleLength:
		return "a line has at most " + strconv.Itoa(MaxLine) + " bytes"
	case RuleEmpty:
		return "a line has at least one byte"
	case RuleNewline:
		return "a line ends in a newline"
	case RuleHeader:
		return "the first line is " + Header
	case RuleRepeat:
		return "the header comes at most twice"
	case RuleAnswer:
		return "an answer is the proposal itself or " + NotAvailable
	case RuleAttempts:
		return "at most " + strconv.Itoa(MaxProposals) + " proposals"
	}
	return "rule " + strconv.Itoa(int(r))
}

// A ProtocolError says which rule of multistream-select the remote broke. The
// fault is the remote's: close the connection, or reset the stream.
type ProtocolError struct {
	Stage string // what this end was waiting for, for example "awaiting the remote's header"
	Rule  Rule   // the rule that was broken
	Got   string // what came instead, cut to 64 bytes; empty when nothing can be shown
}

// Error returns the text; its form is not a contract.
func (e *ProtocolError) Error() string {
	text := "multistream-select: "
	if e.Stage != "" {
		text += e.Stage + ": "
	}
	text += "the remote broke the rule \"" + e.Rule.String() + "\""
	if e.Got != "" {
		text += ", got " + strconv.Quote(e.Got)
	}
	return text
}

// cut bounds what of a remote's bytes goes into an error.
func cut(text string) string {
	const most = 64
	return text[:min(len(text), most)]
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
