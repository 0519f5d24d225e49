package swarm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// withStore has a node keep its book.
func withStore(s Store) func(*Config) { return func(c *Config) { c.Store = s } }

// stop stops a node and waits for its end.
func (n *node) stop() {
	n.w.Helper()
	n.ref.Stop(nil)
	n.w.must(n.ref.Wait(n.w.self))
}

// watched is a store that counts, and does what it is told.
type watched struct {
	MemoryStore
	saves, changes atomic.Int64
	fails          atomic.Bool
	panics         atomic.Bool
	gate           chan struct{} // not nil: Save waits for it
}

func (s *watched) Save(changes []SavedPeer) error {
	s.saves.Add(1)
	s.changes.Add(int64(len(changes)))
	if s.gate != nil {
		<-s.gate
	}
	if s.panics.Load() {
		panic("the store is broken")
	}
	if s.fails.Load() {
		return errBoom
	}
	return s.MemoryStore.Save(changes)
}

// keeperNode is what the tree shows of a node's keeper.
func (n *node) keeperNode() actor.Node {
	n.w.Helper()
	v, ok := n.w.self.Tree().Find(n.ref.Path() + "/store")
	if !ok {
		n.w.Fatal("there is no store in the tree")
	}
	return v
}

func detail(v actor.Node, key string) string {
	for _, d := range v.Details {
		if d.Key == key {
			return d.Value
		}
	}
	return ""
}

func TestAHostThatStartsAgainKnowsWhomItKnew(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		a, b, s := w.node(withStore(store)), w.listening(), w.signer()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		record := s.record(3, "/memory/1", "/memory/2")
		_, err = a.Book().LearnRecord(w.self, Said, record, SaidTTL, nil)
		w.must(err)
		w.must(a.Book().LearnFrom(w.self, Heard, peer.Info{ID: stranger(1), Addrs: addrs("/memory/3")}, HeardTTL))
		before := a.Book().Entries(b.ID())
		w.sleep(5 * time.Minute)
		a.stop()

		w.sleep(10 * time.Minute)
		again := w.node(withStore(store))
		if got := again.Book().Entries(b.ID()); !cmp.Equal(texts(again.Book(), b.ID()), texts(a.Book(), b.ID())) || !got[0].Until.After(before[0].Until.Add(-time.Hour)) || got[0].Source != Given {
			w.Errorf("of the peer it was connected with is known %+v, before it was %+v", got, before)
		}
		if got, seq := again.Book().Record(s.id()); seq != 3 || !bytes.Equal(got, record) {
			w.Errorf("the record is %d, %x", seq, got)
		}
		if e := again.Book().Entries(s.id()); len(e) != 2 || !e[1].Certified || e[1].Until.Sub(w.self.Now()) != SaidTTL-15*time.Minute {
			w.Errorf("its addresses are %+v", e)
		}
		if again.Book().Peers() != 2 {
			w.Error("what was only heard was kept")
		}
		_, err = again.Connect(w.self, peer.Info{ID: b.ID()})
		w.must(err)
		again.Disconnect(b.ID(), nil)
		again.stop()

		w.sleep(20 * time.Minute)
		third := w.node(withStore(store))
		if ids := third.Book().IDs(); !slices.Equal(ids, []peer.ID{b.ID()}) {
			w.Errorf("it knows %v", ids)
		}
		w.sleep(2 * time.Second)
		if kept := store.Peers(); len(kept) != 1 {
			w.Errorf("the store still keeps %d peers", len(kept))
		}
		w.sleep(ProvenTTL)
		third.stop()
		if last := w.node(withStore(store)); last.Book().Peers() != 0 {
			w.Error("a day later it still knows somebody")
		}
	})
}

func TestChangesAreWrittenTogether(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		a := w.node(withStore(store))
		for i := range 100 {
			for j := range 3 {
				w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(i), Addrs: addrs(fmt.Sprint("/memory/", j+1))}, time.Hour))
			}
		}
		w.sleep(2 * time.Second)
		if store.saves.Load() != 1 || store.changes.Load() != 100 || len(store.Peers()) != 100 {
			w.Errorf("%d peers were written in %d batches", store.changes.Load(), store.saves.Load())
		}
		w.must(a.Book().Forget(w.self, stranger(7)))
		w.sleep(2 * time.Second)
		if len(store.Peers()) != 99 {
			w.Errorf("%d are kept", len(store.Peers()))
		}
		if got := detail(a.keeperNode(), "peers"); got != "99" {
			w.Errorf("the tree shows %s", got)
		}
	})
}

func TestTheEndWritesWhatWasLearnedLast(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		a := w.node(withStore(store))
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour))
		a.stop()
		if len(store.Peers()) != 1 {
			w.Errorf("%d are kept", len(store.Peers()))
		}
	})
}

func TestAStoreThatFailsHoldsNobodyUp(t *testing.T) {
	both(t, func(w *world) {
		for _, how := range []string{"error", "panic"} {
			store := &watched{}
			store.fails.Store(how == "error")
			store.panics.Store(how == "panic")
			a := w.node(withStore(store))
			w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour))
			w.sleep(10 * time.Second)
			v := a.keeperNode()
			if v.State != "failing" || detail(v, "failures") != "4" || !strings.Contains(detail(v, "last failure"), "b") {
				w.Errorf("%s: the tree shows %s, %v", how, v.State, v.Details)
			}
			w.same([]string{"/memory/1"}, texts(a.Book(), stranger(1)))
			store.fails.Store(false)
			store.panics.Store(false)
			w.sleep(time.Minute)
			if v := a.keeperNode(); v.State != "open" || len(store.Peers()) != 1 {
				w.Errorf("%s: when it works again: %s, %d peers are kept", how, v.State, len(store.Peers()))
			}
		}
	})
}

func TestAStoreThatFailsAtTheEndDoesNotKeepTheHostFromEnding(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		store.fails.Store(true)
		a := w.node(withStore(store))
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour))
		a.stop()
		if store.saves.Load() != 1 {
			w.Errorf("it was tried %d times", store.saves.Load())
		}
	})
}

// A disk that hangs: the book goes on, and the keeper is told of more than it has
// room for.
func TestASlowDiskNeverStallsTheBook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		err := actor.Run(context.Background(), "test", body(t, func(w *world) {
			store := &watched{gate: make(chan struct{})}
			a := w.node(withStore(store))
			w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(0), Addrs: addrs("/memory/1")}, time.Hour))
			w.sleep(2 * time.Second)
			if got := store.saves.Load(); got != 1 {
				w.Errorf("%d writes were begun", got)
			}
			began := w.self.Now()
			for i := range 3 * keepInbox {
				w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(i), Addrs: addrs("/memory/1")}, time.Hour))
			}
			if !w.self.Now().Equal(began) {
				w.Errorf("the book took %v", w.self.Now().Sub(began))
			}
			close(store.gate)
			w.sleep(time.Minute)
			if got := len(store.Peers()); got != 3*keepInbox {
				w.Errorf("%d peers are kept", got)
			}
		}))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAChangeThatFindsNoRoomIsMadeGood(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		a := w.node(withStore(store))
		k := a.Book().keeper
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour))
		w.sleep(2 * time.Second)
		box := k.box.Swap(nil) // as if there were no room
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(2), Addrs: addrs("/memory/1")}, time.Hour))
		w.must(a.Book().Forget(w.self, stranger(1)))
		k.box.Store(box)
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(3), Addrs: addrs("/memory/1")}, time.Hour))
		w.sleep(2 * time.Second)
		var got []peer.ID
		for _, p := range store.Peers() {
			got = append(got, p.Peer)
		}
		if diff := cmp.Diff([]peer.ID{stranger(2), stranger(3)}, got); diff != "" {
			w.Errorf("-want +got:\n%s", diff)
		}
	})
}

// unreadable is a store that cannot be loaded.
type unreadable struct{ MemoryStore }

func (*unreadable) Load(func(SavedPeer)) error { return errBoom }

func TestAHostDoesNotStartWithAStoreThatCannotBeRead(t *testing.T) {
	both(t, func(w *world) {
		key := w.signer().key
		var got error
		ref := w.self.Supervise("node", actor.Restart{}, func(self *actor.Self) error {
			_, got = Start(self, Config{Key: key, Store: &unreadable{}})
			return nil
		})
		w.must(ref.Wait(w.self))
		var failed *StoreError
		if !errors.As(got, &failed) || failed.Did != "load" || !errors.Is(got, errBoom) {
			w.Errorf("got %v", got)
		}
	})
}

func TestAKeeperThatFailedGoesOnWithTheBookAsItIs(t *testing.T) {
	if err := simulate(t, 1, func(w *world) {
		store := &watched{}
		a := w.node(withStore(store))
		k := a.Book().keeper
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour))
		w.sleep(2 * time.Second)
		k.book = nil // a mistake of ours
		w.must(a.Book().Learn(w.self, peer.Info{ID: stranger(2), Addrs: addrs("/memory/1")}, time.Hour))
		w.sleep(1100 * time.Millisecond)
		k.book = a.Book()
		w.must(a.Book().Forget(w.self, stranger(1)))
		w.sleep(10 * time.Second)
		if kept := store.Peers(); len(kept) != 1 || kept[0].Peer != stranger(2) {
			w.Errorf("%d are kept", len(kept))
		}
		if v := a.keeperNode(); v.State != "open" || v.Restarts != 1 {
			w.Errorf("the tree shows %s, %d restarts", v.State, v.Restarts)
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestAClockThatGoesBackwardsIsHarmless(t *testing.T) {
	now := time.Unix(1e9, 0)
	p := &bookPage{id: stranger(1), lines: []bookLine{{addr: addrs("/memory/1")[0]}, {addr: addrs("/memory/2")[0]}}}
	p.lines[0].hold(Said, now.Add(10*time.Minute))
	p.lines[1].hold(Given, now.Add(Forever))
	saved := p.saved(now)
	for _, c := range []struct {
		later time.Duration
		want  []time.Duration // what is left
	}{
		{0, []time.Duration{10 * time.Minute, Forever}},
		{4 * time.Minute, []time.Duration{6 * time.Minute, Forever - 4*time.Minute}},
		{-10 * 365 * 24 * time.Hour, []time.Duration{10 * time.Minute, Forever}},
		{24 * time.Hour, []time.Duration{Forever - 24*time.Hour}},
	} {
		then := now.Add(c.later)
		var left []time.Duration
		for _, l := range saved.page(then).lines {
			left = append(left, l.end().Sub(then))
		}
		if diff := cmp.Diff(c.want, left); diff != "" {
			t.Errorf("%v later (-want +got):\n%s", c.later, diff)
		}
	}
}

func TestWhatAStoreSaysIsCheckedLikeWhatAPeerSays(t *testing.T) {
	if err := simulate(t, 1, func(w *world) {
		s, other := w.signer(), w.signer()
		now := w.self.Now()
		long := now.Add(time.Hour)
		at := func(text string, s Source) SavedAddr {
			a := SavedAddr{Addr: addrs(text)[0], Certified: true}
			a.Until[s] = long
			return a
		}
		saved := SavedPeer{Peer: s.id(), At: now, Record: other.record(1, "/memory/1"), RecordUntil: long, Addrs: []SavedAddr{
			at("/memory/1", Said), at("/memory/1", Given), at("/memory/2/p2p/"+other.id().String(), Said),
		}}
		p := saved.page(now)
		if p.record != nil || len(p.lines) != 1 || p.lines[0].certified {
			w.Errorf("of a page with somebody else's record is left %+v", p)
		}
		for i := range 3 * MaxAddrsPerPeer {
			saved.Addrs = append(saved.Addrs, at(fmt.Sprint("/memory/", 10+i), Heard))
		}
		if p := saved.page(now); len(p.lines) != MaxAddrsPerPeer {
			w.Errorf("%d addresses of one peer", len(p.lines))
		}
	}); err != nil {
		t.Error(err)
	}
}

func TestWhatWasOnlyHeardIsNotWritten(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		a := w.node(withStore(store))
		info := peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}
		w.must(a.Book().LearnFrom(w.self, Heard, info, HeardTTL))
		w.sleep(3 * time.Second)
		if store.saves.Load() != 0 {
			w.Error("it was written")
		}
		w.must(a.Book().LearnFrom(w.self, Said, info, SaidTTL))
		w.sleep(3 * time.Second)
		if len(store.Peers()) != 1 {
			w.Error("what the peer itself said was not written")
		}
	})
}

func TestABookThatFailedLeavesWhatIsKept(t *testing.T) {
	both(t, func(w *world) {
		store := &watched{}
		var broken atomic.Bool
		book := &Book{most: MaxBookPeers, connected: func(peer.ID) bool {
			if broken.Load() {
				panic("a mistake of ours")
			}
			return false
		}}
		n := w.node() // a body that waits, to stop what is below it
		w.must(startKeeper(n.self, book, store))
		w.must(startBook(n.self, actor.Restart{When: actor.Always}, book))
		w.must(book.Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour))
		w.sleep(2 * time.Second)
		broken.Store(true)
		w.sleep(2 * time.Minute) // a sweep asks
		broken.Store(false)
		if book.Peers() != 0 {
			w.Errorf("it began with %d peers", book.Peers())
		}
		w.sleep(2 * time.Second)
		n.stop()
		if len(store.Peers()) != 1 {
			w.Errorf("%d peers are kept", len(store.Peers()))
		}
	})
}
