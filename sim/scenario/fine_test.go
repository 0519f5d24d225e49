package scenario

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// The scenarios here are those that mutants have asked for: see docs/mutants.md.

// largeAfterLarge sends much again and again over one long link. The last time
// must be as fast as the second one: what windows have grown by is given back.
func largeAfterLarge(w *sim.World, m muxerKind) {
	budget := host.Limits(swarm.Limits{Muxer: muxer.Limits{WindowBudget: 1 << 20}})
	alice, bob := w.Site("alice", serve, m.option, plain(), budget), w.Site("bob", serve, m.option, plain(), budget)
	base(w, alice, bob)
	w.Link("alice", "bob", sim.LinkConfig{Latency: 100 * time.Millisecond})
	to := bob.Info()
	var second time.Duration
	for i := range 6 {
		j := begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, to, 2<<20, time.Minute) })
		well(w, time.Minute, j)
		switch {
		case i == 1:
			second = j.took
		case i > 1 && j.took > second*5/4:
			w.Must(fmt.Errorf("transfer %d took %v, the second one %v", i, j.took, second))
		}
	}
}

// neverCloses has the dialer keep its half open for ever, while the handler has
// said everything: it is reset after the linger time.
func neverCloses(w *sim.World, m muxerKind) {
	greet := func(_ *actor.Self, st *stream.Stream) error {
		_, err := st.Write([]byte("hello"))
		return err
	}
	alice := w.Site("alice", serve, m.option)
	bob := w.Site("bob", func(s *sim.Site) error { return s.Serve("/greet/1", greet) }, m.option)
	base(w, alice, bob)
	to := bob.Info()
	j := begin(alice, "listens", func(self *actor.Self) error {
		st, err := open(self, alice.Host, to, "/greet/1", time.Minute)
		if err != nil {
			return err
		}
		if said, err := io.ReadAll(st); string(said) != "hello" || err != nil {
			return fmt.Errorf("bob said %q: %w", said, err)
		}
		for {
			if err := self.Sleep(100 * time.Millisecond); err != nil {
				return err
			}
			if _, err := st.Write([]byte("and ")); err != nil {
				return err
			}
		}
	})
	wait(w, time.Minute, j)
	var reset *stream.ResetError
	if !errors.As(j.err, &reset) || j.took > 7*time.Second {
		w.Must(fmt.Errorf("after %v: %w", j.took, j.err))
	}
}

// resetsInTheMiddle has streams reset while their frames arrive in pieces, and new
// ones begin at once: what is left of a frame must reach nobody.
func resetsInTheMiddle(w *sim.World, m muxerKind) {
	half := func(_ *actor.Self, st *stream.Stream) error {
		st.Read(make([]byte, 100))
		return stream.Refuse(stream.CodeGated)
	}
	setup := func(s *sim.Site) error { return errors.Join(serve(s), s.Serve("/half/1", half)) }
	alice, bob := w.Site("alice", setup, m.option, plain()), w.Site("bob", setup, m.option, plain())
	base(w, alice, bob)
	w.Link("alice", "bob", sim.LinkConfig{Latency: 5 * time.Millisecond, Bandwidth: 256 << 10, Chunk: 1000})
	here, there := alice.Info(), bob.Info()
	well(w, time.Minute, begin(alice, "connects", func(self *actor.Self) error { return alice.Connect(self, there) }))
	resets := begin(alice, "resets", func(self *actor.Self) error {
		for range 40 {
			st, err := open(self, alice.Host, there, "/half/1", time.Minute)
			if err != nil {
				return err
			}
			st.Write(make([]byte, 60_000))
			st.CloseWrite()
			var reset *stream.ResetError
			if _, err := io.ReadAll(st); !errors.As(err, &reset) {
				return fmt.Errorf("a stream that was refused: %w", err)
			}
		}
		return nil
	})
	jobs := []*job{resets}
	for range 4 {
		jobs = append(jobs, begin(bob, "transfers", func(self *actor.Self) error {
			for range 60 {
				if err := put(self, bob.Host, here, 100, time.Minute); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	well(w, 2*time.Minute, jobs...)
}

// deadEnds are dials that lead nowhere: a refusal is told at once, silence after a
// bounded time, and nobody asks more often than is of use.
func deadEnds(w *sim.World) {
	alice, bob := w.Site("alice", serve), w.Site("bob", serve)
	to := bob.Info()
	for _, c := range []struct {
		fault sim.Fault
		bound time.Duration
	}{{sim.Refuse("bob"), time.Second}, {sim.BlackHole("bob"), 20 * time.Second}, {sim.PowerOff("bob"), 20 * time.Second}} {
		w.Now(c.fault.For(30 * time.Second))
		before := w.Network().Traffic(alice.IP(), bob.IP()).Sent.Packets
		j := begin(alice, "dial", func(self *actor.Self) error { return alice.Connect(self, to) })
		wait(w, time.Minute, j)
		var dial *swarm.DialError
		if !errors.As(j.err, &dial) || j.took > c.bound {
			w.Must(fmt.Errorf("%v: after %v: %w", c.fault, j.took, j.err))
		}
		if n := w.Network().Traffic(alice.IP(), bob.IP()).Sent.Packets - before; n > 10 {
			w.Must(fmt.Errorf("%v: %d packets were sent", c.fault, n))
		}
		w.Must(w.Sleep(time.Minute))
		well(w, time.Minute, begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, to, 100, time.Minute) }))
		alice.Disconnect(bob.ID())
		w.Must(w.Sleep(time.Second))
	}
}

// onePerPeer has two hosts dial each other at once that want one connection with a
// peer at most.
func onePerPeer(w *sim.World) {
	one := host.Limits(swarm.Limits{PerPeer: 1})
	alice, bob := w.Site("alice", serve, one), w.Site("bob", serve, one)
	base(w, alice, bob)
	here, there := alice.Info(), bob.Info()
	w.Always("one connection", func() error {
		if a, b := len(alice.Swarm().Conns(bob.ID())), len(bob.Swarm().Conns(alice.ID())); a > 1 || b > 1 {
			return fmt.Errorf("%d and %d", a, b)
		}
		return nil
	})
	wait(w, time.Minute,
		begin(alice, "connects", func(self *actor.Self) error { return alice.Connect(self, there) }),
		begin(bob, "connects", func(self *actor.Self) error { return bob.Connect(self, here) }))
	w.Must(w.Sleep(10 * time.Second))
	well(w, time.Minute, begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, there, 100, time.Minute) }))
	// One ping after the other takes nobody's place.
	well(w, time.Minute, begin(alice, "pings", func(self *actor.Self) error {
		for range 5 {
			if _, err := ping.Ping(self, alice.Swarm(), bob.ID()); err != nil {
				return err
			}
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
		}
		return nil
	}))
	w.AtEnd("no ping was replaced", func() error {
		if n := detail(bob.Tree(), "replaced"); n != "0" {
			return fmt.Errorf("%q were", n)
		}
		return nil
	})
}

// detail is what the first actor that has such a detail says.
func detail(n actor.Node, key string) string {
	for _, d := range n.Details {
		if d.Key == key {
			return d.Value
		}
	}
	for _, c := range n.Children {
		if v := detail(c, key); v != "" {
			return v
		}
	}
	return ""
}
