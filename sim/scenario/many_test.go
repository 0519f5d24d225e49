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
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// meshWithChurn is 100 hosts that ping their neighbours while hosts come and go.
// When all is well again, everybody reaches all neighbours.
func meshWithChurn(w *sim.World) {
	const hosts = 100
	steps := []int{1, 10, 37}
	var infos [hosts]peer.Info
	var last [hosts][3]time.Time // of the last answer
	var sites []*sim.Site
	var pings [hosts]*actor.Ref
	for i := range hosts {
		s := w.Site(fmt.Sprint("h", i), func(s *sim.Site) error {
			h := s.Host
			pings[i] = s.Self().Go("pings", func(self *actor.Self) error {
				for k := i; self.Sleep(3*time.Second+time.Duration(self.Rand().IntN(500))*time.Millisecond) == nil; k++ {
					ctx, cancel := self.WithTimeout(5 * time.Second)
					to := infos[(i+steps[k%3])%hosts]
					err := h.Connect(ctx, to)
					if err == nil {
						_, err = ping.Ping(ctx, h.Swarm(), to.ID)
					}
					cancel()
					switch {
					case err == nil:
						last[i][k%3] = self.Now()
					case !clear(err):
						panic(fmt.Errorf("a ping ends with %T: %w", err, err))
					}
				}
				return nil
			})
			return nil
		}, plain())
		sites = append(sites, s)
		infos[i] = s.Info()
	}
	w.Chaos(sim.Chaos{Faults: 30, From: time.Second, Until: 18 * time.Second})
	var healed time.Time
	w.Eventually("everybody reaches all neighbours", 5*time.Minute, func() error {
		if healed.IsZero() {
			healed = actor.Now(w.Self())
		}
		for i := range last {
			for k, at := range last[i] {
				if !at.After(healed) {
					return fmt.Errorf("h%d has not reached h%d", i, (i+steps[k])%hosts)
				}
			}
		}
		return nil
	})
	w.Run(18 * time.Second)
	for _, r := range pings {
		r.Stop(nil)
	}
	base(w, sites...)
}

// listenersStartAgain has bob's sockets taken away under him, then bob himself.
func listenersStartAgain(w *sim.World) {
	alice, bob := w.Site("alice", serve), w.Site("bob", serve)
	base(w, alice, bob)
	to := bob.Info()
	for i := range 12 {
		switch i % 3 {
		case 0:
			w.Network().Crash(bob.IP())
		case 1:
			w.Now(sim.Crash("bob").For(time.Second))
		case 2:
			w.Now(sim.Stop("bob").For(time.Second))
		}
		// Back-off after failures belongs to the time.
		began := w.Elapsed()
		for {
			j := begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, to, 5000, 10*time.Second) })
			wait(w, 30*time.Second, j)
			if j.err == nil {
				break
			}
			if w.Elapsed()-began > 10*time.Second {
				w.Must(fmt.Errorf("bob does not listen again: %w", j.err))
			}
			w.Must(w.Sleep(200 * time.Millisecond))
		}
	}
	if n := bob.Starts(); n != 9 {
		w.Must(fmt.Errorf("bob has started %d times", n))
	}
}

// simultaneousDials has hosts dial each other at the same instant, and use what
// comes of it in both directions.
func simultaneousDials(w *sim.World) {
	const hosts = 6
	sites := w.Hosts(hosts, serve)
	base(w, sites...)
	for round := range 3 {
		var jobs []*job
		for i, s := range sites {
			for k, other := range sites {
				if i == k {
					continue
				}
				to := other.Info()
				jobs = append(jobs, begin(s, fmt.Sprintf("transfer-%d", k), func(self *actor.Self) error { return put(self, s.Host, to, 20_000, time.Minute) }))
			}
		}
		well(w, time.Minute, jobs...)
		w.Must(w.Sleep(time.Second))
		for i, s := range sites {
			for k, other := range sites[:i] {
				here, there := len(s.Swarm().Conns(other.ID())), len(other.Swarm().Conns(s.ID()))
				if here != there || here < 1 || here > 2 {
					w.Must(fmt.Errorf("round %d: %d connections at %d, %d at %d", round, here, i, there, k))
				}
			}
		}
		for i, s := range sites {
			for _, other := range sites[:i] {
				s.Disconnect(other.ID())
			}
		}
		w.Must(w.Sleep(10 * time.Second))
		for i, s := range sites {
			if left := s.Swarm().Peers(); len(left) > 0 {
				w.Must(fmt.Errorf("round %d: %d is still connected with %d peers", round, i, len(left)))
			}
		}
	}
}

// everyLimitIsOne has two hosts get on with as little as can be.
func everyLimitIsOne(w *sim.World, m muxerKind) {
	ones := host.Limits(swarm.Limits{
		HalfOpen: 1, HalfOpenPerSource: 1, Inbound: 1, PerPeer: 1, Events: 1,
		Muxer: muxer.Limits{Inbound: 1, Outbound: 1, StreamBuffer: 1, WindowBudget: 1, SlowReader: time.Second, Frame: 1},
	})
	alice, bob, carol := w.Site("alice", serve, m.option, ones), w.Site("bob", serve, m.option, ones), w.Site("carol", serve, m.option, ones)
	base(w, alice, bob, carol)
	to := bob.Info()
	reach := func(s *sim.Site, n int) {
		began := w.Elapsed()
		for {
			j := begin(s, "transfer", func(self *actor.Self) error { return put(self, s.Host, to, n, time.Minute) })
			wait(w, 2*time.Minute, j)
			if j.err == nil {
				return
			}
			if w.Elapsed()-began > time.Minute {
				w.Must(fmt.Errorf("%s does not get through: %w", s.Name(), j.err))
			}
			w.Must(w.Sleep(100 * time.Millisecond))
		}
	}
	reach(alice, 500)
	reach(alice, 3000)
	j := begin(carol, "transfer", func(self *actor.Self) error { return put(self, carol.Host, to, 10, 5*time.Second) })
	wait(w, time.Minute, j)
	if j.err == nil {
		w.Must(errors.New("bob has taken a second connection"))
	}
	alice.Disconnect(bob.ID())
	reach(carol, 500)
}

// tooManyStreams opens more streams than the remote takes. Those over the limit
// are refused, and there is room again when the others have ended.
func tooManyStreams(w *sim.World, m muxerKind) {
	const limit, more = 20, 7
	few := host.Limits(swarm.Limits{Muxer: muxer.Limits{Inbound: limit}})
	alice, bob := w.Site("alice", serve, m.option, plain()), w.Site("bob", serve, m.option, plain(), few)
	base(w, alice, bob)
	to := bob.Info()
	for round := range 3 {
		refused, held := 0, 0
		j := begin(alice, "opens", func(self *actor.Self) error {
			var open []*stream.Stream
			for range limit + more {
				st, err := alice.Open(self, to.ID, holdID)
				if err == nil {
					_, err = st.Write([]byte("here"))
				}
				if err == nil {
					open = append(open, st)
				}
			}
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			for _, st := range open {
				st.SetDeadline(self.Now().Add(10 * time.Second))
				err := st.CloseWrite()
				if err == nil {
					_, err = io.ReadAll(st)
				}
				var reset *stream.ResetError
				switch {
				case err == nil:
					held++
				case errors.As(err, &reset):
				default:
					return err
				}
				st.Close()
			}
			refused = limit + more - held
			return nil
		})
		connected := begin(alice, "connects", func(self *actor.Self) error { return alice.Connect(self, to) })
		well(w, time.Minute, connected, j)
		if held != limit || refused != more {
			w.Must(fmt.Errorf("round %d: %d streams were taken, %d refused", round, held, refused))
		}
		w.Must(w.Sleep(10 * time.Second))
	}
}

// streamAfterStream uses one connection for more streams than there may be at one
// time, each of which ends in another way.
func streamAfterStream(w *sim.World, m muxerKind) {
	few := host.Limits(swarm.Limits{Muxer: muxer.Limits{Inbound: 10, Outbound: 10}})
	alice, bob := w.Site("alice", serve, m.option, few), w.Site("bob", func(s *sim.Site) error {
		refuse := func(*actor.Self, *stream.Stream) error { return stream.Refuse(stream.CodeGated) }
		return errors.Join(serve(s), s.Serve("/refuse/1", refuse))
	}, m.option, few)
	base(w, alice, bob)
	to := bob.Info()
	j := begin(alice, "streams", func(self *actor.Self) error {
		for i := range 120 {
			var err error
			switch i % 6 {
			case 0:
				err = put(self, alice.Host, to, 3000, 10*time.Second)
			case 1: // reset here, in the middle
				var st *stream.Stream
				if st, err = open(self, alice.Host, to, holdID, time.Minute); err == nil {
					_, err = st.Write(make([]byte, 10_000))
					st.Reset(stream.CodeNone)
				}
			case 2: // nobody serves it
				var refused *stream.NegotiationError
				began := self.Now()
				if _, err = open(self, alice.Host, to, "/nobody/1", time.Minute); errors.As(err, &refused) && self.Now().Sub(began) < time.Second {
					err = nil
				} else {
					err = fmt.Errorf("an unknown protocol after %v: %w", self.Now().Sub(began), err)
				}
			case 3: // reset there
				var st *stream.Stream
				if st, err = open(self, alice.Host, to, "/refuse/1", 10*time.Second); err == nil {
					_, err = io.ReadAll(st)
					st.Close()
				}
				var reset *stream.ResetError
				if errors.As(err, &reset) && (reset.Code == stream.CodeGated || !m.keepAlive) {
					err = nil
				} else {
					err = fmt.Errorf("a refused stream: %w", err)
				}
			case 4: // closed here without reading
				var st *stream.Stream
				if st, err = open(self, alice.Host, to, sumID, time.Minute); err == nil {
					_, err = st.Write(make([]byte, 300))
					st.Close()
				}
			case 5: // given up before it was agreed
				ctx, cancel := self.WithTimeout(10 * time.Millisecond)
				alice.Open(ctx, to.ID, "/nobody/2")
				cancel()
			}
			if err != nil {
				return fmt.Errorf("stream %d: %w", i, err)
			}
			if err := self.Sleep(100 * time.Millisecond); err != nil {
				return err
			}
		}
		return nil
	})
	well(w, 5*time.Minute, j)
	if n := len(bob.Swarm().Conns(alice.ID())); n != 1 {
		w.Must(fmt.Errorf("there are %d connections", n))
	}
}
