package swarm

import (
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// message is everything the swarm's actor receives: one of the types below.
type message interface{ swarmMessage() }

// arrived: a listener has accepted a link. Sent by listeners, which wait for
// room and so stop accepting. Its loss would leave the link open for ever.
type arrived struct{ link transport.Link }

// connect: a user or service wants a connection with a peer. Its loss would
// leave the caller waiting.
type connect struct {
	actor.Ask[*wish, *conn.Conn]
}

// wish is what one caller of Connect wants.
type wish struct {
	peer  peer.ID
	addrs []ma.Multiaddr // besides those in the book
	force bool           // try addresses that failed a moment ago as well
	order int            // the swarm's: which order of the dial it is part of
}

// leave: a caller of Connect does not wait any more. Sent without waiting; its
// loss means that the dial goes on until its own end.
type leave struct{ wish *wish }

// adopt: an attempt has opened a link and hands it over, to be upgraded. Its
// loss would leave the attempt waiting. Undelivered, the attempt closes the link.
type adopt struct {
	actor.Ask[*adoption, *conn.Conn]
}

// adoption is a link on its way to the swarm.
type adoption struct {
	link    transport.Link
	dial    *dialing
	upgrade time.Duration // how long the upgrade may take
	claimed atomic.Bool   // by the swarm, or by the attempt that gave up: the link is theirs
}

// up: a connection is open. From the connection's actor, in a reserved place.
// Its loss would hide the connection.
type up struct {
	entry *entry
	conn  *conn.Conn
}

// down: a connection has ended or never was open. From the connection's actor,
// in a reserved place. Its loss would leave a dead connection in the table.
type down struct {
	entry *entry
	err   error
}

// gone: nothing is left of a connection's actor. From the runtime. It is the
// net under down, which an actor that was stopped before it began never sends.
type gone struct {
	entry *entry
	err   error
}

// dialOver: the actor of a dial has ended. From the runtime. Its loss would
// leave callers waiting.
type dialOver struct {
	dial *dialing
	err  error // of the actor itself: a panic
}

// identified: a remote has said what it supports. From the identify service,
// which waits for room. Its loss would cost a round trip on later streams.
type identified struct {
	conn      *conn.Conn
	protocols []negotiate.Protocol
}

// listening: a listener is up or down. From the listener, which waits for the
// answer to the first and uses a reserved place for the second. Its loss would
// leave wrong addresses.
type listening struct {
	actor.Ask[listenerNews, struct{}]
}

type listenerNews struct {
	listener *listener
	addrs    []ma.Multiaddr // nil: down
	err      error
}

// subscribe: somebody wants to hear events. Its loss would leave the caller
// waiting.
type subscribe struct {
	actor.Ask[*subscriber, struct{}]
}

func (arrived) swarmMessage()    {}
func (connect) swarmMessage()    {}
func (leave) swarmMessage()      {}
func (adopt) swarmMessage()      {}
func (up) swarmMessage()         {}
func (down) swarmMessage()       {}
func (gone) swarmMessage()       {}
func (dialOver) swarmMessage()   {}
func (identified) swarmMessage() {}
func (listening) swarmMessage()  {}
func (subscribe) swarmMessage()  {}

// Undelivered closes the link that nobody will serve.
func (m arrived) Undelivered(error) { m.link.Close() }

// Undelivered closes the link of a connection that never began.
func (m gone) Undelivered(error) { m.entry.link.Close() }
