package swarm

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

func addrs(texts ...string) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, text := range texts {
		out = append(out, ma.StringCast(text))
	}
	return out
}

// dialError fails the test unless err is a *DialError.
func (w *world) dialError(err error) *DialError {
	w.Helper()
	var e *DialError
	if !errors.As(err, &e) {
		w.Fatalf("got %v instead of a *DialError", err)
	}
	return e
}

func TestManyOpensAtOnceShareOneDial(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		w.must(a.Book().Learn(w.self, b.info(), GivenTTL))
		for _, err := range w.together(50, func(self *actor.Self, i int) error {
			s, err := a.Open(self, b.ID(), echoID)
			if err != nil {
				return err
			}
			return talk(s.WithContext(self), strings.Repeat("x", 100*i))
		}) {
			w.must(err)
		}
		w.sleep(time.Second) // the other end's swarm may not have looked yet
		if n, m := len(a.Conns(b.ID())), len(b.Conns(a.ID())); n != 1 || m != 1 {
			w.Errorf("there are %d connections here and %d there", n, m)
		}
	})
}

func TestADialThatFailsListsEveryAddressWithItsStageAndCause(t *testing.T) {
	both(t, func(w *world) {
		a, b, other := w.node(), w.listening(), w.listening()
		silent := w.raw(never)
		to := peer.Info{ID: b.ID(), Addrs: addrs("/memory/7", "/ip4/192.0.2.1/udp/1/quic-v1")}
		to.Addrs = append(to.Addrs, other.Addrs()[0], silent)
		_, err := a.Connect(w.self, to)
		e := w.dialError(err)
		if e.Peer != b.ID() || e.Cause != ErrUnreachable && e.Cause != ErrDialTimeout || len(e.Attempts) != 4 {
			w.Fatalf("got %v", err)
		}
		var mismatch *peer.MismatchError
		var none *NoTransportError
		var upgrade *conn.UpgradeError
		for i, want := range []struct {
			addr  ma.Multiaddr
			stage Stage
			ok    func(error) bool
		}{
			{to.Addrs[0], StageDial, func(err error) bool { return errors.Is(err, transport.ErrRefused) }},
			{to.Addrs[2], StageSecure, func(err error) bool { return errors.As(err, &mismatch) && mismatch.Got == other.ID() }},
			{to.Addrs[3], StageNegotiateSecurity, func(err error) bool { return errors.As(err, &upgrade) && upgrade.Received == 0 }},
			{to.Addrs[1], StageNotTried, func(err error) bool { return errors.As(err, &none) && cmp.Equal(none.Have, []string{"mem"}) }},
		} {
			got := e.Attempts[i]
			if !got.Addr.Equal(want.addr) || got.Stage != want.stage || !want.ok(got.Err) {
				w.Errorf("attempt %d: %v at the stage %q: %v", i, got.Addr, got.Stage, got.Err)
			}
		}
		if took := e.Attempts[2].Took; took < 4*time.Second || took > 5*time.Second {
			w.Errorf("the silent one took %v", took)
		}
		if !errors.Is(err, transport.ErrRefused) || !errors.As(err, &mismatch) {
			w.Error("the causes cannot be found in the error")
		}
	})
}

func TestTheWrongPeerIsRefusedAndItsAddressForgotten(t *testing.T) {
	both(t, func(w *world) {
		a, b, other := w.node(), w.listening(), w.listening()
		_, err := a.Connect(w.self, peer.Info{ID: b.ID(), Addrs: other.Addrs()})
		var mismatch *peer.MismatchError
		if e := w.dialError(err); !errors.As(err, &mismatch) || !strings.Contains(e.Error(), "is the peer ID right") {
			w.Errorf("got %v", err)
		}
		if left := a.Book().Addrs(b.ID()); len(left) > 0 {
			w.Errorf("the book still has %v", left)
		}
		w.sleep(time.Second)
		if len(a.Peers())+len(other.Peers()) > 0 {
			w.Errorf("connected with %v and %v", a.Peers(), other.Peers())
		}
	})
}

func TestAHostDoesNotDialItself(t *testing.T) {
	both(t, func(w *world) {
		a := w.listening()
		_, err := a.Connect(w.self, a.info())
		if e := w.dialError(err); e.Cause != ErrSelf || !errors.Is(err, ErrSelf) {
			w.Errorf("got %v", err)
		}
		if _, err := a.Open(w.self, a.ID(), echoID); !errors.Is(err, ErrSelf) {
			w.Errorf("got %v", err)
		}
		// Under another name it finds itself out.
		_, err = a.Connect(w.self, peer.Info{ID: w.node().ID(), Addrs: a.Addrs()})
		var mismatch *peer.MismatchError
		if !errors.As(err, &mismatch) || len(a.Peers()) > 0 {
			w.Errorf("got %v, connected with %v", err, a.Peers())
		}
	})
}

func TestAPeerWithoutAddressesIsNotDialed(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		_, err := a.Connect(w.self, b.info())
		if e := w.dialError(err); e.Cause != ErrNoAddresses || len(e.Attempts) > 0 {
			w.Errorf("got %v", err)
		}
	})
}

func TestAttemptsAreStaggeredAndTheFirstToWorkWins(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		here := b.Addrs()[0].String()
		tr, slowly := w.slowly(map[string]time.Duration{
			"/ip4/192.0.2.1/tcp/1": -1, "/ip4/192.0.2.2/tcp/1": -1, "/ip4/10.0.0.1/tcp/1": -1, here: 400 * time.Millisecond,
		})
		a := w.node(slowly)
		_, err := a.Connect(w.self, peer.Info{ID: b.ID(), Addrs: addrs(
			"/ip4/192.0.2.1/tcp/1", "/ip4/10.0.0.1/tcp/1", here, "/ip4/192.0.2.2/tcp/1", "/ip4/192.0.2.3/tcp/1",
		)})
		w.must(err)
		w.sleep(time.Second)
		tr.mu.Lock()
		defer tr.mu.Unlock()
		want := []string{
			"0s dial /ip4/10.0.0.1/tcp/1", "30ms dial " + here, "280ms dial /ip4/192.0.2.1/tcp/1",
			"430ms cancelled /ip4/10.0.0.1/tcp/1", "430ms cancelled /ip4/192.0.2.1/tcp/1",
		}
		got := tr.log
		if len(got) == 5 && got[3] > got[4] {
			got[3], got[4] = got[4], got[3] // at the same moment
		}
		if diff := cmp.Diff(want, got); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
	})
}

func TestTwoAddressesOfOnePeerEndInOneConnection(t *testing.T) {
	both(t, func(w *world) {
		b := w.start([]string{"/memory/1", "/memory/2", "/memory/3"})
		a := w.node()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		w.sleep(time.Minute)
		if n, m := len(a.Conns(b.ID())), len(b.Conns(a.ID())); n != 1 || m != 1 {
			w.Errorf("there are %d connections here and %d there", n, m)
		}
		if c := a.Conn(b.ID()); c == nil || c.Err() != nil {
			w.Error("and it is not the one that works")
		}
	})
}

func TestTwoPeersThatDialEachOtherAtOnceStayConnected(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.listening(), w.listening()
		for _, err := range w.together(2, func(self *actor.Self, i int) error {
			from, to := a, b
			if i == 1 {
				from, to = b, a
			}
			_, err := from.Connect(self, to.info())
			return err
		}) {
			w.must(err)
		}
		w.sleep(time.Minute)
		n, m := len(a.Conns(b.ID())), len(b.Conns(a.ID()))
		if n != m || n < 1 || n > 2 {
			w.Errorf("there are %d connections here and %d there", n, m)
		}
		s, err := a.Open(w.self, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "still there"))
	})
}

func TestACallerThatLeavesEndsTheDialUnlessOthersWait(t *testing.T) {
	both(t, func(w *world) {
		tr, slowly := w.slowly(map[string]time.Duration{"/memory/9": 3 * time.Second})
		a := w.node(slowly)
		b := w.start([]string{"/memory/9"})
		short, cancel := w.self.WithTimeout(time.Second)
		defer cancel()
		errs := w.together(2, func(self *actor.Self, i int) error {
			ctx := context.Context(self)
			if i == 0 {
				ctx = short
			}
			_, err := a.Connect(ctx, b.info())
			return err
		})
		if errs[0] != context.DeadlineExceeded || errs[1] != nil {
			w.Errorf("the one that left got %v, the one that stayed %v", errs[0], errs[1])
		}
		a.Disconnect(b.ID(), nil)
		w.sleep(time.Second)
		again, cancel := w.self.WithTimeout(time.Second)
		defer cancel()
		if _, err := a.Connect(again, b.info()); err != context.DeadlineExceeded {
			w.Errorf("got %v", err)
		}
		w.sleep(time.Minute)
		tr.mu.Lock()
		defer tr.mu.Unlock()
		if len(a.Peers()) > 0 || !strings.Contains(tr.log[len(tr.log)-1], "cancelled") {
			w.Errorf("connected with %v, %v", a.Peers(), tr.log)
		}
	})
}

func TestAnAddressThatFailedIsLeftAloneForAWhileUnlessItIsGivenAgain(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		to := peer.Info{ID: b.ID(), Addrs: addrs("/memory/5")}
		_, err := a.Connect(w.self, to)
		if e := w.dialError(err); !errors.Is(err, transport.ErrRefused) || !strings.Contains(e.Error(), "is the node running") {
			w.Errorf("got %v", err)
		}
		_, err = a.Open(w.self, b.ID(), echoID)
		var backoff *BackoffError
		if !errors.As(err, &backoff) || backoff.Failures != 1 || backoff.Left != 6*time.Second || w.dialError(err).Attempts[0].Stage != StageNotTried {
			w.Errorf("got %v", err)
		}
		if entry := a.Book().Entries(b.ID())[0]; entry.Failures != 1 || !errors.Is(entry.LastErr, transport.ErrRefused) || entry.RetryAt.Sub(w.self.Now()) != 6*time.Second {
			w.Errorf("the book shows %+v", entry)
		}
		// Given again, it is tried; the pause grows.
		if _, err := a.Connect(w.self, to); !errors.Is(err, transport.ErrRefused) || errors.As(err, &backoff) && backoff.Failures != 1 {
			w.Errorf("got %v", err)
		}
		if n := a.Book().Entries(b.ID())[0].RetryAt.Sub(w.self.Now()); n != 9*time.Second {
			w.Errorf("the second pause is %v", n)
		}
		// After the pause it is tried again, and success forgets the failures.
		w.sleep(10 * time.Second)
		c := w.start([]string{"/memory/6"})
		w.must(a.Book().Learn(w.self, c.info(), GivenTTL))
		_, err = a.Open(w.self, b.ID(), echoID)
		if !errors.Is(err, transport.ErrRefused) {
			w.Errorf("got %v", err)
		}
	})
}

func TestSuccessForgetsTheFailures(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		to := peer.Info{ID: b.ID(), Addrs: addrs("/memory/5")}
		if _, err := a.Connect(w.self, to); err == nil {
			w.Fatal("nobody listens there")
		}
		w.must(b.listenAt("/memory/5"))
		w.sleep(10 * time.Second)
		_, err := a.Connect(w.self, peer.Info{ID: b.ID()})
		w.must(err)
		w.sleep(time.Second)
		if e := a.Book().Entries(b.ID()); len(e) != 1 || e[0].Failures != 0 || !e[0].RetryAt.IsZero() || e[0].LastErr != nil {
			w.Errorf("the book shows %+v", e)
		}
	})
}

func TestANameIsLookedUpAndItsAddressesTriedOneByOne(t *testing.T) {
	both(t, func(w *world) {
		_, slowly := w.slowly(nil)
		a, b := w.node(slowly, func(c *Config) { c.Resolver = zone{"example.org": {"192.0.2.1", "2001:db8::1"}} }), w.node()
		_, err := a.Connect(w.self, peer.Info{ID: b.ID(), Addrs: addrs("/dns/example.org/tcp/1", "/dns4/nowhere.org/tcp/1")})
		e := w.dialError(err)
		var lines []string
		for _, at := range e.Attempts {
			lines = append(lines, at.Addr.String()+": "+string(at.Stage))
		}
		want := []string{
			"/dns4/nowhere.org/tcp/1: resolve the name",
			"/ip6/2001:db8::1/tcp/1: open the link", "/ip4/192.0.2.1/tcp/1: open the link",
		}
		if len(lines) == 3 && strings.Contains(lines[1], "ip4") {
			lines[1], lines[2] = lines[2], lines[1] // the look-ups may end in any order
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
		for _, entry := range a.Book().Entries(b.ID()) {
			if entry.Failures != 1 {
				w.Errorf("the book shows %+v", entry)
			}
		}
	})
}
