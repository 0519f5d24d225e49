package tls

import (
	"errors"
	"io"
	"net"
	"os"

	"github.com/troupe-p2p/troupe/negotiate"
)

// A rule is what the remote must keep to, in words.
type rule string

// The rules of the handshake (libp2p specs, tls/tls.md).
const (
	ruleTLS       rule = "the remote speaks TLS 1.3 and shows a certificate"
	ruleOne       rule = "there is exactly one certificate"
	ruleParses    rule = "the certificate is one of X.509"
	ruleKey       rule = "the certificate's key is on P-256, P-384 or P-521, Ed25519, or RSA with 2048 to 8192 bits"
	ruleSelf      rule = "the certificate is signed by its own key"
	ruleNow       rule = "the certificate is valid now"
	ruleCritical  rule = "the certificate has no critical extension that is unknown here"
	ruleExtension rule = "the certificate has the libp2p extension"
	ruleSignedKey rule = "the libp2p extension is a SignedKey"
	ruleHost      rule = "the libp2p extension holds the host's public key"
	ruleSignature rule = "the libp2p extension holds the host's signature over the certificate's key"
	rulePeer      rule = "the remote is the peer that was wanted"
)

// The rules of the records that follow the handshake.
const (
	ruleSealed rule = "a record is sealed with the session's key, in the order of sending"
	ruleWhole  rule = "a record arrives whole"
)

// A RecordError says that what came after the handshake is not what the remote
// sealed: bytes were changed, left out, repeated or cut off, by the remote or by
// somebody between. It ends the connection for good. Dial again.
type RecordError struct {
	Rule  string // the rule in words
	Cause error  // what crypto/tls found; io.ErrUnexpectedEOF for a cut record
}

// Error returns the text; its form is not a contract.
func (e *RecordError) Error() string {
	return string(ID) + ": the remote broke the rule \"" + e.Rule + "\": " + e.Cause.Error()
}

// Unwrap returns the cause.
func (e *RecordError) Unwrap() error { return e.Cause }

var errCount = errors.New("/tls/1.0.0: the pipe below reports a number of bytes that cannot be")

// fault makes the error of a handshake that the remote ended by breaking a rule.
func fault(stage string, broken rule, cause error) *negotiate.HandshakeError {
	return &negotiate.HandshakeError{Security: ID, Stage: stage, Rule: string(broken), Cause: cause}
}

// interrupted makes the error of a handshake that could not go on; nobody broke
// a rule.
func interrupted(stage string, cause error) *negotiate.HandshakeError {
	return &negotiate.HandshakeError{Security: ID, Stage: stage, Cause: cause}
}

// failed makes the error of a handshake of what crypto/tls returned: one of this
// package's own, the pipe's, an alert of the remote, or else what crypto/tls
// does not accept.
func failed(stage string, err error) *negotiate.HandshakeError {
	if own, ok := errors.AsType[*negotiate.HandshakeError](err); ok {
		return own
	}
	if below, ok := errors.AsType[*pipeError](err); ok {
		return interrupted(stage, below.err)
	}
	if alerted(err) || ended(err) {
		return interrupted(stage, err)
	}
	return fault(stage, ruleTLS, err)
}

// alerted reports whether err is an alert of the remote.
func alerted(err error) bool {
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" // the only sign that crypto/tls gives
}

// ended reports whether err is the end of the pipe. crypto/tls tells it from the
// end inside a record, and so it goes through it as it is.
func ended(err error) bool { return err == io.EOF || err == io.ErrUnexpectedEOF }

// late reports whether err is a deadline that has passed.
func late(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
