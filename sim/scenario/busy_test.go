package scenario

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// slowReader has one stream of a connection that is read 100 bytes at a time, now
// and then, and others beside it. With windows they do not notice; without, the
// slow one is reset after a few seconds.
func slowReader(w *sim.World, m muxerKind) {
	slowly := func(self *actor.Self, st *stream.Stream) error {
		p := make([]byte, 100)
		for {
			if _, err := st.Read(p); err != nil {
				return stream.Refuse(stream.CodeNone)
			}
			if err := self.Sleep(100 * time.Millisecond); err != nil {
				return err
			}
		}
	}
	bob := w.Site("bob", func(s *sim.Site) error { return errors.Join(serve(s), s.Serve("/slow/1", slowly)) }, m.option)
	alice, carol := w.Site("alice", serve, m.option), w.Site("carol", serve, m.option)
	base(w, alice, bob, carol)
	to := bob.Info()
	slow := begin(alice, "slow", func(self *actor.Self) error {
		st, err := open(self, alice.Host, to, "/slow/1", time.Minute)
		if err != nil {
			return err
		}
		defer st.Reset(stream.CodeNone)
		for range 4 << 20 / 4096 {
			if _, err := st.Write(make([]byte, 4096)); err != nil {
				return err
			}
		}
		return nil
	})
	var others []*job
	for _, s := range []*sim.Site{alice, carol} {
		others = append(others, begin(s, "others", func(self *actor.Self) error {
			for range 40 {
				if err := put(self, s.Host, to, 20_000, time.Minute); err != nil {
					return err
				}
				if err := self.Sleep(250 * time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	well(w, time.Minute, others...)
	wait(w, 2*time.Minute, slow)
	// 40 times 250 ms, and four round trips each.
	bound := 40 * (250 + 4*40) * time.Millisecond
	if took := others[1].took; took > bound {
		w.Must(fmt.Errorf("another connection has noticed: %v", took))
	}
	if !m.windows {
		bound += 6 * time.Second
	}
	if took := others[0].took; took > bound {
		w.Must(fmt.Errorf("other streams have waited: %v", took))
	}
	var reset *stream.ResetError
	switch {
	case m.windows && slow.took < 50*time.Second:
		w.Must(fmt.Errorf("the slow stream was not left alone: %v after %v", slow.err, slow.took))
	case !m.windows && !errors.As(slow.err, &reset):
		w.Must(fmt.Errorf("the slow stream ended with %w", slow.err))
	case !m.windows && slow.took > 20*time.Second:
		w.Must(fmt.Errorf("the slow stream has ended after %v", slow.took))
	}
}

// closesWhileBusy has a host close in order while 50 streams are used in both
// directions.
func closesWhileBusy(w *sim.World, m muxerKind, who string) {
	echo := func(_ *actor.Self, st *stream.Stream) error {
		if _, err := io.Copy(st, st); err != nil {
			return stream.Refuse(stream.CodeNone)
		}
		return nil
	}
	setup := func(s *sim.Site) error { return errors.Join(serve(s), s.Serve("/echo/1", echo)) }
	alice, bob := w.Site("alice", setup, m.option), w.Site("bob", setup, m.option)
	w.Link("alice", "bob", sim.LinkConfig{Latency: 10 * time.Millisecond, Bandwidth: 1 << 20})
	to := bob.Info()
	well(w, time.Minute, begin(alice, "connects", func(self *actor.Self) error { return alice.Connect(self, to) }))
	var jobs []*job
	for range 50 {
		jobs = append(jobs, begin(alice, "busy", func(self *actor.Self) error {
			st, err := open(self, alice.Host, to, "/echo/1", 0)
			if err != nil {
				return err
			}
			defer st.Close()
			self.Go("reads", func(*actor.Self) error {
				io.Copy(io.Discard, st) // the writer has the error
				return nil
			})
			for {
				if _, err := st.Write(make([]byte, 1500)); err != nil {
					return err
				}
			}
		}))
	}
	w.At(w.Elapsed()+time.Second, sim.Stop(who).For(12*time.Second))
	began := w.Elapsed()
	w.Must(w.Sleep(900 * time.Millisecond))
	for _, j := range jobs {
		if j.done {
			w.Must(fmt.Errorf("a stream has ended before: %w", j.err))
		}
	}
	wait(w, time.Minute, jobs...)
	if took := w.Elapsed() - began; took > 12*time.Second {
		w.Must(fmt.Errorf("it took %v", took))
	}
	base(w, alice, bob)
	w.Eventually("a transfer again", time.Minute, func() error {
		again := begin(alice, "again", func(self *actor.Self) error { return put(self, alice.Host, to, 1000, 10*time.Second) })
		wait(w, time.Minute, again)
		return again.err
	})
	w.Run(15 * time.Second)
}

// bothWays has two hosts send each other much at the same time, over a long link,
// on one connection: every window and every buffer is used up.
func bothWays(w *sim.World, m muxerKind) {
	alice, bob := w.Site("alice", serve, m.option, plain()), w.Site("bob", serve, m.option, plain())
	base(w, alice, bob)
	w.Link("alice", "bob", sim.LinkConfig{Latency: 50 * time.Millisecond, Bandwidth: 4 << 20})
	here, there := alice.Info(), bob.Info()
	well(w, time.Minute, begin(alice, "connects", func(self *actor.Self) error { return alice.Connect(self, there) }))
	var jobs []*job
	for range 3 {
		jobs = append(jobs,
			begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, there, 1<<20, 0) }),
			begin(bob, "transfer", func(self *actor.Self) error { return put(self, bob.Host, here, 1<<20, 0) }))
	}
	well(w, time.Minute, jobs...)
	for _, j := range jobs {
		if j.took > 3*time.Second { // 3 MiB at 4 MiB/s, and round trips while windows grow
			w.Must(fmt.Errorf("%s took %v", j.name, j.took))
		}
	}
}

// closesWhileNobodyListens has a host close in order while what it wrote cannot be
// sent, because nothing gets through: it tries for a bounded time.
func closesWhileNobodyListens(w *sim.World, m muxerKind) {
	alice, bob := w.Site("alice", serve, m.option), w.Site("bob", serve, m.option)
	base(w, alice, bob)
	w.Link("alice", "bob", sim.LinkConfig{Latency: 20 * time.Millisecond, Window: 16 << 10})
	to := bob.Info()
	well(w, time.Minute, begin(alice, "connects", func(self *actor.Self) error { return put(self, alice.Host, to, 10, time.Minute) }))
	w.Now(sim.Partition([]string{"alice"}, []string{"bob"}).For(time.Minute))
	for range 5 {
		begin(alice, "last words", func(self *actor.Self) error {
			st, err := alice.Open(self, to.ID, holdID) // it is known: nobody waits for an answer
			if err != nil {
				return err
			}
			if _, err := st.Write(make([]byte, 50_000)); err != nil {
				return err
			}
			return st.CloseWrite()
		})
	}
	w.Must(w.Sleep(time.Second))
	w.Now(sim.Stop("alice").For(30 * time.Second))
	began := w.Elapsed()
	for alice.Up() {
		if w.Elapsed()-began > 8*time.Second {
			w.Must(errors.New("alice does not come to an end"))
		}
		w.Must(w.Sleep(100 * time.Millisecond))
	}
	if took := w.Elapsed() - began; took < 4*time.Second {
		w.Must(fmt.Errorf("alice gave up after %v", took))
	}
	w.Run(time.Minute)
}
