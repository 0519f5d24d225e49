package identify

import (
	"testing"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/host/swarm/swarmtest"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// world is a network in memory with nodes on it, inside one tree of actors.
type world struct{ *swarmtest.World }

// node is a swarm and what runs on it.
type node struct {
	*swarmtest.Node
	ids *Service // nil: it has none
	w   *world
}

// both runs a scenario on both carriers: on goroutines in virtual time, and on
// the scheduler with several seeds.
func both(t *testing.T, scenario func(w *world)) {
	t.Helper()
	swarmtest.Both(t, 3, func(w *swarmtest.World) { scenario(&world{w}) })
}

// overTCP runs a scenario on the real clock, over loopback TCP and Noise.
func overTCP(t *testing.T, scenario func(w *world)) {
	t.Helper()
	swarmtest.OverTCP(t, func(w *swarmtest.World) { scenario(&world{w}) })
}

// bare starts a swarm that listens, without the service.
func (w *world) bare(change ...func(*swarm.Config)) *node {
	w.Helper()
	return &node{Node: w.Node(change...), w: w}
}

// node starts a swarm that listens, with the service.
func (w *world) node(change ...func(*swarm.Config)) *node {
	w.Helper()
	n := w.bare(change...)
	var err error
	n.ids, err = Start(n.Self, n.Swarm, Options{Agent: "test/1"})
	w.Must(err)
	return n
}

// connect connects with another node.
func (n *node) connect(to *node) {
	n.w.Helper()
	_, err := n.Connect(n.w.Self, to.Info())
	n.w.Must(err)
}

// meets connects with another node and waits until it is known.
func (n *node) meets(to *node) *Info {
	n.w.Helper()
	n.connect(to)
	info, err := n.ids.Wait(n.w.Self, to.ID())
	n.w.Must(err)
	return info
}

// learns waits until the node knows a peer, even one whose connection has not
// shown itself yet.
func (n *node) learns(id peer.ID) *Info {
	n.w.Helper()
	ref := n.w.Self.Supervise("listener", actor.Restart{}, func(self *actor.Self) error {
		box := actor.NewMailbox[swarm.Event](self, 16)
		if err := swarm.Subscribe(n.Swarm, self, box, func(e swarm.Event) swarm.Event { return e }); err != nil {
			return err
		}
		for e := range box.All() {
			if knows, ok := e.(swarm.PeerKnows); ok && knows.Peer == id {
				self.Ref().Stop(nil)
			}
		}
		return nil
	})
	n.w.Must(ref.Wait(n.w.Self))
	info, ok := n.ids.Known(id)
	if !ok {
		n.w.Fatal("a peer is known to the swarm and not to the service")
	}
	return info
}

// serves registers a handler for as long as the node lives.
func (n *node) serves(p negotiate.Protocol, h stream.Handler) {
	n.w.Helper()
	n.w.Must(n.Handle(n.Self, p, h))
}

// says makes a node without the service speak for itself in its own way.
func (n *node) says(h stream.Handler) *node {
	n.serves(ID, h)
	return n
}

// none is a handler that does nothing.
func none(*actor.Self, *stream.Stream) error { return nil }
