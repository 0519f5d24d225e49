package swarm

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// hearer is an actor that hears a node's events, and may be stuck.
type hearer struct {
	ref *actor.Ref

	mu    sync.Mutex
	names map[peer.ID]string
	heard []string
	stuck time.Duration // before it takes its next event
}

// lines is what it has heard since the last reset.
func (h *hearer) lines() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.heard)
}

func (h *hearer) change(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

// take notes an event and returns for how long to be stuck.
func (h *hearer) take(e Event) (stuck time.Duration) {
	h.change(func() {
		h.heard = append(h.heard, h.line(e))
		stuck, h.stuck = h.stuck, 0
	})
	return stuck
}

// hear starts an actor that hears the events of n, with room for few.
func (w *world) hear(n *node, names map[peer.ID]string) *hearer {
	h := &hearer{names: names}
	ready := actor.NewPromise(w.self, "a subscriber")
	h.ref = n.self.Supervise("hearer", actor.Restart{}, func(self *actor.Self) error {
		type own struct{ e Event } // a service has messages of its own
		box := actor.NewMailbox[own](self, 2)
		err := Subscribe(n.Swarm, self, box, func(e Event) own { return own{e} })
		ready.Keep(err)
		if err != nil {
			return err
		}
		for m := range box.All() {
			if d := h.take(m.e); d > 0 {
				if err := self.Sleep(d); err != nil {
					return err
				}
			}
		}
		return nil
	})
	w.must(ready.Wait(w.self))
	return h
}

func (h *hearer) line(e Event) string {
	switch e := e.(type) {
	case PeerUp:
		return "peer up " + h.names[e.Peer]
	case PeerDown:
		return "peer down " + h.names[e.Peer]
	case ConnUp:
		return "conn up " + h.names[e.Peer]
	case ConnDown:
		return "conn down " + h.names[e.Peer]
	case InboundFailed:
		why, _ := errors.AsType[*conn.UpgradeError](e.Err)
		rule, _ := errors.AsType[*negotiate.ProtocolError](e.Err)
		if why == nil || rule == nil || !e.Remote.Equal(why.Remote) {
			return fmt.Sprint("inbound failed ", e.Err)
		}
		return fmt.Sprint("inbound failed to ", why.Stage, ": ", rule.Rule)
	case PeerKnows:
		return fmt.Sprint("knows ", h.names[e.Peer], " ", e.Protocols)
	case ListenerUp:
		return fmt.Sprint("listener up ", e.At, " ", e.Addrs)
	case ListenerDown:
		return fmt.Sprint("listener down ", e.At, " ", e.Err)
	case AddrsChanged:
		return fmt.Sprint("addrs ", e.Addrs)
	case ProtocolsChanged:
		return fmt.Sprint("protocols ", e.Protocols)
	case Missed:
		return fmt.Sprint("missed ", e.N)
	}
	return "?"
}

func (w *world) same(want, got []string) {
	w.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("-want +got:\n%s", diff)
	}
}

func TestASubscriberHearsWhatIsSoAndThenWhatHappens(t *testing.T) {
	both(t, func(w *world) {
		b := w.start([]string{"/memory/1"})
		a, c := w.node(), w.node()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		w.sleep(time.Second)
		h := w.hear(b, map[peer.ID]string{a.ID(): "a", c.ID(): "c"})
		w.sleep(time.Second)
		w.must(b.Handle(b.self, echoID, echo))
		known := b.Conn(a.ID())
		w.must(b.Identified(w.self, known, []negotiate.Protocol{"/x"}))
		w.sleep(time.Second)
		_, err = c.Connect(w.self, b.info())
		w.must(err)
		w.sleep(time.Second)
		a.Disconnect(b.ID(), nil)
		w.sleep(time.Second)
		w.must(b.Identified(w.self, known, []negotiate.Protocol{"/too/late"}))
		w.must(b.listenAt("/memory/2"))
		w.sleep(time.Second)
		w.same([]string{
			"listener up /memory/1 [/memory/1]", "addrs [/memory/1]", "peer up a", "conn up a",
			"protocols [/echo/1]", "knows a [/x]",
			"peer up c", "conn up c",
			"conn down a", "peer down a",
			"listener up /memory/2 [/memory/2]", "addrs [/memory/1 /memory/2]",
		}, h.lines())
	})
}

func TestASubscriberHearsWhyALinkThatCameInIsNoConnection(t *testing.T) {
	both(t, func(w *world) {
		b := w.start([]string{"/memory/1"})
		a := w.node()
		h := w.hear(b, map[peer.ID]string{a.ID(): "a"})
		w.sleep(time.Second)
		link, err := w.net.Transport().Dial(w.self, ma.StringCast("/memory/1"), "")
		w.must(err)
		_, err = link.Pipe.Write([]byte{0})
		w.must(err)
		w.sleep(time.Second)
		link.Close()
		_, err = a.Connect(w.self, b.info())
		w.must(err)
		w.sleep(time.Second)
		w.same([]string{
			"listener up /memory/1 [/memory/1]", "addrs [/memory/1]",
			"inbound failed to negotiate the security channel: a line has at least one byte",
			"peer up a", "conn up a",
		}, h.lines())
	})
}

func TestASlowSubscriberMissesEventsAndStallsNobody(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening(func(c *Config) { c.Limits.Events = 4 })
		slow, fast := w.hear(b, map[peer.ID]string{}), w.hear(b, map[peer.ID]string{})
		w.sleep(time.Second)
		slow.change(func() { slow.stuck = time.Hour })
		began := w.self.Now()
		for i := range 10 {
			a := w.node()
			for _, h := range []*hearer{slow, fast} {
				h.change(func() { h.names[a.ID()] = fmt.Sprint("a", i) })
			}
			_, err := a.Connect(w.self, b.info())
			w.must(err)
			s, err := a.Open(w.self, b.ID(), echoID)
			w.must(err)
			w.must(talk(s.WithContext(w.self), "hello"))
			if i < 9 {
				a.Disconnect(b.ID(), nil)
			}
			w.sleep(time.Second)
		}
		if took := w.self.Now().Sub(began); took > 11*time.Second {
			w.Errorf("the others were served in %v", took)
		}
		// 2 in the mailbox, 1 in the hands of who waits for room, 4 in the log.
		w.sleep(time.Hour)
		n := len(fast.lines()) // all of them
		if n != 2+9*4+2 {
			w.Errorf("the fast one heard %d events:\n%v", n, fast.lines())
		}
		w.same([]string{
			slow.lines()[0], slow.lines()[1],
			"peer up a0", "conn up a0", "conn down a0", "peer down a0",
			"missed 34", "peer up a9", "conn up a9",
		}, slow.lines())
	})
}

func TestTheEndOfASubscriberEndsItsSubscription(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		h := w.hear(b, nil)
		h.ref.Stop(nil)
		w.must(h.ref.Wait(w.self))
		_, err := w.node().Connect(w.self, b.info())
		w.must(err)
		w.sleep(time.Second)
		b.hearing.Lock()
		defer b.hearing.Unlock()
		if n := len(b.subscribers); n != 0 {
			w.Errorf("%d subscribers are left", n)
		}
	})
}

func TestASwarmThatFailedStartsAgainAndSubscribersHearOfIt(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		h := w.hear(b, map[peer.ID]string{a.ID(): "a"})
		c, err := a.Connect(w.self, b.info())
		w.must(err)
		w.sleep(time.Second)
		b.box.Load().TryPut(leave{nil}) // a mistake of ours, which panics
		w.sleep(time.Second)
		if len(b.Peers()) > 0 || b.ref.Err() != nil {
			w.Errorf("connected with %v: %v", b.Peers(), b.ref.Err())
		}
		var closed *conn.CloseError
		if !errors.As(c.Err(), &closed) {
			w.Errorf("the remote was told %v", c.Err())
		}
		_, err = a.Connect(w.self, b.info())
		w.must(err)
		s, err := a.Open(w.self, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "served again"))
		w.sleep(time.Second)
		w.same([]string{"peer up a", "conn up a", "conn down a", "peer down a", "peer up a", "conn up a"}, h.lines()[2:])
		for range 3 {
			b.box.Load().TryPut(leave{nil})
			w.sleep(time.Second)
		}
		var budget *actor.BudgetError
		if !errors.As(b.ref.Err(), &budget) {
			w.Errorf("after four failures: %v", b.ref.Err())
		}
	})
}
