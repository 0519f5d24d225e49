package muxer

import (
	"fmt"
	"time"
)

// CodeResourceLimit is the code of a stream that a machine reset by its own
// policy because the stream held too much: 0x1002, "resource limit exceeded" in
// the table of stream error codes that go-libp2p uses on yamux and QUIC
// (go-libp2p, core/network/mux.go). mplex has no room for it on the wire.
const CodeResourceLimit uint32 = 0x1002

// CodeShutdown is the code of a stream that is refused because the connection is
// going away: 0x1007 in the same table. A Refused effect with this code says that
// of a stream that is asked for here.
const CodeShutdown uint32 = 0x1007

// A ProtocolError says which rule of the muxer's protocol the remote broke. It
// ends the connection. The fault is the remote's.
type ProtocolError struct {
	Muxer  string // the muxer's protocol ID
	Rule   string // the rule in words, for example "frame body of at most 1048576 bytes"
	Stream uint64 // the stream's number on the wire, where there is one
	Got    uint64 // the offending number, where there is one
	Code   uint32 // the code a go-away carries, where the muxer has one
}

// Error returns the text; its form is not a contract.
func (e *ProtocolError) Error() string {
	return fmt.Sprintf("%s: the remote broke the rule %q (stream %d, got %d)", e.Muxer, e.Rule, e.Stream, e.Got)
}

// A GoAwayError says that the remote has ended the connection with a go-away and
// told a reason. Whose fault it was, only the code can tell.
type GoAwayError struct {
	Muxer string // the muxer's protocol ID
	// Code is the reason: in yamux 1 is a breach of the protocol that the remote
	// saw here, 2 a failure of the remote's own, and go-libp2p has a table of more
	// (core/network/conn.go).
	Code uint32
}

// Error returns the text; its form is not a contract.
func (e *GoAwayError) Error() string {
	return fmt.Sprintf("%s: the remote has ended the connection with code %#x", e.Muxer, e.Code)
}

// A SilentError says that the remote did not answer a ping and sent nothing else:
// it, or the way to it, is gone. Dial it again.
type SilentError struct {
	Muxer  string        // the muxer's protocol ID
	Silent time.Duration // how long nothing has come from it
}

// Error returns the text; its form is not a contract.
func (e *SilentError) Error() string {
	return fmt.Sprintf("%s: the remote has been silent for %v and does not answer a ping", e.Muxer, e.Silent)
}
