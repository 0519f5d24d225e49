package capture

import (
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
)

// A Side is one end of a captured conversation.
type Side uint8

const (
	// Troupe is this end.
	Troupe Side = iota
	// Peer is the other implementation.
	Peer
)

// String returns "troupe" or "peer".
func (s Side) String() string {
	if s == Peer {
		return "peer"
	}
	return "troupe"
}

// Other is the other side.
func (s Side) Other() Side { return 1 - s }

// A Kind says where a capture was taken.
type Kind string

// The kinds.
const (
	// Session is everything between the security channel and the end of the
	// connection: multistream-select for the muxer, unless that was agreed
	// inside the handshake, then the muxer's frames.
	Session Kind = "session"
	// Handshake is everything before: multistream-select for the security
	// channel, then the handshake, with the keys of Troupe's end in Own.
	Handshake Kind = "handshake"
	// Certificate is what the peer showed in a handshake of TLS: one chunk for
	// each certificate, in DER.
	Certificate Kind = "certificate"
)

// A Capture is one conversation with another implementation.
type Capture struct {
	Kind Kind
	// Peer is the name of the other implementation, and Versions are those of
	// what it was made of, a name and a version each.
	Peer     string
	Versions []string
	// Date is the day of the recording, 2006-01-02.
	Date string
	// Dialer is who opened the connection.
	Dialer Side
	// Security is the security channel's protocol.
	Security negotiate.Protocol
	// Muxer is the muxer's protocol; empty where none was agreed.
	Muxer negotiate.Protocol
	// Early says that the muxer was agreed inside the handshake.
	Early bool
	// Key is the peer's public key, marshalled (libp2p specs, peer-ids).
	Key []byte
	// Local and Remote are the addresses of the link as Troupe's end has them.
	Local, Remote string
	// Own is what Troupe's end was given, by name: keys that were made for this
	// recording and serve nothing else.
	Own []Secret
	// Chunks are what went over the pipe, in the order in which Troupe's end saw
	// it: what it wrote when it began to write it, what it read when it had read it.
	Chunks []Chunk
}

// A Secret is a key of Troupe's end in a recording.
type Secret struct {
	Name string
	Data []byte
}

// Secret returns the secret with a name, nil when there is none.
func (c *Capture) Secret(name string) []byte {
	for _, s := range c.Own {
		if s.Name == name {
			return s.Data
		}
	}
	return nil
}

// A Chunk is one read or write of Troupe's end, or the end of the pipe.
type Chunk struct {
	From Side
	// At is when it was, since the first one.
	At time.Duration
	// Data is what came, never empty, except at the end.
	Data []byte
	// End says that From closed the pipe. Only the last chunk can be one.
	End bool
	// Line is where the chunk begins in the text it was parsed from; 0 for one
	// that was not.
	Line int
}
