package identify

import (
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// message is everything the service's actor receives: one of the types below.
type message interface{ identifyMessage() }

// happened: something has happened in the swarm. From the carrier of its events,
// which waits for room. Its loss would hide a connection.
type happened struct{ event swarm.Event }

// askOver: the child that asked a peer has ended. From the runtime. Its loss
// would leave those waiting who want to know the peer.
type askOver struct {
	id     connID
	answer *answer
}

// answer is what asking came to; the child fills it in.
type answer struct {
	info  *Info
	fault error // something in it was left out
	err   error // there is no info
}

// pushOver: the child that told a peer has ended. From the runtime. Its loss
// would mean that the peer is never told again.
type pushOver struct {
	id  connID
	err *error
}

// pushWanted: a peer wants to tell something. From the stream's handler, which
// waits for the answer.
type pushWanted struct {
	actor.Ask[*stranger, admission]
}

// stranger is on whose connection a push came.
type stranger struct {
	peer          peer.ID
	local, remote ma.Multiaddr
}

// admission says that a push may be read.
type admission struct {
	conn   *conn.Conn // nil: it may not
	id     connID
	ticket uint64
}

// pushTaken: a push was read. From the stream's handler, which waits for room.
// Its loss would leave the peer known as it was before.
type pushTaken struct {
	admission
	answer answer
}

// refresh: a handler has found that what this host says of itself is not up to
// date. It waits for the answer.
type refresh struct{ actor.Ask[struct{}, struct{}] }

// wait: somebody wants to know a peer. Its loss would leave the caller waiting.
type wait struct{ actor.Ask[peer.ID, *Info] }

// observations: somebody wants to know where others see this host.
type observations struct {
	actor.Ask[struct{}, []Observation]
}

// deadline: the time that the machine waits for has come. From the runtime.
type deadline struct{}

func (happened) identifyMessage()     {}
func (askOver) identifyMessage()      {}
func (pushOver) identifyMessage()     {}
func (pushWanted) identifyMessage()   {}
func (pushTaken) identifyMessage()    {}
func (refresh) identifyMessage()      {}
func (wait) identifyMessage()         {}
func (observations) identifyMessage() {}
func (deadline) identifyMessage()     {}
