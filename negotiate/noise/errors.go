package noise

import (
	"errors"
	"fmt"

	"github.com/troupe-p2p/troupe/negotiate"
)

// A rule is what the remote must keep to, in words.
type rule string

// The rules of the handshake.
const (
	ruleFirst     rule = "message 1 is an ephemeral key of 32 bytes and carries no payload"
	ruleSecond    rule = "message 2 has 96 bytes and a payload of at most 16384"
	ruleThird     rule = "message 3 has 64 bytes and a payload of at most 16384"
	ruleOrder     rule = "a message has the length its head announces"
	rulePoint     rule = "a key is not a point of low order"
	ruleOpens     rule = "a message opens with the keys agreed so far"
	rulePayload   rule = "the payload is a NoiseHandshakePayload"
	ruleKey       rule = "the payload holds the sender's public key"
	ruleSignature rule = "the payload holds the identity's signature over the static key"
	rulePeer      rule = "the remote is the peer that was wanted"
	ruleMuxers    rule = "a muxer list has at most 100 names"
	ruleOverlap   rule = "both ends have a muxer in common"
)

// The rules of the records that follow the handshake.
const (
	ruleTag    rule = "a record has at least 16 bytes, its tag"
	ruleSealed rule = "a record is sealed with the session's key, in the order of sending"
	ruleWhole  rule = "a record arrives whole"
)

// A RecordError says that what came after the handshake is not what the remote
// sealed: bytes were changed, left out, repeated or cut off, by the remote or by
// somebody between. It ends the connection for good: every later Read returns
// the same error. Dial again.
type RecordError struct {
	Record uint64 // the number of the record, counted from 0 in this direction
	Rule   string // the rule in words
	Cause  error  // io.ErrUnexpectedEOF for a cut record, otherwise nil
}

// Error returns the text; its form is not a contract.
func (e *RecordError) Error() string {
	text := fmt.Sprintf("%s: record %d: the remote broke the rule %q", ID, e.Record, e.Rule)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Cause }

var (
	// ErrExhausted is returned by Read or Write when a direction has used all
	// its 2^64-1 record numbers (libp2p specs, noise/README.md, "Encryption and
	// I/O"). Nobody is at fault; dial again.
	ErrExhausted = errors.New("/noise: the session has used up its record numbers")

	// ErrConcurrentUse is returned when two goroutines read, or two write, one
	// connection at the same time. The fault is the caller's; the connection is
	// unharmed.
	ErrConcurrentUse = errors.New("/noise: two goroutines use one direction of a connection at once")

	errCount = errors.New("/noise: the pipe below reports a number of bytes that cannot be")
)

// fault makes the error of a handshake that the remote ended by breaking a rule.
func fault(stage string, broken rule, cause error) *negotiate.HandshakeError {
	return &negotiate.HandshakeError{Security: ID, Stage: stage, Rule: string(broken), Cause: cause}
}

// interrupted makes the error of a handshake that could not go on; nobody broke
// a rule.
func interrupted(stage string, cause error) *negotiate.HandshakeError {
	return &negotiate.HandshakeError{Security: ID, Stage: stage, Cause: cause}
}
