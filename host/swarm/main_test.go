package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

const echoID negotiate.Protocol = "/echo/1"

// world is a network in memory with swarms on it, inside one tree of actors.
type world struct {
	*testing.T
	self  *actor.Self // of the scenario
	net   *mem.Network
	nodes []*node
}

// node is one swarm and the actor that holds it.
type node struct {
	*Swarm
	self *actor.Self
	ref  *actor.Ref
	w    *world

	wake     actor.Signal
	more     ma.Multiaddr
	moreDone *actor.Promise
}

// body runs a scenario as the body of a root, and then stops its nodes.
func body(t *testing.T, scenario func(w *world)) actor.Func {
	return func(self *actor.Self) error {
		w := &world{T: t, self: self, net: mem.NewNetwork()}
		defer func() {
			if t.Failed() {
				explain(t, self.Tree())
			}
		}()
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

// explain logs the failures that a tree remembers.
func explain(t *testing.T, tree actor.Node) {
	for _, f := range tree.Failures {
		t.Logf("failure: %v", f.Err)
		var p *actor.PanicError
		if errors.As(f.Err, &p) {
			t.Logf("%s", p.Stack)
		}
	}
}

// simulate runs a scenario on the scheduler.
func simulate(t *testing.T, seed uint64, scenario func(w *world)) error {
	return actor.NewScheduler(seed, nil).Run(context.Background(), "test", body(t, scenario))
}

// interleaved runs a scenario in which things happen at the same moment, with so
// many seeds that they happen in every order.
func interleaved(t *testing.T, scenario func(w *world)) {
	t.Helper()
	for seed := range uint64(150) {
		if err := simulate(t, seed, scenario); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

// both runs a scenario on both carriers: on goroutines in virtual time, and on
// the scheduler with several seeds.
func both(t *testing.T, scenario func(w *world)) {
	t.Helper()
	t.Run("goroutines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := actor.Run(context.Background(), "test", body(t, scenario)); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("simulation", func(t *testing.T) {
		for seed := range uint64(10) {
			if err := simulate(t, seed, scenario); err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		}
	})
}

// node starts a swarm, with plaintext and mplex where change does not say
// otherwise. It does not listen.
func (w *world) node(change ...func(*Config)) *node { return w.start(nil, change...) }

// start starts a swarm that listens at the given addresses.
func (w *world) start(at []string, change ...func(*Config)) *node {
	w.Helper()
	key, err := peer.Generate(actor.Entropy(w.self))
	if err != nil {
		w.Fatal(err)
	}
	c := Config{
		Key:        key,
		Transports: []transport.Transport{w.net.Transport()},
		Security:   []negotiate.Security{plaintext.New(key)},
		Muxers:     []muxer.Factory{mplex.Factory(mplex.PauseThenReset)},
	}
	for _, f := range change {
		f(&c)
	}
	n := &node{w: w}
	ready := actor.NewPromise(w.self, "a node")
	n.ref = w.self.Supervise(fmt.Sprintf("node-%d", len(w.nodes)), actor.Restart{}, func(self *actor.Self) error {
		n.self = self
		n.wake = actor.NewSignal(self, "its end")
		n.Swarm, err = Start(self, c)
		for _, text := range at {
			if err == nil {
				err = n.Listen(self, ma.StringCast(text))
			}
		}
		ready.Keep(err)
		if err != nil {
			return err
		}
		for {
			if err := n.wake.Wait(self, time.Time{}); err != nil {
				return err
			}
			n.moreDone.Keep(n.Listen(self, n.more))
		}
	})
	if err := ready.Wait(w.self); err != nil {
		w.Fatal(err)
	}
	w.nodes = append(w.nodes, n)
	return n
}

// listening starts a swarm that listens and serves echo.
func (w *world) listening(change ...func(*Config)) *node {
	w.Helper()
	n := w.start([]string{"/memory/0"}, change...)
	w.must(n.Handle(n.self, echoID, echo))
	return n
}

// listenAt has a node that runs listen at one more address.
func (n *node) listenAt(at string) error {
	n.more = ma.StringCast(at)
	n.moreDone = actor.NewPromise(n.self, "a listener")
	n.wake.Set()
	return n.moreDone.Wait(n.w.self)
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// info is how others reach the node.
func (n *node) info() peer.Info { return peer.Info{ID: n.ID(), Addrs: n.Addrs()} }

// echo is a handler that sends back what comes.
func echo(_ *actor.Self, s *stream.Stream) error {
	_, err := io.Copy(s, s)
	return err
}

// talk sends a text over a stream and reads it back.
func talk(s *stream.Stream, text string) error {
	if _, err := s.Write([]byte(text)); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("got %q instead of %q", got, text)
	}
	return nil
}
