package swarm

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
)

func TestSeveralStreamsEachWithItsOwnProtocolShareOneConnection(t *testing.T) {
	noisy := func(c *Config) { c.Security = []negotiate.Security{noise.New(c.Key)} }
	for name, change := range map[string]func(*Config){"plaintext": func(*Config) {}, "noise": noisy} {
		t.Run(name, func(t *testing.T) {
			both(t, func(w *world) {
				a, b := w.node(change), w.listening(change)
				w.must(b.Handle(b.self, "/upper/1", func(_ *actor.Self, s *stream.Stream) error {
					text, err := io.ReadAll(s)
					if err != nil {
						return err
					}
					_, err = s.Write([]byte(strings.ToUpper(string(text))))
					return err
				}))
				_, err := a.Connect(w.self, b.info())
				w.must(err)
				for _, err := range w.together(10, func(self *actor.Self, i int) error {
					want, text := negotiate.Protocol("/upper/1"), strings.Repeat("q", 1000*i)
					if i%2 == 0 {
						want = echoID
					}
					s, err := a.Open(self, b.ID(), want)
					if err != nil {
						return err
					}
					if s = s.WithContext(self); i%2 == 0 {
						return talk(s, text)
					}
					if _, err := s.Write([]byte(text)); err != nil {
						return err
					}
					s.CloseWrite()
					got, err := io.ReadAll(s)
					if string(got) != strings.ToUpper(text) {
						w.Errorf("got %d bytes, %v", len(got), err)
					}
					return err
				}) {
					w.must(err)
				}
				w.sleep(time.Second) // the other end's swarm may not have looked yet
				if n := len(b.Conns(a.ID())); n != 1 {
					w.Errorf("%d connections", n)
				}
			})
		})
	}
}

func TestAnUnknownProtocolIsRefusedAndTheConnectionGoesOn(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		c, err := a.Connect(w.self, b.info())
		w.must(err)
		_, err = a.Open(w.self, b.ID(), "/unknown/1", "/unknown/2")
		var refused *negotiate.RefusedError
		if !errors.As(err, &refused) || len(refused.Wanted) != 2 {
			w.Errorf("got %v", err)
		}
		s, err := a.Open(w.self, b.ID(), "/unknown/1", echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "hello"))
		if s.Protocol() != echoID || a.Conn(b.ID()) != c {
			w.Errorf("speaking %q over another connection", s.Protocol())
		}
	})
}

func TestAProtocolThatThePeerSaidItSupportsIsOpenedWithoutWaiting(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		c, err := a.Connect(w.self, b.info())
		w.must(err)
		w.must(a.Identified(w.self, c, []negotiate.Protocol{echoID, "/liar/1"}))
		w.sleep(time.Second)
		s, err := a.Open(w.self, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "hello"))
		s, err = a.Open(w.self, b.ID(), "/liar/1")
		w.must(err) // nobody has asked the remote
		var refused *negotiate.RefusedError
		if _, err := s.WithContext(w.self).Read(make([]byte, 1)); !errors.As(err, &refused) {
			w.Errorf("got %v", err)
		}
	})
}

func TestADialerThatNeverSpeaksIsClosedInTimeAndOthersAreServedMeanwhile(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		var links []transport.Link
		for range 5 {
			link, err := w.net.Transport().Dial(w.self, b.Addrs()[0], "")
			w.must(err)
			links = append(links, link)
		}
		began := w.self.Now()
		a := w.node()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		if took := w.self.Now().Sub(began); took > time.Second {
			w.Errorf("another peer waited for %v", took)
		}
		for _, link := range links {
			link.Pipe.SetDeadline(began.Add(time.Hour))
			for {
				if _, err := link.Pipe.Read(make([]byte, 100)); err != nil {
					if err != io.EOF {
						w.Errorf("got %v", err)
					}
					break
				}
			}
			link.Close()
		}
		if took := w.self.Now().Sub(began); took > 10*time.Second {
			w.Errorf("the silent ones were closed after %v", took)
		}
		w.sleep(time.Second)
		if len(b.Peers()) != 1 {
			w.Errorf("connected with %v", b.Peers())
		}
	})
}

func TestAListenerThatNeverSpeaksEndsTheDialInTime(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		silent := w.raw(never)
		began := w.self.Now()
		errs := w.together(2, func(self *actor.Self, i int) error {
			if i == 1 {
				_, err := a.Connect(self, b.info())
				if took := self.Now().Sub(began); took > time.Second {
					w.Errorf("another dial waited for %v", took)
				}
				return err
			}
			_, err := a.Connect(self, peer.Info{ID: "\x12\x20" + peer.ID(strings.Repeat("x", 32)), Addrs: []ma.Multiaddr{silent}})
			return err
		})
		w.must(errs[1])
		var upgrade *conn.UpgradeError
		if !errors.As(errs[0], &upgrade) || upgrade.Received != 0 || !errors.Is(errs[0], os.ErrDeadlineExceeded) {
			w.Errorf("got %v", errs[0])
		}
		if took := w.self.Now().Sub(began); took > 6*time.Second {
			w.Errorf("it took %v", took)
		}
	})
}

// upgradeUpTo does what an honest dialer does, up to a stage, and returns the
// pipe.
func upgradeUpTo(self *actor.Self, link transport.Link, stage conn.Stage) (io.Writer, error) {
	pipe := link.Pipe
	pipe.SetDeadline(self.Now().Add(time.Minute))
	if stage == conn.StageNegotiateSecurity {
		return pipe, nil
	}
	if _, err := negotiate.Dial(pipe, plaintext.ID); err != nil {
		return nil, err
	}
	if stage == conn.StageSecure {
		return pipe, nil
	}
	key, err := peer.Generate(actor.Entropy(self))
	if err != nil {
		return nil, err
	}
	secured, err := plaintext.New(key).Secure(self, pipe, negotiate.Dialer, "")
	if err != nil {
		return nil, err
	}
	if stage == conn.StageNegotiateMuxer {
		return secured, nil
	}
	_, err = negotiate.Dial(secured, mplex.ID)
	return secured, err
}

func TestGarbageAtAnyStageEndsThatLinkAndNothingElse(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		good, err := w.node().Connect(w.self, b.info())
		w.must(err)
		garbage := map[string]string{
			"text": "GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", "long": "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
			"zeros": strings.Repeat("\x00", 1000), "high": strings.Repeat("\xfe", 3000),
		}
		stages := []conn.Stage{conn.StageNegotiateSecurity, conn.StageSecure, conn.StageNegotiateMuxer, "open"}
		for _, stage := range stages {
			for _, name := range []string{"text", "long", "zeros", "high"} {
				link, err := w.net.Transport().Dial(w.self, b.Addrs()[0], "")
				w.must(err)
				pipe, err := upgradeUpTo(w.self, link, stage)
				w.must(err)
				if _, err := pipe.Write([]byte(garbage[name])); err != nil && !errors.Is(err, io.ErrClosedPipe) {
					w.Errorf("%s at the stage %q: write: %v", name, stage, err)
				}
				link.Pipe.SetDeadline(w.self.Now().Add(15 * time.Second))
				if _, err := io.Copy(io.Discard, link.Pipe); err != nil && !(stage == "open" && name == "zeros") {
					w.Errorf("%s at the stage %q: the link stays open: %v", name, stage, err)
				}
				link.Close()
			}
		}
		w.sleep(time.Second)
		if len(b.Peers()) != 1 || good.Err() != nil {
			w.Errorf("connected with %v, the honest connection has ended with %v", b.Peers(), good.Err())
		}
		if n, _ := w.self.Tree().Find(b.ref.Path()); n.Count() > 20 {
			w.Errorf("things are left:\n%v", n)
		}
	})
}

func TestAListenerThatSendsGarbageIsNamedWithItsStage(t *testing.T) {
	both(t, func(w *world) {
		a, id := w.node(), w.node().ID()
		for text, want := range map[string]Stage{
			"HTTP/1.1 400 Bad Request\r\n\r\n":                           StageNegotiateSecurity,
			"\x13/multistream/1.0.0\n\x03na\n":                           StageNegotiateSecurity,
			"\x13/multistream/1.0.0\n\x11/plaintext/2.0.0\n\xff\xff\xff": StageSecure,
		} {
			at := w.raw(func(self *actor.Self, link transport.Link) {
				link.Pipe.Write([]byte(text))
				never(self, link)
			})
			_, err := a.Connect(w.self, peer.Info{ID: id, Addrs: []ma.Multiaddr{at}})
			var found bool
			for _, attempt := range w.dialError(err).Attempts {
				if attempt.Addr.Equal(at) {
					found = true
					if attempt.Stage != want {
						w.Errorf("%q: at the stage %q: %v", text, attempt.Stage, attempt.Err)
					}
				}
			}
			if !found {
				w.Errorf("%q: got %v", text, err)
			}
		}
		if _, err := a.Connect(w.self, w.listening().info()); err != nil {
			w.Errorf("and others: %v", err)
		}
	})
}

func TestOneSourceCannotTakeAllThePlacesOfLinksInTheirUpgrade(t *testing.T) {
	both(t, func(w *world) {
		tr := &sourced{}
		b := w.start([]string{"/memory/1"}, func(c *Config) {
			c.Limits.HalfOpenPerSource = 2
			tr.Transport = c.Transports[0]
			c.Transports = []transport.Transport{tr}
		})
		tr.set(
			"/ip6/2001:db8::1/tcp/1", "/ip6/2001:db8::2/tcp/1", "/ip6/2001:db8::3/tcp/1", // one too many
			"/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2", "/ip4/192.0.2.1/tcp/3", // one too many
		)
		for range 6 {
			link, err := w.net.Transport().Dial(w.self, b.Addrs()[0], "")
			w.must(err)
			defer link.Close()
		}
		w.sleep(time.Second)
		if n := b.Refused(); n != 2 {
			w.Errorf("%d were refused", n)
		}
		// Those that came to nothing do not count any more.
		w.sleep(10 * time.Second)
		tr.set("/ip4/192.0.2.1/tcp/4")
		_, err := w.node().Connect(w.self, b.info())
		w.must(err)
	})
}

func TestAHandlerThatPanicsResetsItsStreamAndShowsInTheTreeWithItsStack(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		w.must(b.Handle(b.self, "/bad/1", func(_ *actor.Self, s *stream.Stream) error {
			if _, err := s.Read(make([]byte, 1)); err != nil {
				return err
			}
			return thisPanics()
		}))
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		good, err := a.Open(w.self, b.ID(), echoID)
		w.must(err)
		bad, err := a.Open(w.self, b.ID(), "/bad/1")
		w.must(err)
		_, err = bad.WithContext(w.self).Write([]byte("x"))
		w.must(err)
		var reset *stream.ResetError
		if _, err := io.ReadAll(bad.WithContext(w.self)); !errors.As(err, &reset) || !reset.Remote {
			w.Errorf("got %v", err)
		}
		w.must(talk(good.WithContext(w.self), "the others notice nothing"))
		var found bool
		for _, f := range w.self.Tree().Failures {
			var p *actor.PanicError
			if errors.As(f.Err, &p) {
				found = strings.HasSuffix(f.Path, "/handler") && strings.Contains(string(p.Stack), "thisPanics")
			}
		}
		if !found {
			w.Errorf("the tree shows %v", w.self.Tree().Failures)
		}
	})
}

func thisPanics() error { panic("ouch") }

func TestWhenAHandlersOwnerFailsItsRouteVanishesAndItsStreamsAreReset(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		var fail actor.Signal
		lives := 0
		serving := actor.NewPromise(w.self, "the service")
		service := b.self.Supervise("service", actor.Restart{When: actor.OnFailure, Backoff: time.Second}, func(self *actor.Self) error {
			lives++
			fail = actor.NewSignal(self, "a reason to fail")
			if err := b.Handle(self, "/count/1", echo); err != nil {
				return err
			}
			serving.Keep(nil)
			if err := fail.Wait(self, time.Time{}); err != nil {
				return err
			}
			return errBoom
		})
		w.must(serving.Wait(w.self))
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		s, err := a.Open(w.self, b.ID(), "/count/1")
		w.must(err)
		if diff := cmp.Diff([]negotiate.Protocol{"/count/1", echoID}, b.Protocols()); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
		fail.Set()
		var reset *stream.ResetError
		if _, err := s.WithContext(w.self).Read(make([]byte, 1)); !errors.As(err, &reset) {
			w.Errorf("got %v", err)
		}
		var refused *negotiate.RefusedError
		if _, err := a.Open(w.self, b.ID(), "/count/1"); !errors.As(err, &refused) {
			w.Errorf("while the service is down: %v", err)
		}
		w.sleep(2 * time.Second)
		s, err = a.Open(w.self, b.ID(), "/count/1")
		w.must(err)
		w.must(talk(s.WithContext(w.self), "back again"))
		if lives != 2 || service.Err() != nil {
			w.Errorf("the service has lived %d times: %v", lives, service.Err())
		}
	})
}

func TestAProtocolBelongsToOneActorAtATime(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		err := b.Handle(w.self, echoID, echo)
		var taken *ProtocolTakenError
		if !errors.As(err, &taken) || taken.Owner != b.self.Path() || taken.Wanted != w.self.Path() || taken.Protocol != echoID {
			w.Errorf("got %v", err)
		}
		var proposal *negotiate.ProposalError
		if err := b.Handle(w.self, "na", echo); !errors.As(err, &proposal) {
			w.Errorf("got %v", err)
		}
		if err := b.Handle(w.self, "/nil/1", nil); err == nil {
			w.Error("a nil handler was taken")
		}
	})
}

func TestLinksInTheirUpgradeAreLimitedAndTheNewestIsClosed(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening(func(c *Config) { c.Limits.HalfOpen = 3 })
		var pipes []transport.Link
		for range 5 {
			link, err := w.net.Transport().Dial(w.self, b.Addrs()[0], "")
			w.must(err)
			pipes = append(pipes, link)
			w.sleep(time.Millisecond)
		}
		if n := b.Refused(); n != 2 {
			w.Errorf("%d links were refused", n)
		}
		for i, link := range pipes {
			link.Pipe.SetReadDeadline(w.self.Now().Add(time.Second))
			_, err := io.Copy(io.Discard, link.Pipe)
			if open := errors.Is(err, os.ErrDeadlineExceeded); open != (i < 3) {
				w.Errorf("link %d: %v", i, err)
			}
		}
		// When the silent ones have been closed there is room again.
		w.sleep(10 * time.Second)
		_, err := w.node().Connect(w.self, b.info())
		w.must(err)
		for _, link := range pipes {
			link.Close()
		}
	})
}

func TestAPeerHasALimitedNumberOfConnections(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening(func(c *Config) { c.Limits.PerPeer = 2 })
		key, err := peer.Generate(actor.Entropy(w.self))
		w.must(err)
		same := func(c *Config) {
			c.Key = key
			c.Security = []negotiate.Security{plaintext.New(key)}
		}
		for range 3 {
			_, err := w.node(same).Connect(w.self, b.info())
			w.must(err)
		}
		w.sleep(time.Second)
		if n := len(b.Conns(key.Public().ID())); n != 2 {
			w.Errorf("%d connections", n)
		}
		open := 0
		for _, n := range w.nodes[1:] {
			open += len(n.Conns(b.ID()))
		}
		if open != 2 || b.Refused() != 1 {
			w.Errorf("%d connections on the other side, %d refused", open, b.Refused())
		}
	})
}

func TestAConnectionFromSomebodyWithOurOwnKeyIsClosed(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		link, err := w.net.Transport().Dial(w.self, b.Addrs()[0], "")
		w.must(err)
		pipe := link.Pipe
		pipe.SetDeadline(w.self.Now().Add(time.Minute))
		_, err = negotiate.Dial(pipe, plaintext.ID)
		w.must(err)
		secured, err := plaintext.New(b.Key()).Secure(w.self, pipe, negotiate.Dialer, "")
		w.must(err)
		_, err = negotiate.Dial(secured, mplex.ID)
		w.must(err)
		if _, err := io.Copy(io.Discard, pipe); err != nil {
			w.Errorf("got %v", err)
		}
		link.Close()
		w.sleep(time.Second)
		if len(b.Peers()) > 0 {
			w.Errorf("connected with %v", b.Peers())
		}
	})
}

func TestAConnectionThatEndsUnderAnOpenIsReplaced(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		first, err := a.Connect(w.self, b.info())
		w.must(err)
		first.Close(nil)
		s, err := a.Open(w.self, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "again"))
		if a.Conn(b.ID()) == first {
			w.Error("the connection is the one that was closed")
		}
		w.must(first.Wait(w.self))
	})
}

func TestAStoppedSwarmAnswersEverybody(t *testing.T) {
	both(t, func(w *world) {
		_, slowly := w.slowly(map[string]time.Duration{"/memory/9": -1})
		a, b := w.node(slowly), w.node()
		errs := w.together(2, func(self *actor.Self, i int) error {
			if i == 1 {
				if err := self.Sleep(time.Second); err != nil {
					return err
				}
				a.ref.Stop(nil)
				return a.ref.Wait(self)
			}
			_, err := a.Connect(self, peer.Info{ID: b.ID(), Addrs: addrs("/memory/9")})
			return err
		})
		w.must(errs[1])
		var dial *DialError
		var gone *actor.GoneError
		if !errors.As(errs[0], &dial) && !errors.As(errs[0], &gone) {
			w.Errorf("got %v", errs[0])
		}
		if _, err := a.Connect(context.Context(w.self), peer.Info{ID: b.ID(), Addrs: addrs("/memory/9")}); !errors.As(err, &gone) {
			w.Errorf("afterwards: %v", err)
		}
	})
}
