package transport

import (
	"context"
	"net"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// A Link is a way to one remote machine that a [Transport] has made. Exactly one
// of Pipe and Session is set. Whoever receives a link owns it and closes it.
type Link struct {
	// Local and Remote are the link's two addresses, without /p2p.
	Local, Remote ma.Multiaddr
	// Pipe carries raw bytes: the connection secures and multiplexes them.
	Pipe net.Conn
	// Session is secured and multiplexed already (QUIC and its kin).
	Session Session
}

// Close closes whatever the link is.
func (l Link) Close() error {
	if l.Session != nil {
		return l.Session.Close()
	}
	return l.Pipe.Close()
}

// A Session is a link that knows its peer and carries streams by itself.
type Session interface {
	// Peer is the proven ID of the remote end.
	Peer() peer.ID
	// OpenStream opens a stream; it blocks while the remote allows no more, until
	// ctx ends.
	OpenStream(ctx context.Context) (stream.Body, error)
	// AcceptStream waits for a stream of the remote, until ctx or the session ends.
	AcceptStream(ctx context.Context) (stream.Body, error)
	// Close ends the session and all its streams.
	Close() error
}

// A Transport makes links over one kind of network.
type Transport interface {
	// CanDial reports whether the transport understands the address; a trailing
	// /p2p part is ignored.
	CanDial(to ma.Multiaddr) bool
	// CanListen reports the same for an address to listen at.
	CanListen(at ma.Multiaddr) bool
	// Dial opens a link. It blocks until the link is open, has failed, or ctx
	// ends (its cause is returned in the chain). want is for transports that
	// prove the peer themselves; others leave that to the upgrade. Errors are
	// [*DialError].
	Dial(ctx context.Context, to ma.Multiaddr, want peer.ID) (Link, error)
	// Listen begins to accept links; it does not block. ctx is the actor that
	// will own the listener. Errors are [*ListenError].
	Listen(ctx context.Context, at ma.Multiaddr) (Listener, error)
}

// A Listener accepts the links that remote machines open.
type Listener interface {
	// Accept waits for the next link, until ctx ends or the listener is closed
	// ([net.ErrClosed]). Other errors concern one link, unless they repeat.
	Accept(ctx context.Context) (Link, error)
	// Addrs are the addresses that are really listened at: a port 0 is resolved
	// and an unspecified IP address is expanded into those of the machine's
	// interfaces.
	Addrs() []ma.Multiaddr
	// Close stops accepting; Accept returns. Links accepted before live on.
	Close() error
}
