package swarmtest

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
	"github.com/troupe-p2p/troupe/transport/tcp"
)

// A World is a network in memory with nodes on it, inside one tree of actors.
type World struct {
	*testing.T
	Self  *actor.Self // of the scenario
	net   *mem.Network
	nodes []*Node
}

// A Node is a swarm that listens, and the actor that holds it.
type Node struct {
	*swarm.Swarm
	Self *actor.Self
	Ref  *actor.Ref
	w    *World
}

// Body is a scenario as the body of a root, which ends the nodes in reverse order.
func Body(t *testing.T, scenario func(w *World)) actor.Func {
	return func(self *actor.Self) error {
		w := &World{T: t, Self: self, net: mem.NewNetwork()}
		scenario(w)
		for i := len(w.nodes) - 1; i >= 0; i-- {
			w.nodes[i].Ref.Stop(nil)
			if err := w.nodes[i].Ref.Wait(self); err != nil {
				return err
			}
		}
		return nil
	}
}

// Both runs a scenario on both carriers: on goroutines in virtual time, and on
// the scheduler with as many seeds.
func Both(t *testing.T, seeds uint64, scenario func(w *World)) {
	t.Helper()
	t.Run("goroutines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := actor.Run(context.Background(), "test", Body(t, scenario)); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("simulation", func(t *testing.T) {
		for seed := range seeds {
			if err := actor.NewScheduler(seed, nil).Run(context.Background(), "test", Body(t, scenario)); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		}
	})
}

// OverTCP runs a scenario on the real clock; its nodes are given [WithTCP].
func OverTCP(t *testing.T, scenario func(w *World)) {
	t.Helper()
	if err := actor.Run(context.Background(), "test", Body(t, scenario)); err != nil {
		t.Error(err)
	}
}

// WithTCP makes a swarm use loopback TCP and Noise.
func WithTCP(c *swarm.Config) {
	c.Transports = []transport.Transport{tcp.New()}
	c.Security = []negotiate.Security{noise.New(c.Key)}
}

// Node starts a swarm that listens: in memory, with plaintext and mplex, where
// change does not say otherwise.
func (w *World) Node(change ...func(*swarm.Config)) *Node {
	w.Helper()
	key, err := peer.Generate(actor.Entropy(w.Self))
	w.Must(err)
	c := swarm.Config{
		Key:        key,
		Transports: []transport.Transport{w.net.Transport()},
		Security:   []negotiate.Security{plaintext.New(key)},
		Muxers:     []muxer.Factory{mplex.Factory(mplex.PauseThenReset)},
	}
	for _, f := range change {
		f(&c)
	}
	at := ma.StringCast("/memory/0")
	if !c.Transports[0].CanListen(at) {
		at = ma.StringCast("/ip4/127.0.0.1/tcp/0")
	}
	n := &Node{w: w}
	begun := actor.NewPromise(w.Self, "a node")
	n.Ref = w.Self.Supervise(fmt.Sprintf("node-%d", len(w.nodes)), actor.Restart{}, func(self *actor.Self) error {
		n.Self = self
		var err error
		if n.Swarm, err = swarm.Start(self, c); err == nil {
			err = n.Listen(self, at)
		}
		begun.Keep(err)
		return UntilTold(self)
	})
	w.Must(begun.Wait(w.Self))
	w.nodes = append(w.nodes, n)
	return n
}

// Must ends the scenario with an error that should not be.
func (w *World) Must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// Sleep lets virtual time pass.
func (w *World) Sleep(d time.Duration) {
	w.Helper()
	w.Must(w.Self.Sleep(d))
}

// Info is how others reach the node.
func (n *Node) Info() peer.Info { return peer.Info{ID: n.ID(), Addrs: n.Addrs()} }

// Knows makes the address of another node known to this one.
func (n *Node) Knows(to *Node) {
	n.w.Helper()
	n.w.Must(n.Book().Learn(n.w.Self, to.Info(), swarm.GivenTTL))
}

// UntilTold waits until the actor is told to end, and returns the cause.
func UntilTold(self *actor.Self) error {
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}
