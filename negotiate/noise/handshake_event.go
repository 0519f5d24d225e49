package noise

import (
	"fmt"
	"io"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// An eventKind says what happened to a handshake.
type eventKind uint8

const (
	begin     eventKind = iota // this end may speak
	announced                  // the head of a frame came: n bytes will follow
	message                    // data is the message that was announced
)

// An event is one input of a handshake machine.
type event struct {
	kind eventKind
	n    int
	data []byte
}

// An effectKind says what is to be done.
type effectKind uint8

const (
	send effectKind = iota // send data as one message
	done                   // both ends have agreed on session
	fail                   // the remote broke a rule: err says which
)

// An effect is one output of a handshake machine. done and fail end it; each
// comes at most once and last.
type effect struct {
	kind    effectKind
	data    []byte
	session *session
	err     *negotiate.HandshakeError
}

// Format prints what the effect is and none of its keys, for every verb and flag.
func (f effect) Format(s fmt.State, _ rune) {
	switch f.kind {
	case send:
		fmt.Fprintf(s, "send %d bytes", len(f.data))
	case done:
		fmt.Fprint(s, "done: ", f.session)
	case fail:
		fmt.Fprint(s, "fail: ", f.err)
	}
}

// A session is what a handshake agrees on. It never prints its keys.
type session struct {
	send, receive [keySize]byte // the cipher keys of the two directions
	key           peer.PublicKey
	proof         proof // of the claim that the key is from
	muxer         negotiate.Protocol
}

// Format prints the same for every verb and flag.
func (s *session) Format(f fmt.State, _ rune) { io.WriteString(f, "session with "+s.key.ID().String()) }

// wipe forgets the keys.
func (s *session) wipe() { clear(s.send[:]); clear(s.receive[:]) }
