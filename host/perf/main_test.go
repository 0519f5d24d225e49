package perf

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
	"github.com/troupe-p2p/troupe/transport/tcp"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is a network in memory with nodes on it, inside one tree of actors.
type world struct {
	*testing.T
	self  *actor.Self // of the scenario
	net   *mem.Network
	nodes []*node
}

// node is a swarm and the actor that holds it.
type node struct {
	*swarm.Swarm
	self *actor.Self
	ref  *actor.Ref
	w    *world
}

// run1 runs a scenario as an actor and ends its nodes in reverse order.
func run1(t *testing.T, scenario func(w *world)) actor.Func {
	return func(self *actor.Self) error {
		w := &world{T: t, self: self, net: mem.NewNetwork()}
		scenario(w)
		for i := len(w.nodes) - 1; i >= 0; i-- {
			w.nodes[i].ref.Stop(nil)
			if err := w.nodes[i].ref.Wait(self); err != nil {
				return err
			}
		}
		return nil
	}
}

// both runs a scenario on both carriers: on goroutines in virtual time, and on
// the scheduler with several seeds.
func both(t *testing.T, scenario func(w *world)) {
	t.Helper()
	t.Run("goroutines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := actor.Run(context.Background(), "test", run1(t, scenario)); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("simulation", func(t *testing.T) {
		for seed := range uint64(5) {
			if err := actor.NewScheduler(seed, nil).Run(context.Background(), "test", run1(t, scenario)); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		}
	})
}

// overTCP runs a scenario over loopback TCP and Noise, on the real clock.
func overTCP(t *testing.T, scenario func(w *world)) {
	t.Helper()
	if err := actor.Run(context.Background(), "test", run1(t, scenario)); err != nil {
		t.Error(err)
	}
}

// withTCP makes a swarm use loopback TCP and Noise.
func withTCP(c *swarm.Config) {
	c.Transports = []transport.Transport{tcp.New()}
	c.Security = []negotiate.Security{noise.New(c.Key)}
}

// withMplex makes a swarm use mplex, whose resets carry no codes.
func withMplex(c *swarm.Config) { c.Muxers = []muxer.Factory{mplex.Factory(mplex.PauseThenReset)} }

// bare starts a swarm that listens, without the service.
func (w *world) bare(change ...func(*swarm.Config)) *node {
	w.Helper()
	key, err := peer.Generate(actor.Entropy(w.self))
	w.must(err)
	c := swarm.Config{
		Key:        key,
		Transports: []transport.Transport{w.net.Transport()},
		Security:   []negotiate.Security{plaintext.New(key)},
		Muxers:     []muxer.Factory{yamux.Factory(yamux.Options{})},
	}
	for _, f := range change {
		f(&c)
	}
	at := ma.StringCast("/memory/0")
	if !c.Transports[0].CanListen(at) {
		at = ma.StringCast("/ip4/127.0.0.1/tcp/0")
	}
	n := &node{w: w}
	begun := actor.NewPromise(w.self, "a node")
	n.ref = w.self.Supervise(fmt.Sprintf("node-%d", len(w.nodes)), actor.Restart{}, func(self *actor.Self) error {
		n.self = self
		var err error
		if n.Swarm, err = swarm.Start(self, c); err == nil {
			err = n.Listen(self, at)
		}
		begun.Keep(err)
		return untilTold(self)
	})
	w.must(begun.Wait(w.self))
	w.nodes = append(w.nodes, n)
	return n
}

// node starts a swarm that listens, with the service.
func (w *world) node(o Options, change ...func(*swarm.Config)) *node {
	w.Helper()
	n := w.bare(change...)
	w.must(Start(n.self, n.Swarm, o))
	return n
}

// evil starts a swarm that answers in its own way.
func (w *world) evil(answer stream.Handler) *node {
	w.Helper()
	n := w.bare()
	w.must(n.Handle(n.self, ID, answer))
	return n
}

// knows makes the address of another node known to this one.
func (n *node) knows(to *node) *node {
	n.w.Helper()
	n.w.must(n.Book().Learn(n.w.self, peer.Info{ID: to.ID(), Addrs: to.Addrs()}, swarm.GivenTTL))
	return n
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// sleep lets virtual time pass.
func (w *world) sleep(d time.Duration) {
	w.Helper()
	w.must(w.self.Sleep(d))
}

func untilTold(self *actor.Self) error {
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}
