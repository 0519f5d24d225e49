package swarm

import (
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// An Event tells a subscriber what has happened in the swarm. It is one of the
// types of this file.
//
// What a subscriber hears of one peer is exact and in order: PeerUp, ConnUp,
// any number of ConnUp, ConnDown and PeerKnows, and after the last ConnDown
// PeerDown. Losing an event would leave a subscriber with a wrong picture, so
// one that is too slow gets [Missed] and then the differences.
type Event interface{ event() }

// PeerUp: a peer has its first connection. The ConnUp of it follows.
type PeerUp struct {
	Peer peer.ID
	Conn *conn.Conn
}

// PeerDown: the peer's last connection has ended, with the given reason.
type PeerDown struct {
	Peer peer.ID
	Err  error // a *conn.CloseError
}

// ConnUp: a connection is open. A peer may have several.
type ConnUp struct {
	Peer peer.ID
	Conn *conn.Conn
}

// ConnDown: a connection has ended. Its streams may take a moment more.
type ConnDown struct {
	Peer peer.ID
	Conn *conn.Conn
	Err  error // a *conn.CloseError
}

// InboundFailed: a link that came in never became a listed connection. It says
// which rule was broken, for whoever counts or bans; a peer that goes on failing
// costs a slow subscriber its place in the queue ([Missed]) and nothing else.
type InboundFailed struct {
	Remote ma.Multiaddr
	// Err is a *conn.UpgradeError, or, when the upgrade was complete, a
	// *conn.CloseError whose cause is the limit that refused the connection.
	Err error
}

// PeerKnows: the remote has said which protocols it supports, on this
// connection, for the first time or again.
type PeerKnows struct {
	Peer      peer.ID
	Conn      *conn.Conn
	Protocols []negotiate.Protocol
}

// ListenerUp: the host can be reached at these addresses.
type ListenerUp struct {
	At    ma.Multiaddr   // as it was asked for
	Addrs []ma.Multiaddr // as they really are
}

// ListenerDown: a listener has ended; it is tried again after a pause, unless
// it was stopped.
type ListenerDown struct {
	At  ma.Multiaddr
	Err error // nil: stopped
}

// AddrsChanged: the host's own addresses are now these.
type AddrsChanged struct{ Addrs []ma.Multiaddr }

// ProtocolsChanged: the protocols that the host serves are now these, in
// alphabetical order.
type ProtocolsChanged struct{ Protocols []negotiate.Protocol }

// Missed: the subscriber was too slow and N events were dropped. The events
// after it bring its picture up to date.
type Missed struct{ N int }

func (PeerUp) event()           {}
func (PeerDown) event()         {}
func (ConnUp) event()           {}
func (ConnDown) event()         {}
func (InboundFailed) event()    {}
func (PeerKnows) event()        {}
func (ListenerUp) event()       {}
func (ListenerDown) event()     {}
func (AddrsChanged) event()     {}
func (ProtocolsChanged) event() {}
func (Missed) event()           {}
