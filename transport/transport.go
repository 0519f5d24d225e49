package transport

import (
	"context"
	"net"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A Link is a way to one remote machine that a [Transport] has made: a pipe of raw
// bytes, which the connection secures and multiplexes. Whoever receives a link
// owns it and closes it.
type Link struct {
	// Local and Remote are the link's two addresses, without /p2p.
	Local, Remote ma.Multiaddr
	// Pipe carries the bytes.
	Pipe net.Conn
}

// Close closes the pipe.
func (l Link) Close() error { return l.Pipe.Close() }

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

// A TryWriter is a pipe that can take bytes without waiting. Whoever must not wait
// writes with it, and leaves to somebody who may what it did not take.
type TryWriter interface {
	// TryWrite takes as many bytes of p as there is room for now, perhaps none,
	// and returns how many. It never waits. It is not called while a Write is
	// under way. Errors are those of Write; no room is none.
	TryWrite(p []byte) (int, error)
}

// A Notifier is a pipe that can say when there is something to read, so that nobody
// need wait in Read: simulated ones can, of which there are many.
type Notifier interface {
	// OnReadable has f called once, when a Read would not wait for the remote: there
	// are bytes, or the end of them, or an error. If that is so already it is called
	// at once. f must not wait and not call the pipe; a deadline does not call it.
	// It is called by whoever reads, and not again before f was called. It returns
	// false when it has no way to know, and f is never called; nil asks just that.
	OnReadable(f func()) bool
}

// A Gatherer is a pipe that takes several pieces with one call of the system.
type Gatherer interface {
	// WriteBuffers is Write for pieces that lie in several places. It may change
	// the slice of pieces, never the pieces.
	WriteBuffers(pieces [][]byte) (int64, error)
}
