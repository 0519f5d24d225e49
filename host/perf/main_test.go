package perf

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/host/swarm/swarmtest"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/stream"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a network in memory with nodes on it, inside one tree of actors.
type world struct{ *swarmtest.World }

// node is a swarm and the actor that holds it.
type node struct {
	*swarmtest.Node
	w *world
}

// both runs a scenario on both carriers: on goroutines in virtual time, and on
// the scheduler with several seeds.
func both(t *testing.T, scenario func(w *world)) {
	t.Helper()
	swarmtest.Both(t, 5, func(w *swarmtest.World) { scenario(&world{w}) })
}

// overTCP runs a scenario on the real clock, over loopback TCP and Noise.
func overTCP(t *testing.T, scenario func(w *world)) {
	t.Helper()
	swarmtest.OverTCP(t, func(w *swarmtest.World) { scenario(&world{w}) })
}

// withMplex makes a swarm use mplex, whose resets carry no codes.
func withMplex(c *swarm.Config) { c.Muxers = []muxer.Factory{mplex.Factory(mplex.PauseThenReset)} }

// bare starts a swarm that listens, without the service.
func (w *world) bare(change ...func(*swarm.Config)) *node {
	w.Helper()
	overYamux := func(c *swarm.Config) { c.Muxers = []muxer.Factory{yamux.Factory(yamux.Options{})} }
	return &node{Node: w.Node(append([]func(*swarm.Config){overYamux}, change...)...), w: w}
}

// node starts a swarm that listens, with the service.
func (w *world) node(o Options, change ...func(*swarm.Config)) *node {
	w.Helper()
	n := w.bare(change...)
	w.Must(Start(n.Self, n.Swarm, o))
	return n
}

// evil starts a swarm that answers in its own way.
func (w *world) evil(answer stream.Handler) *node {
	w.Helper()
	n := w.bare()
	w.Must(n.Handle(n.Self, ID, answer))
	return n
}

// knows makes the address of another node known to this one.
func (n *node) knows(to *node) *node {
	n.w.Helper()
	n.Knows(to.Node)
	return n
}
