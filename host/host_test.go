package host

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/identify"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

func TestTwoHostsTalkInMemory(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.host(), w.echoing()
		w.must(a.Connect(w.ctx, b.Info()))
		for range 3 {
			s, err := a.Open(w.ctx, b.ID(), echoID)
			w.must(err)
			w.must(talk(s.WithContext(w.ctx), "hello"))
		}
		if n := len(a.Swarm().Conns(b.ID())); n != 1 {
			w.Errorf("%d connections", n)
		}
	})
}

func TestTwoHostsTalkOverLoopbackTCP(t *testing.T) {
	for name, security := range map[string]func(peer.Key) negotiate.Security{
		"noise":     func(k peer.Key) negotiate.Security { return noise.New(k) },
		"plaintext": func(k peer.Key) negotiate.Security { return plaintext.New(k) },
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			b, err := New(ctx, Listen("/ip4/127.0.0.1/tcp/0"), Security(security))
			if err != nil {
				t.Fatal(err)
			}
			a, err := New(ctx, NoListen(), Security(security))
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Handle(b.Self(), echoID, echo); err != nil {
				t.Fatal(err)
			}
			to, err := peer.ParseInfo(b.Multiaddrs()[0].String())
			if err != nil || to.ID != b.ID() {
				t.Fatal(to, err)
			}
			if err := a.Connect(ctx, to); err != nil {
				t.Fatal(err)
			}
			err = actor.Run(ctx, "streams", func(self *actor.Self) error {
				for i := range 10 {
					self.Go("stream", func(self *actor.Self) error {
						s, err := a.Open(self, b.ID(), echoID)
						if err != nil {
							return err
						}
						return talk(s.WithContext(self), strings.Repeat("x", 20_000*i))
					})
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if n := len(a.Swarm().Conns(b.ID())); n != 1 {
				t.Errorf("%d connections", n)
			}
			for _, h := range []*Host{a, b} {
				if err := h.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := a.Connect(ctx, to); err == nil {
				t.Error("a closed host connects")
			}
		})
	}
}

func TestAHostWithoutOptionsListensOnATCPPort(t *testing.T) {
	h, err := New(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(h.Addrs()) == 0 {
		t.Error("it listens nowhere")
	}
	for _, addr := range h.Addrs() {
		if a, ok := transport.TCP(addr); !ok || a.Port() == 0 || a.Addr().IsUnspecified() {
			t.Errorf("nobody can dial %s", addr)
		}
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}

func TestTheUsualServicesLetPeersKnowEachOther(t *testing.T) {
	both(t, func(w *world) {
		usual := func(o *options) { o.usual = true }
		a, b := w.host(usual), w.echoing(usual, Agent("test/1"))
		w.must(a.Connect(w.ctx, b.Info()))
		w.sleep(time.Second)
		c := a.Swarm().Conn(b.ID())
		if !c.Knows(echoID) || !c.Knows(ping.ID) || !c.Knows(identify.ID) {
			w.Errorf("a knows that b supports %v", c.Known())
		}
		if rtt, err := ping.Ping(w.ctx, a.Swarm(), b.ID()); err != nil || rtt < 0 {
			w.Errorf("%v, %v", rtt, err)
		}
		if info, ok := a.Identify().Known(b.ID()); !ok || info.AgentVersion != "test/1" {
			w.Errorf("a knows of b: %+v", info)
		}
	})
}

func TestEverythingThatIsWrongWithTheOptionsIsSaidAtOnce(t *testing.T) {
	_, err := New(t.Context(),
		Listen("/ip4/127.0.0.1/tpc/1", "/ip4/127.0.0.1/udp/1/quic-v1", "127.0.0.1:4001"),
		NoListen(), Key(nil), Run("a/b", untilTold), Run("x", nil), Run("x", untilTold))
	var config *ConfigError
	if !errors.As(err, &config) || len(config.Problems) != 8 {
		t.Fatalf("got %v", err)
	}
	var none *swarm.NoTransportError
	if !errors.As(err, &none) || !cmp.Equal(none.Have, []string{"tcp"}) {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"tpc", "127.0.0.1:4001", "host.Key", "a/b", "two services are named x", "leave one out", "/ip4/0.0.0.0/tcp/4001"} {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%q is not in %v", text, err)
		}
	}
}

func TestAHostThatCannotListenDoesNotStart(t *testing.T) {
	both(t, func(w *world) {
		w.host(Listen("/memory/1"))
		_, err := New(w.ctx, Transport(w.net.Transport()), Listen("/memory/2", "/memory/1"))
		var addr *AddrError
		if !errors.As(err, &addr) || addr.Text != "/memory/1" || !errors.Is(err, transport.ErrInUse) {
			w.Errorf("got %v", err)
		}
		w.host(Listen("/memory/2")) // it was given back
	})
}

func TestTheEndOfTheContextStopsTheHost(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	h, err := New(ctx, Listen("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := h.Wait(); err != nil {
		t.Error(err)
	}
	if _, err := New(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
}

func TestAHostStopsInOrder(t *testing.T) {
	both(t, func(w *world) {
		var mu sync.Mutex
		var order []string
		note := func(name string) Service {
			return func(self *actor.Self, h *Host) error {
				self.OnEnd(func() {
					mu.Lock()
					defer mu.Unlock()
					state := name
					if len(h.Swarm().Peers()) > 0 {
						state += ", still connected"
					}
					order = append(order, state)
				})
				return untilStopped(self)
			}
		}
		b := w.unkept(Listen("/memory/1"), Run("first", note("first")), Run("second", note("second")))
		w.must(b.Handle(b.Self(), echoID, func(self *actor.Self, s *stream.Stream) error {
			_, err := io.Copy(s, s)
			mu.Lock()
			defer mu.Unlock()
			order = append(order, "handler")
			return err
		}))
		b.Supervise("mine", actor.Restart{When: actor.Always}, note("mine"))
		b.Swarm()
		a := w.host()
		w.must(a.Connect(w.ctx, b.Info()))
		s, err := a.Open(w.ctx, b.ID(), echoID)
		w.must(err)
		w.sleep(time.Second)
		began := actor.Now(w.ctx)
		w.must(b.Close())
		if took := actor.Now(w.ctx).Sub(began); took > time.Second {
			w.Errorf("it took %v", took)
		}
		want := []string{"mine, still connected", "handler", "second, still connected", "first, still connected"}
		// The handler belongs to "yours", which ends after "mine"; its stream ends at the same time as the rest goes on.
		if i := slices.Index(order, "handler"); i < 1 {
			w.Errorf("the order was %q", order)
		} else {
			order = slices.Delete(order, i, i+1)
		}
		if diff := cmp.Diff(slices.Delete(want, 1, 2), order); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
		if _, err := s.WithContext(w.ctx).Read(make([]byte, 1)); err == nil {
			w.Error("the stream goes on")
		}
	})
}

func TestAHostWithBusyStreamsStopsInTime(t *testing.T) {
	both(t, func(w *world) {
		b := w.unkept(Listen("/memory/1"))
		w.must(b.Handle(b.Self(), echoID, echo))
		a := w.host()
		w.must(a.Connect(w.ctx, b.Info()))
		for range 20 {
			s, err := a.Open(w.ctx, b.ID(), echoID)
			w.must(err)
			a.Supervise("talker", actor.Restart{}, func(self *actor.Self, _ *Host) error {
				s := s.WithContext(self)
				piece := make([]byte, 10_000)
				for {
					if _, err := s.Write(piece); err != nil {
						return err
					}
					if _, err := io.ReadFull(s, piece); err != nil {
						return err
					}
					if err := self.Sleep(time.Millisecond); err != nil {
						return err
					}
				}
			})
		}
		w.sleep(100 * time.Millisecond)
		began := actor.Now(w.ctx)
		w.must(b.Close())
		if took := actor.Now(w.ctx).Sub(began); took > time.Second {
			w.Errorf("it took %v", took)
		}
		w.sleep(time.Second)
		if len(a.Swarm().Peers()) > 0 {
			w.Error("the other one thinks that it is still connected")
		}
		if n, _ := a.Tree().Find(a.Self().Path()); len(n.Children) > 0 {
			w.Errorf("%d streams are still busy", len(n.Children))
		}
	})
}

func TestAHandlerThatDoesNotStopIsNamedByClose(t *testing.T) {
	both(t, func(w *world) {
		b := w.unkept(Listen("/memory/1"))
		release := actor.NewSignal(w.ctx, "a release that nobody told it to wait for")
		w.must(b.Handle(b.Self(), echoID, func(self *actor.Self, s *stream.Stream) error {
			release.Wait(context.WithoutCancel(self), time.Time{}) // it does not listen to self
			return nil
		}))
		a := w.host()
		w.must(a.Connect(w.ctx, b.Info()))
		_, err := a.Open(w.ctx, b.ID(), echoID)
		w.must(err)
		w.sleep(time.Second)
		began := actor.Now(w.ctx)
		err = b.Close()
		var late *actor.OverdueError
		if !errors.As(err, &late) || len(late.Overdue) != 1 || !strings.HasSuffix(late.Overdue[0].Path, "/handler") {
			w.Errorf("got %v after %v, %v", err, actor.Now(w.ctx).Sub(began), b.Tree())
		}
		if took := actor.Now(w.ctx).Sub(began); took > 10*time.Second {
			w.Errorf("it took %v", took)
		}
		if len(b.Swarm().Addrs()) > 0 || len(b.Swarm().Peers()) > 0 {
			w.Errorf("and the rest was not stopped: %v %v\n%v\n%v", b.Swarm().Addrs(), b.Swarm().Peers(), b.Tree(), err)
		}
		release.Set()
		w.sleep(time.Second)
	})
}

func TestAServiceThatFailsTooOftenStaysDownUnlessItIsEssential(t *testing.T) {
	both(t, func(w *world) {
		bad := func(*actor.Self, *Host) error { return errBoom }
		a := w.host(Run("bad", bad), Run("good", untilTold))
		b := w.unkept(RunEssential("bad", bad))
		w.sleep(time.Minute)
		services, _ := a.Tree().Find(a.ref.Path() + "/services")
		if len(services.Children) != 1 || services.Children[0].Name != "good" {
			w.Errorf("%d services are up", len(services.Children))
		}
		var exit *actor.ExitError
		var budget *actor.BudgetError
		if err := b.Wait(); !errors.As(err, &exit) || !errors.As(err, &budget) || !errors.Is(err, errBoom) || budget.Path != b.ref.Path()+"/services/bad" {
			w.Errorf("got %v", err)
		}
		if err := b.Close(); !errors.Is(err, errBoom) {
			w.Errorf("got %v", err)
		}
	})
}

func TestAServiceHearsEvents(t *testing.T) {
	both(t, func(w *world) {
		var mu sync.Mutex
		var heard []string
		b := w.host(Listen("/memory/1"), Run("watch", func(self *actor.Self, h *Host) error {
			events, err := h.Events(self)
			if err != nil {
				return err
			}
			for e := range events.All() {
				mu.Lock()
				switch e.(type) {
				case swarm.PeerUp:
					heard = append(heard, "up")
				case swarm.PeerDown:
					heard = append(heard, "down")
				}
				mu.Unlock()
			}
			return nil
		}))
		a := w.host()
		w.must(a.Connect(w.ctx, b.Info()))
		w.sleep(time.Second)
		a.Disconnect(b.ID())
		w.sleep(time.Second)
		mu.Lock()
		defer mu.Unlock()
		if diff := cmp.Diff([]string{"up", "down"}, heard); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestTheTreeOfAHostShowsItsPartsInOrder(t *testing.T) {
	both(t, func(w *world) {
		h := w.host(Listen("/memory/1"), Run("tally", untilTold))
		h.Supervise("mine", actor.Restart{}, untilTold)
		var names []string
		for _, n := range h.Tree().Children {
			names = append(names, n.Name)
			for _, c := range n.Children {
				names = append(names, n.Name+"/"+c.Name)
			}
		}
		want := []string{"book", "swarm", "services", "services/tally", "listen-/memory/1", "yours", "yours/mine"}
		if diff := cmp.Diff(want, names); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
		if h.Tree().Name != "host-"+h.ID().Short() || h.Tree().State != "running" {
			w.Errorf("the root is %s, %s", h.Tree().Name, h.Tree().State)
		}
	})
}

func TestAFailureOfWhatTheProgramStartedEndsTheHost(t *testing.T) {
	both(t, func(w *world) {
		h := w.unkept()
		h.Self().Go("part", func(*actor.Self) error { return errBoom })
		if err := h.Wait(); !errors.Is(err, errBoom) {
			w.Errorf("got %v", err)
		}
	})
}

func TestASimulationOfHostsRepeatsItself(t *testing.T) {
	trace := func(seed uint64) []string {
		var steps []string
		scheduler := actor.NewScheduler(seed, func(s actor.Step) { steps = append(steps, s.At.String()+" "+s.Actor) })
		err := scheduler.Run(context.Background(), "test", func(self *actor.Self) error {
			w := &world{T: t, ctx: self}
			w.net = mem.NewNetwork()
			a, b := w.host(Security(func(k peer.Key) negotiate.Security { return noise.New(k) })),
				w.echoing(Security(func(k peer.Key) negotiate.Security { return noise.New(k) }))
			w.must(a.Connect(self, b.Info()))
			s, err := a.Open(self, b.ID(), echoID)
			w.must(err)
			w.must(talk(s.WithContext(self), strings.Repeat("x", 100_000)))
			w.must(a.Close())
			return b.Close()
		})
		if err != nil {
			t.Fatal(err)
		}
		return steps
	}
	first := trace(1)
	for range 5 {
		if diff := cmp.Diff(first, trace(1)); diff != "" {
			t.Fatalf("another run of the same seed:\n%s", diff)
		}
	}
	if cmp.Equal(first, trace(2)) {
		t.Error("another seed gives the same run")
	}
}
