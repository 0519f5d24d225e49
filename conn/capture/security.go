package capture

import (
	"context"
	"net"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// security stands for the security channel of a recording: it does nothing, and
// says what was proved there.
type security struct {
	id    negotiate.Protocol
	key   peer.PublicKey
	muxer negotiate.Protocol
}

// Protocol is the recorded channel's.
func (s *security) Protocol() negotiate.Protocol { return s.id }

// Secure returns the pipe as it is.
func (s *security) Secure(_ context.Context, raw net.Conn, _ negotiate.Role, _ peer.ID) (negotiate.Secured, error) {
	return &secured{Conn: raw, key: s.key, muxer: s.muxer}, nil
}

// secured is the pipe with the peer's name.
type secured struct {
	net.Conn
	key   peer.PublicKey
	muxer negotiate.Protocol
}

// Peer is the ID of the recorded peer.
func (s *secured) Peer() peer.ID { return s.key.ID() }

// Key is the recorded peer's key.
func (s *secured) Key() peer.PublicKey { return s.key }

// Muxer is what was agreed inside the recorded handshake.
func (s *secured) Muxer() negotiate.Protocol { return s.muxer }
