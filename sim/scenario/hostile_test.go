package scenario

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// hour is how long mallory goes on.
const hour = time.Hour

// besieged is bob, whom mallory bothers for an hour, while alice uses him once a
// minute and must not notice. Each attack is made again and again, each time for
// as long as it takes, but no longer than a minute and a half.
func besieged(w *sim.World, m muxerKind, setup sim.Setup, attacks ...func(self *actor.Self, mallory, bob *sim.Site) error) (alice, bob, mallory *sim.Site) {
	bob = w.Site("bob", serve, m.option)
	alice = w.Site("alice", serve, m.option)
	mallory = w.Site("mallory", setup, m.option)
	base(w, alice, bob, mallory)
	to := bob.Info()
	end := w.Elapsed() + hour
	var jobs []*job
	for i, attack := range attacks {
		jobs = append(jobs, begin(mallory, fmt.Sprintf("attack-%d", i), func(self *actor.Self) error {
			for stop := self.Now().Add(hour); self.Now().Before(stop); {
				began := self.Now()
				if err := attack(self, mallory, bob); err != nil {
					return err
				}
				if took := self.Now().Sub(began); took > 90*time.Second {
					return fmt.Errorf("attack %d was borne for %v", i, took)
				}
				if err := self.Sleep(10 * time.Second); err != nil {
					return err
				}
			}
			return nil
		}))
	}
	for w.Elapsed() < end {
		well(w, time.Minute, begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, to, 5000, 10*time.Second) }))
		w.Must(w.Sleep(time.Minute))
	}
	well(w, 2*time.Minute, jobs...)
	w.Must(w.Sleep(time.Minute)) // what nobody uses any more is gone
	if n := len(bob.Swarm().Conns(mallory.ID())); n > 1 {
		w.Must(fmt.Errorf("mallory has %d connections", n))
	}
	return alice, bob, mallory
}

// raw is a link to bob without any protocol. said is what mallory writes at the
// beginning; reads, whether she reads what bob says. It returns when bob has had
// enough.
func raw(w *sim.World, said string, reads bool) func(self *actor.Self, mallory, bob *sim.Site) error {
	return func(self *actor.Self, mallory, bob *sim.Site) error {
		link, err := w.Network().Host(mallory.IP()).Dial(self, bob.Addrs()[0], bob.ID())
		if err != nil {
			return nil // bob may refuse
		}
		defer link.Pipe.Close()
		if _, err := io.WriteString(link.Pipe, said); err != nil {
			return nil
		}
		if reads {
			io.Copy(io.Discard, link.Pipe)
			return nil
		}
		// Who does not read learns from writing that the other end has gone.
		for range 90 {
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			if _, err := io.WriteString(link.Pipe, "\n"); err != nil {
				return nil
			}
		}
		return errors.New("bob holds a link on which nobody speaks sense")
	}
}

// neverReads has mallory ask for answers that she does not read, and never read
// what she is sent.
func neverReads(w *sim.World, m muxerKind) {
	deaf := func(self *actor.Self, _ *stream.Stream) error {
		return self.Sleep(2 * hour)
	}
	setup := func(s *sim.Site) error { return s.Serve("/deaf/1", deaf) }
	asks := func(self *actor.Self, mallory, bob *sim.Site) error {
		st, err := open(self, mallory.Host, bob.Info(), sumID, 0)
		if err != nil {
			return err
		}
		if _, err = st.Write(make([]byte, 1000)); err == nil {
			err = st.CloseWrite()
		}
		if err != nil {
			return err
		}
		if err := self.Sleep(30 * time.Second); err != nil {
			return err
		}
		return st.Close()
	}
	_, bob, mallory := besieged(w, m, setup, raw(w, "\x13/multistream/1.0.0\n", false), asks)
	// And who sends her more than she reads is told in time.
	to := mallory.Info()
	j := begin(bob, "gift", func(self *actor.Self) error {
		st, err := open(self, bob.Host, to, "/deaf/1", 20*time.Second)
		if err != nil {
			return err
		}
		defer st.Reset(stream.CodeNone)
		for range 8 << 20 / 8192 {
			if _, err := st.Write(make([]byte, 8192)); err != nil {
				return err
			}
		}
		return nil
	})
	wait(w, time.Minute, j)
	if j.err == nil || j.took > 21*time.Second {
		w.Must(fmt.Errorf("8 MiB were taken by nobody in %v", j.took))
	}
}

// neverWrites has mallory open links and streams and say nothing.
func neverWrites(w *sim.World, m muxerKind) {
	mute := func(self *actor.Self, mallory, bob *sim.Site) error {
		st, err := open(self, mallory.Host, bob.Info(), sumID, 30*time.Second)
		if err != nil {
			return err
		}
		defer st.Reset(stream.CodeNone)
		if n, err := st.Read(make([]byte, 1)); n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("bob has spoken first: %d bytes, %w", n, err)
		}
		return nil
	}
	_, bob, mallory := besieged(w, m, nil, raw(w, "", true), raw(w, "\x13/multistream/1.0.0\n", true), mute)
	// Nobody answers for her protocol: negotiation gives up.
	w.Now(sim.Pause("mallory").For(hour))
	to := mallory.Info()
	j := begin(bob, "question", func(self *actor.Self) error {
		_, err := bob.Open(self, to.ID, "/never/1")
		return err
	})
	wait(w, 2*time.Minute, j)
	if j.err == nil {
		w.Must(errors.New("a host that is paused has agreed to a protocol"))
	}
}

// resetsEverything has mallory end links and streams as soon as she has them, and
// everything that is opened with her.
func resetsEverything(w *sim.World, m muxerKind) {
	setup := func(s *sim.Site) error {
		return s.Serve(sumID, func(*actor.Self, *stream.Stream) error { return stream.Refuse(stream.CodeGated) })
	}
	hangsUp := func(self *actor.Self, mallory, bob *sim.Site) error {
		link, err := w.Network().Host(mallory.IP()).Dial(self, bob.Addrs()[0], bob.ID())
		if err == nil {
			io.WriteString(link.Pipe, "\x13/multistr")
			link.Pipe.Close()
		}
		return nil
	}
	resets := func(self *actor.Self, mallory, bob *sim.Site) error {
		for i := range 5 {
			st, err := open(self, mallory.Host, bob.Info(), sumID, time.Minute)
			if err != nil {
				return err
			}
			st.Write(make([]byte, 100*i))
			st.Reset(uint32(i))
		}
		return nil
	}
	disconnects := func(self *actor.Self, mallory, bob *sim.Site) error {
		if err := self.Sleep(50 * time.Second); err != nil {
			return err
		}
		mallory.Disconnect(bob.ID())
		return nil
	}
	_, bob, mallory := besieged(w, m, setup, hangsUp, resets, disconnects)
	to := mallory.Info()
	for range 10 {
		j := begin(bob, "transfer", func(self *actor.Self) error { return put(self, bob.Host, to, 100_000, 10*time.Second) })
		wait(w, time.Minute, j)
		if j.err == nil {
			w.Must(errors.New("mallory has answered"))
		}
		if j.took > time.Second {
			w.Must(fmt.Errorf("a reset was noticed after %v", j.took))
		}
	}
}
