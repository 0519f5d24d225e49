package identify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/host/swarm/swarmtest"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

func TestBothEndsOfAConnectionLearnWhatTheOtherSupports(t *testing.T) {
	scenario := func(w *world, change ...func(*swarm.Config)) {
		a, b := w.node(change...), w.node(change...)
		b.serves("/b/1", none)
		info := a.meets(b)
		want := []negotiate.Protocol{"/b/1", ID, PushID}
		slices.Sort(want)
		if diff := cmp.Diff(want, info.Protocols); diff != "" {
			w.Errorf("protocols (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(texts(b.Addrs()), texts(info.Addrs)); diff != "" {
			w.Errorf("addresses (-want +got):\n%s", diff)
		}
		if record, _, err := peer.OpenRecord(info.Record.Envelope()); err != nil || record.ID != b.ID() || record.Seq != info.Seq {
			w.Errorf("record %+v, %v; number %d", record, err, info.Seq)
		}
		c := a.Conn(b.ID())
		if info.AgentVersion != "test/1" || info.ProtocolVersion != ProtocolVersion || !info.Observed.Equal(c.Local()) {
			w.Errorf("%+v, seen from %s", info, c.Local())
		}
		if !c.Knows("/b/1") {
			w.Error("the connection does not know it")
		}
		if known, ok := a.ids.Known(b.ID()); !ok || known != info {
			w.Errorf("known: %v, %v", known, ok)
		}
		if diff := cmp.Diff(texts(b.Addrs()), texts(a.Book().Addrs(b.ID()))); diff != "" {
			w.Errorf("the book (-want +got):\n%s", diff)
		}
		if record, seq := a.Book().Record(b.ID()); !bytes.Equal(record, info.Record.Envelope()) || seq != info.Seq {
			w.Errorf("the book has the record %d, %x", seq, record)
		}
		for _, e := range a.Book().Entries(b.ID()) {
			if !e.Certified {
				w.Errorf("%s is not certified in the book", e.Addr)
			}
		}
		// The listening end asks as well.
		if info := b.learns(a.ID()); !slices.Contains(info.Protocols, ID) {
			w.Errorf("b knows %+v of a", info)
		}
		seen, err := b.ids.Observed(w.Self)
		w.Must(err)
		if len(seen) != 1 || !seen[0].Addr.Equal(b.Addrs()[0]) || seen[0].Peers != 1 || seen[0].Networks != 1 {
			w.Errorf("b is seen at %+v", seen)
		}
	}
	both(t, func(w *world) { scenario(w) })
	t.Run("TCP", func(t *testing.T) { overTCP(t, func(w *world) { scenario(w, swarmtest.WithTCP) }) })
}

func TestAKnownProtocolIsOpenedWithoutARoundTrip(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		b.serves("/b/1", func(_ *actor.Self, s *stream.Stream) error {
			_, err := s.Write([]byte("hello"))
			return err
		})
		a.meets(b)
		s, err := a.Open(w.Self, b.ID(), "/b/1")
		w.Must(err)
		if s.Protocol() != "/b/1" {
			w.Errorf("it is not opened lazily: %q", s.Protocol())
		}
		var buf [5]byte
		if n, err := s.WithContext(w.Self).Read(buf[:]); err != nil || string(buf[:n]) != "hello" {
			w.Errorf("%q, %v", buf[:n], err)
		}
	})
}

func TestAChangeIsPushedToThoseWhoSupportIt(t *testing.T) {
	both(t, func(w *world) {
		a, b, c := w.node(), w.node(), w.bare()
		var pushed, asked atomic.Int64
		c.says(func(_ *actor.Self, s *stream.Stream) error {
			asked.Add(1)
			return stream.WriteMessage(s, nil, maxSent) // it supports nothing
		})
		c.serves(PushID, func(*actor.Self, *stream.Stream) error { pushed.Add(1); return nil })
		a.meets(b)
		a.meets(c)
		if known := b.learns(a.ID()); slices.Contains(known.Protocols, "/new/1") {
			w.Fatalf("b knows %+v", known)
		}
		before := told(a)
		for i := range 20 {
			a.serves(negotiate.Protocol(fmt.Sprintf("/new/%d", i)), none)
		}
		w.Sleep(2 * time.Second)
		known, _ := b.ids.Known(a.ID())
		if len(known.Protocols) != 22 {
			w.Errorf("b knows %v", known.Protocols)
		}
		if !b.Conn(a.ID()).Knows("/new/19") {
			w.Error("the connection does not know it")
		}
		if got := told(a) - before; got != 1 {
			w.Errorf("20 changes made %d messages", got)
		}
		if pushed.Load() != 0 || asked.Load() != 1 {
			w.Errorf("c was asked %d times and told %d times", asked.Load(), pushed.Load())
		}
	})
}

func TestANewAddressIsPushed(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		before := a.meets(b)
		b.Self.Supervise("another listener", actor.Restart{}, func(self *actor.Self) error {
			if err := b.Listen(self, ma.StringCast("/memory/77")); err != nil {
				return err
			}
			return swarmtest.UntilTold(self)
		})
		w.Sleep(2 * time.Second)
		after, _ := a.ids.Known(b.ID())
		if diff := cmp.Diff(texts(b.Addrs()), texts(after.Addrs)); diff != "" || len(after.Addrs) != 2 || after.Seq <= before.Seq {
			w.Errorf("number %d after %d (-want +got):\n%s", after.Seq, before.Seq, diff)
		}
		if got := texts(a.Book().Addrs(b.ID())); !slices.Contains(got, "/memory/77") {
			w.Errorf("the book: %v", got)
		}
		if record, _, err := peer.OpenRecord(after.Record.Envelope()); err != nil || len(record.Addrs) != 2 {
			w.Errorf("record %+v, %v", record, err)
		}
	})
}

func TestEveryConnectionOfAPeerLearnsItsProtocols(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		there := w.Self.Supervise("there", actor.Restart{}, func(self *actor.Self) error {
			_, err := a.Connect(self, b.Info())
			return err
		})
		_, err := b.Connect(w.Self, a.Info())
		w.Must(err)
		w.Must(there.Wait(w.Self))
		w.Sleep(time.Second)
		b.serves("/b/1", none)
		w.Sleep(2 * time.Second)
		if len(a.Conns(b.ID())) == 0 {
			w.Error("no connection")
		}
		for _, c := range a.Conns(b.ID()) {
			if !c.Knows("/b/1") {
				w.Errorf("one of %d connections knows %v", len(a.Conns(b.ID())), c.Known())
			}
		}
		// With one of two gone, the peer is known by the other.
		if conns := a.Conns(b.ID()); len(conns) == 2 {
			conns[0].Close(nil)
			w.Sleep(time.Second)
			if known, ok := a.ids.Known(b.ID()); !ok || !slices.Contains(known.Protocols, "/b/1") {
				w.Errorf("after the end of one: %+v", known)
			}
		}
	})
}

// told is how often a node has said something of itself.
func told(n *node) int64 { return n.ids.told.Load() }

func TestAProtocolThatGoesIsForgotten(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		owner := b.Self.Supervise("owner", actor.Restart{}, func(self *actor.Self) error {
			if err := b.Handle(self, "/b/1", none); err != nil {
				return err
			}
			return swarmtest.UntilTold(self)
		})
		w.Sleep(time.Second)
		if info := a.meets(b); !slices.Contains(info.Protocols, "/b/1") {
			w.Fatalf("%v", info.Protocols)
		}
		owner.Stop(nil)
		w.Sleep(2 * time.Second)
		if a.Conn(b.ID()).Knows("/b/1") {
			w.Error("a still believes in it")
		}
	})
}

func TestAProtocolThatIsRegisteredBeforeTheQuestionIsInTheAnswer(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		for i := range 5 {
			// The service hears of it by an event, which is on its way yet.
			p := negotiate.Protocol(fmt.Sprintf("/late/%d", i))
			b.serves(p, none)
			info, err := ask1(w, a, b)
			w.Must(err)
			if !slices.Contains(info.Protocols, p) {
				w.Errorf("the answer is %v", info.Protocols)
			}
		}
	})
}

// ask1 asks once more, by hand.
func ask1(w *world, a, b *node) (*Info, error) {
	c, err := a.Connect(w.Self, b.Info())
	w.Must(err)
	answer := a.ids.ask(w.Self, c)
	return answer.info, answer.err
}

func TestWaitSaysWhyAPeerIsNotKnown(t *testing.T) {
	both(t, func(w *world) {
		a, b, silent := w.node(), w.bare(), w.bare()
		var fault *Error
		if _, err := a.ids.Wait(w.Self, b.ID()); !errors.Is(err, ErrNotConnected) || !errors.As(err, &fault) || fault.Peer != b.ID() {
			w.Errorf("not connected: %v", err)
		}
		a.connect(b)
		_, err := a.ids.Wait(w.Self, b.ID())
		var refused *negotiate.RefusedError
		if !errors.As(err, &refused) || !errors.As(err, &fault) || fault.Stage != StageOpen {
			w.Errorf("without identify: %v", err)
		}
		silent.says(func(self *actor.Self, _ *stream.Stream) error { return swarmtest.UntilTold(self) })
		a.connect(silent)
		began := w.Self.Now()
		_, err = a.ids.Wait(w.Self, silent.ID())
		if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &fault) || fault.Stage != StageRead {
			w.Errorf("silent: %v", err)
		}
		if took := w.Self.Now().Sub(began); took > Timeout+time.Second {
			w.Errorf("it took %v", took)
		}
		if !a.Connected(b.ID()) || !a.Connected(silent.ID()) {
			w.Error("a connection was closed")
		}
		ctx, cancel := w.Self.WithTimeout(time.Second)
		defer cancel()
		later := w.bare().says(func(self *actor.Self, _ *stream.Stream) error { return swarmtest.UntilTold(self) })
		a.connect(later)
		if _, err = a.ids.Wait(ctx, later.ID()); !errors.Is(err, context.DeadlineExceeded) || errors.As(err, &fault) {
			w.Errorf("impatient: %v", err)
		}
	})
}

func TestTheEndOfTheConnectionEndsTheWaitAndWhatIsKnown(t *testing.T) {
	both(t, func(w *world) {
		a, b, silent := w.node(), w.node(), w.bare()
		silent.says(func(self *actor.Self, _ *stream.Stream) error { return swarmtest.UntilTold(self) })
		a.meets(b)
		a.connect(silent)
		stop := w.Self.Supervise("stop", actor.Restart{}, func(self *actor.Self) error {
			self.Sleep(time.Second)
			a.Disconnect(silent.ID(), nil)
			a.Disconnect(b.ID(), nil)
			return nil
		})
		_, err := a.ids.Wait(w.Self, silent.ID())
		var fault *Error
		if !errors.As(err, &fault) || errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("got %v", err)
		}
		w.Must(stop.Wait(w.Self))
		w.Sleep(time.Second)
		if _, ok := a.ids.Known(b.ID()); ok {
			w.Error("b is known although it has left")
		}
		if info := a.meets(b); len(info.Protocols) != 2 {
			w.Errorf("after a new connection: %v", info)
		}
	})
}

func TestARestartedServiceAsksAgain(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.node()
		a.ids = New(a.Swarm, Options{Agent: "test/1"})
		var inside atomic.Pointer[actor.Self]
		a.Self.Supervise("identify", actor.Restart{When: actor.OnFailure}, func(self *actor.Self) error {
			inside.Store(self)
			return a.ids.Run(self)
		})
		w.Sleep(time.Second)
		a.meets(b)
		inside.Load().Go("bad", func(*actor.Self) error { return errors.New("boom") })
		w.Sleep(time.Second)
		if info, err := a.ids.Wait(w.Self, b.ID()); err != nil || len(info.Protocols) != 2 {
			w.Errorf("%+v, %v", info, err)
		}
		if inside.Load().Restarts() != 1 {
			w.Errorf("%d restarts", inside.Load().Restarts())
		}
		b.serves("/new/1", none)
		w.Sleep(2 * time.Second)
		if !a.Conn(b.ID()).Knows("/new/1") {
			w.Error("the new service hears no pushes")
		}
	})
}

func TestASecondServiceOfASwarmDoesNotStart(t *testing.T) {
	both(t, func(w *world) {
		a := w.node()
		_, err := Start(a.Self, a.Swarm, Options{})
		var taken *swarm.ProtocolTakenError
		if !errors.As(err, &taken) || taken.Protocol != ID {
			w.Errorf("got %v", err)
		}
		b := w.node()
		if info := a.meets(b); len(info.Protocols) != 2 {
			w.Errorf("the first does not serve any more: %v", info)
		}
	})
}

func TestManyPeersAreAskedAndTold(t *testing.T) {
	both(t, func(w *world) {
		hub := w.node()
		var others []*node
		for range maxPushing + 4 {
			n := w.node()
			n.connect(hub)
			others = append(others, n)
		}
		for _, n := range others {
			if _, err := n.ids.Wait(w.Self, hub.ID()); err != nil {
				w.Error(err)
			}
			hub.learns(n.ID())
		}
		hub.serves("/new/1", none)
		w.Sleep(2 * time.Second)
		for _, n := range others {
			if !n.Conn(hub.ID()).Knows("/new/1") {
				w.Fatal("somebody was not told")
			}
		}
	})
}

func TestASimulationRepeatsItselfFromASeed(t *testing.T) {
	trace := func(seed uint64) string {
		var steps strings.Builder
		sched := actor.NewScheduler(seed, func(s actor.Step) { fmt.Fprintln(&steps, s.Number, s.At, s.Actor) })
		err := sched.Run(context.Background(), "test", swarmtest.Body(t, func(network *swarmtest.World) {
			w := &world{network}
			a, b := w.node(), w.node()
			a.meets(b)
			a.serves("/a/1", none)
			w.Sleep(time.Second)
		}))
		if err != nil {
			t.Fatal(err)
		}
		return steps.String()
	}
	if diff := cmp.Diff(trace(1), trace(1)); diff != "" {
		t.Errorf("two runs of one seed differ:\n%s", diff)
	}
	if trace(1) == trace(2) {
		t.Error("two seeds give the same run")
	}
}

func TestNothingIsSignedBeforeSomebodyAsks(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		b.serves("/b/1", none)
		if b.ids.speech.Load() != nil {
			w.Error("a message is composed that nobody wants")
		}
		first := a.meets(b)
		what := b.ids.speech.Load()
		if what == nil || what.own.seq != first.Seq {
			w.Fatalf("%+v is what it says, and number %d what was heard", what, first.Seq)
		}
		c := w.node()
		if second := c.meets(b); b.ids.speech.Load() != what || second.Seq != first.Seq {
			w.Errorf("the same was signed twice: numbers %d and %d", first.Seq, second.Seq)
		}
	})
}
