package identify

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
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
	"github.com/troupe-p2p/troupe/transport/tcp"
)

// world is a network in memory with nodes on it, inside one tree of actors.
type world struct {
	*testing.T
	self  *actor.Self // of the scenario
	net   *mem.Network
	nodes []*node
}

// node is a swarm and what runs on it.
type node struct {
	*swarm.Swarm
	ids  *Service // nil: it has none
	self *actor.Self
	ref  *actor.Ref
	w    *world
}

// run runs a scenario as an actor and ends its nodes in reverse order.
func run(t *testing.T, scenario func(w *world)) actor.Func {
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
			if err := actor.Run(context.Background(), "test", run(t, scenario)); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("simulation", func(t *testing.T) {
		for seed := range uint64(3) {
			if err := actor.NewScheduler(seed, nil).Run(context.Background(), "test", run(t, scenario)); err != nil {
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
	if err := actor.Run(context.Background(), "test", run(t, scenario)); err != nil {
		t.Error(err)
	}
}

// bare starts a swarm that listens, without the service.
func (w *world) bare(change ...func(*swarm.Config)) *node {
	w.Helper()
	key, err := peer.Generate(actor.Entropy(w.self))
	w.must(err)
	c := swarm.Config{
		Key:        key,
		Transports: []transport.Transport{w.net.Transport()},
		Security:   []negotiate.Security{plaintext.New(key)},
		Muxers:     []muxer.Factory{mplex.Factory(mplex.PauseThenReset)},
	}
	at := ma.StringCast("/memory/0")
	for _, f := range change {
		f(&c)
	}
	if c.Transports[0].CanListen(loopbackTCP) {
		at = loopbackTCP
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

var loopbackTCP = ma.StringCast("/ip4/127.0.0.1/tcp/0")

// node starts a swarm that listens, with the service.
func (w *world) node(change ...func(*swarm.Config)) *node {
	w.Helper()
	n := w.bare(change...)
	var err error
	n.ids, err = Start(n.self, n.Swarm, Options{Agent: "test/1"})
	w.must(err)
	return n
}

// withTCP makes a swarm use loopback TCP and Noise.
func withTCP(c *swarm.Config) {
	c.Transports = []transport.Transport{tcp.New()}
	c.Security = []negotiate.Security{noise.New(c.Key)}
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

// info is how others reach the node.
func (n *node) info() peer.Info { return peer.Info{ID: n.ID(), Addrs: n.Addrs()} }

// connect connects with another node.
func (n *node) connect(to *node) {
	n.w.Helper()
	_, err := n.Connect(n.w.self, to.info())
	n.w.must(err)
}

// meets connects with another node and waits until it is known.
func (n *node) meets(to *node) *Info {
	n.w.Helper()
	n.connect(to)
	info, err := n.ids.Wait(n.w.self, to.ID())
	n.w.must(err)
	return info
}

// learns waits until the node knows a peer, even one whose connection has not
// shown itself yet.
func (n *node) learns(id peer.ID) *Info {
	n.w.Helper()
	ref := n.w.self.Supervise("listener", actor.Restart{}, func(self *actor.Self) error {
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
	n.w.must(ref.Wait(n.w.self))
	info, ok := n.ids.Known(id)
	if !ok {
		n.w.Fatal("a peer is known to the swarm and not to the service")
	}
	return info
}

// serves registers a handler for as long as the node lives.
func (n *node) serves(p negotiate.Protocol, h stream.Handler) {
	n.w.Helper()
	n.w.must(n.Handle(n.self, p, h))
}

// says makes a node without the service speak for itself in its own way.
func (n *node) says(h stream.Handler) *node {
	n.serves(ID, h)
	return n
}

// none is a handler that does nothing.
func none(*actor.Self, *stream.Stream) error { return nil }
