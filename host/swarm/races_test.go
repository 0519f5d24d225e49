package swarm

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

func TestAddressesThatWorkAtTheSameMomentEndInOneConnection(t *testing.T) {
	interleaved(t, func(w *world) {
		b := w.start([]string{"/memory/1", "/memory/2", "/memory/3"})
		var opened, closed time.Duration
		began := w.self.Now()
		silent := w.raw(func(self *actor.Self, link transport.Link) {
			opened = self.Now().Sub(began)
			io.Copy(io.Discard, link.Pipe)
			closed = self.Now().Sub(began)
		})
		tr, slowly := w.slowly(map[string]time.Duration{"/memory/1": -1, "/memory/2": -1, "/memory/3": -1, silent.String(): -1})
		a := w.node(slowly)
		info := b.info()
		info.Addrs = append(info.Addrs, silent)
		for _, err := range w.together(2, func(self *actor.Self, i int) error {
			if i == 0 {
				_, err := a.Connect(self, info)
				return err
			}
			err := self.Sleep(time.Second) // all four are tried
			tr.release()
			return err
		}) {
			w.must(err)
		}
		w.sleep(time.Minute)
		if n, m := len(a.Conns(b.ID())), len(b.Conns(a.ID())); n != 1 || m != 1 {
			w.Errorf("there are %d connections here and %d there", n, m)
		}
		var refused *negotiate.RefusedError
		if _, err := b.Open(w.self, a.ID(), "/x"); !errors.As(err, &refused) {
			w.Errorf("the one that is left: %v", err)
		}
		if closed != opened {
			w.Errorf("the link that lost was opened after %v and closed after %v", opened, closed)
		}
	})
}

func TestACallerThatComesWhenADialFailsGetsItsOwn(t *testing.T) {
	interleaved(t, func(w *world) {
		tr, slowly := w.slowly(map[string]time.Duration{"/memory/9": -1})
		a, b := w.node(slowly), w.listening()
		errs := w.together(2, func(self *actor.Self, i int) error {
			if i == 0 {
				_, err := a.Connect(self, peer.Info{ID: b.ID(), Addrs: addrs("/memory/9")})
				return err
			}
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			tr.release()
			_, err := a.Connect(self, b.info())
			return err
		})
		w.must(errs[1])
		if errs[0] != nil && !errors.Is(errs[0], transport.ErrRefused) {
			w.Errorf("got %v", errs[0])
		}
	})
}

func TestALinkThatOpensWhenTheCallerLeavesIsClosed(t *testing.T) {
	interleaved(t, func(w *world) {
		began := w.self.Now()
		var opened, closed time.Duration
		silent := w.raw(func(self *actor.Self, link transport.Link) {
			opened = self.Now().Sub(began)
			io.Copy(io.Discard, link.Pipe)
			closed = self.Now().Sub(began)
		})
		tr, slowly := w.slowly(map[string]time.Duration{silent.String(): -1})
		a := w.node(slowly)
		ctx, cancel := context.WithCancel(w.self)
		errs := w.together(2, func(self *actor.Self, i int) error {
			if i == 0 {
				_, err := a.Connect(ctx, peer.Info{ID: stranger(1), Addrs: addrs(silent.String())})
				return err
			}
			err := self.Sleep(time.Second)
			tr.release()
			yield(self, self.Rand().IntN(8))
			cancel()
			return err
		})
		w.must(errs[1])
		if !errors.Is(errs[0], context.Canceled) {
			w.Errorf("got %v", errs[0])
		}
		w.sleep(time.Minute)
		if closed != opened {
			w.Errorf("the link was opened after %v and closed after %v", opened, closed)
		}
	})
}

func TestALinkThatComesAfterTheDialIsClosed(t *testing.T) {
	both(t, func(w *world) {
		b := w.start([]string{"/memory/1"})
		began := w.self.Now()
		var opened, closed atomic.Int64
		silent := w.raw(func(self *actor.Self, link transport.Link) {
			opened.Store(int64(self.Now().Sub(began)))
			io.Copy(io.Discard, link.Pipe)
			closed.Store(int64(self.Now().Sub(began)))
		})
		tr, slowly := w.slowly(map[string]time.Duration{silent.String(): 3 * time.Second})
		tr.deaf = true
		a := w.node(slowly)
		_, err := a.Connect(w.self, peer.Info{ID: b.ID(), Addrs: append(addrs(silent.String()), b.Addrs()...)})
		w.must(err)
		w.sleep(time.Minute)
		if opened.Load() < int64(3*time.Second) || opened.Load() != closed.Load() {
			w.Errorf("the link was opened after %v and closed after %v", time.Duration(opened.Load()), time.Duration(closed.Load()))
		}
	})
}

func TestLinksAreClosedWhenTheSwarmFails(t *testing.T) {
	interleaved(t, func(w *world) {
		b := w.start([]string{"/memory/1"})
		for _, err := range w.together(6, func(self *actor.Self, i int) error {
			if i == 3 {
				b.box.Load().TryPut(leave{nil}) // a mistake of ours, which panics
				return nil
			}
			link, err := w.net.Transport().Dial(self, addrs("/memory/1")[0], "")
			if err != nil {
				return nil // nobody listens for a moment
			}
			defer link.Close()
			link.Pipe.SetDeadline(self.Now().Add(time.Minute))
			_, err = io.Copy(io.Discard, link.Pipe)
			return err
		}) {
			w.must(err)
		}
	})
}

func TestAPeerThatConnectsMeanwhileEndsTheDial(t *testing.T) {
	both(t, func(w *world) {
		tr, slowly := w.slowly(map[string]time.Duration{"/memory/9": -1})
		a := w.start([]string{"/memory/1"}, slowly)
		b := w.node()
		began := w.self.Now()
		for _, err := range w.together(2, func(self *actor.Self, i int) error {
			if i == 0 {
				c, err := a.Connect(self, peer.Info{ID: b.ID(), Addrs: addrs("/memory/9")})
				if err == nil && c.Peer() != b.ID() {
					w.Errorf("connected with %v", c.Peer())
				}
				return err
			}
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			_, err := b.Connect(self, a.info())
			return err
		}) {
			w.must(err)
		}
		w.sleep(100 * time.Millisecond)
		if took := w.self.Now().Sub(began); took > 1200*time.Millisecond {
			w.Errorf("it took %v", took)
		}
		tr.mu.Lock()
		defer tr.mu.Unlock()
		w.same([]string{"0s dial /memory/9", "1s cancelled /memory/9"}, tr.log)
	})
}

func TestACallerThatComesWhileADialIsBeingAbandonedGetsItsOwn(t *testing.T) {
	both(t, func(w *world) {
		_, slowly := w.slowly(map[string]time.Duration{"/memory/9": -1})
		a, b := w.node(slowly), w.listening()
		for range 5 {
			ctx, cancel := context.WithCancel(w.self)
			errs := w.together(2, func(self *actor.Self, i int) error {
				if i == 1 {
					err := self.Sleep(time.Second)
					cancel()
					return err
				}
				_, err := a.Connect(ctx, peer.Info{ID: b.ID(), Addrs: addrs("/memory/9")})
				if !errors.Is(err, context.Canceled) {
					w.Errorf("the one that left got %v", err)
				}
				_, err = a.Connect(self, b.info())
				return err
			})
			w.must(errs[0])
			w.must(errs[1])
			a.Disconnect(b.ID(), nil)
			w.sleep(time.Second)
			w.must(a.Book().Forget(w.self, b.ID()))
		}
	})
}

func TestAConnectWithAnAddressTriesAllThatAreLeftAloneToo(t *testing.T) {
	both(t, func(w *world) {
		tr, slowly := w.slowly(map[string]time.Duration{"/memory/9": 10 * time.Second})
		a, b := w.node(slowly), w.node()
		connect := func(ctx context.Context, list ...string) error {
			_, err := a.Connect(ctx, peer.Info{ID: b.ID(), Addrs: addrs(list...)})
			return err
		}
		if err := connect(w.self, "/memory/1", "/memory/2"); !errors.Is(err, transport.ErrRefused) {
			w.Errorf("got %v", err)
		}
		tr.mu.Lock()
		tr.began, tr.log = w.self.Now(), nil
		tr.mu.Unlock()
		w.must(a.Book().Learn(w.self, peer.Info{ID: b.ID(), Addrs: addrs("/memory/9")}, time.Hour))
		w.together(2, func(self *actor.Self, i int) error {
			if i == 0 {
				return connect(self) // those that have just failed are left alone
			}
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			return connect(self, "/memory/2") // joins the dial
		})
		tr.mu.Lock()
		defer tr.mu.Unlock()
		got := tr.log
		if len(got) > 2 && strings.Contains(got[1], "/memory/1") {
			got[1], got[2] = got[2], got[1] // a failure needs no pause
		}
		w.same([]string{"0s dial /memory/9", "1s dial /memory/2", "1s dial /memory/1", "5s cancelled /memory/9"}, got)
	})
}

func TestALinkThatIsBeingUpgradedIsClosedWhenNobodyWaitsAnyMore(t *testing.T) {
	both(t, func(w *world) {
		a, id := w.node(), w.node().ID()
		var after atomic.Int64
		began := w.self.Now()
		silent := w.raw(func(self *actor.Self, link transport.Link) {
			io.Copy(io.Discard, link.Pipe)
			after.Store(int64(self.Now().Sub(began)))
		})
		ctx, cancel := w.self.WithTimeout(time.Second)
		defer cancel()
		if _, err := a.Connect(ctx, peer.Info{ID: id, Addrs: addrs(silent.String())}); err != context.DeadlineExceeded {
			w.Errorf("got %v", err)
		}
		w.sleep(time.Minute)
		if closed := time.Duration(after.Load()); closed < time.Second || closed > 1100*time.Millisecond {
			w.Errorf("the link was closed after %v", closed)
		}
	})
}

func TestTheNumberOfInboundConnectionsIsLimited(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening(func(c *Config) { c.Limits.Inbound = 2 })
		a, c, d := w.node(), w.node(), w.node()
		for _, n := range []*node{a, c} {
			_, err := n.Connect(w.self, b.info())
			w.must(err)
			w.sleep(time.Second)
		}
		if _, err := d.Connect(w.self, b.info()); err == nil || b.Refused() != 1 {
			w.Errorf("one too many got %v, %d were refused", err, b.Refused())
		}
		a.Disconnect(b.ID(), nil)
		w.sleep(10 * time.Second)
		_, err := d.Connect(w.self, b.info())
		w.must(err)
		_, err = b.Connect(w.self, a.listenNow("/memory/77")) // its own do not count
		w.must(err)
	})
}

// listenNow has a node listen, and returns how others reach it.
func (n *node) listenNow(at string) peer.Info {
	n.w.must(n.listenAt(at))
	return n.info()
}

func TestANameThatLedToThePeerIsNotBlamed(t *testing.T) {
	both(t, func(w *world) {
		_, slowly := w.slowly(nil)
		to := "/dns/example.org/tcp/1"
		there := zone{"example.org": {"192.0.2.1"}}
		led := false
		a := w.node(slowly, func(c *Config) {
			c.Resolver = there
			c.Transports = []transport.Transport{&detour{c.Transports[0], "/memory/5", &led}}
		})
		b := w.start([]string{"/memory/5"})
		info := peer.Info{ID: b.ID(), Addrs: addrs(to)}
		if _, err := a.Connect(w.self, info); !errors.Is(err, transport.ErrRefused) {
			w.Errorf("got %v", err)
		}
		if e := a.Book().Entries(b.ID()); len(e) != 1 || e[0].Failures != 1 {
			w.Errorf("the book shows %+v", e)
		}
		led = true
		_, err := a.Connect(w.self, info)
		w.must(err)
		w.sleep(time.Second)
		if e := a.Book().Entries(b.ID()); len(e) != 1 || e[0].Failures != 0 {
			w.Errorf("the book shows %+v", e)
		}
	})
}

// TestAStopClosesEveryLink stops swarms at any moment, with links on their way in
// and out; the runs differ by their seeds.
func TestAStopClosesEveryLink(t *testing.T) {
	var left, total int
	for seed := range uint64(150) {
		var err error
		run := func(w *world) {
			opened, closed := 0, 0
			silent := w.raw(func(_ *actor.Self, link transport.Link) {
				opened++
				link.Pipe.SetDeadline(w.self.Now().Add(time.Minute))
				if _, err := io.Copy(io.Discard, link.Pipe); err == nil {
					closed++
				}
			})
			a, b := w.node(), w.start([]string{"/memory/1"})
			strangerIDs := []peer.ID{stranger(1), stranger(2), stranger(3)}
			w.together(8, func(self *actor.Self, i int) error {
				switch {
				case i < 3:
					_, err := a.Connect(self, peer.Info{ID: strangerIDs[i], Addrs: addrs(silent.String())})
					return err
				case i < 6:
					link, err := w.net.Transport().Dial(self, addrs("/memory/1")[0], "")
					if err != nil {
						return err
					}
					opened++
					link.Pipe.SetDeadline(self.Now().Add(time.Minute))
					if _, err := io.Copy(io.Discard, link.Pipe); err == nil {
						closed++
					}
					return link.Close()
				case i == 6:
					yield(self, self.Rand().IntN(20))
					a.ref.Stop(nil)
				case i == 7:
					yield(self, self.Rand().IntN(20))
					b.ref.Stop(nil)
				}
				return nil
			})
			w.sleep(2 * time.Minute)
			total += opened
			left += opened - closed
		}
		err = simulate(t, seed, run)
		if err != nil {
			t.Fatalf("with seed %d: %v", seed, err)
		}
	}
	if diff := cmp.Diff(0, left); diff != "" || total < 200 {
		t.Errorf("%d of %d links stayed open", left, total)
	}
}
