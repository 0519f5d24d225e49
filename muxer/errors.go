package muxer

import "fmt"

// CodeResourceLimit is the code of a stream that a machine reset by its own
// policy because the stream held too much: 0x1002, "resource limit exceeded" in
// the table of stream error codes that go-libp2p uses on yamux and QUIC
// (go-libp2p, core/network/mux.go). mplex has no room for it on the wire.
const CodeResourceLimit uint32 = 0x1002

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
