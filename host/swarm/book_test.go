package swarm

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// stranger is the n-th of many peer IDs.
func stranger(n int) peer.ID { return peer.ID("\x12\x20" + fmt.Sprintf("%032d", n)) }

// texts are the addresses that a book has of a peer.
func texts(b *Book, id peer.ID) []string {
	var out []string
	for _, addr := range b.Addrs(id) {
		out = append(out, addr.String())
	}
	return out
}

func TestTheBookKeepsWhatItLearnsForItsTime(t *testing.T) {
	both(t, func(w *world) {
		book, id := w.node().Book(), stranger(1)
		learn := func(ttl time.Duration, list ...string) {
			w.must(book.Learn(w.self, peer.Info{ID: id, Addrs: addrs(list...)}, ttl))
		}
		learn(time.Hour, "/memory/1")
		learn(10*time.Minute, "/memory/2", "/memory/1", "/memory/3")
		w.same([]string{"/memory/1", "/memory/2", "/memory/3"}, texts(book, id))
		w.must(book.Forget(w.self, id, ma.StringCast("/memory/3")))
		w.same([]string{"/memory/1", "/memory/2"}, texts(book, id))
		w.sleep(12 * time.Minute)
		w.same([]string{"/memory/1"}, texts(book, id))
		w.sleep(time.Hour)
		if got := texts(book, id); len(got) > 0 || book.Peers() != 0 {
			w.Errorf("after an hour it has %v of %d peers", got, book.Peers())
		}
		learn(Forever, "/memory/4")
		w.sleep(100 * time.Hour)
		w.same([]string{"/memory/4"}, texts(book, id))
		w.must(book.Forget(w.self, id))
		if got := texts(book, id); len(got) > 0 || book.Peers() != 0 {
			w.Errorf("it still has %v", got)
		}
	})
}

func TestTheBookTakesOnlyAddressesOfThePeer(t *testing.T) {
	both(t, func(w *world) {
		a := w.node()
		book, id, other := a.Book(), w.node().ID(), w.node().ID()
		long := "/dns/" + fmt.Sprintf("%01100d", 0) + "/tcp/1"
		w.must(book.Learn(w.self, peer.Info{ID: id, Addrs: addrs(
			"/memory/1/p2p/"+id.String(), "/memory/2/p2p/"+other.String(), "/p2p/"+id.String(), long, "/memory/1",
		)}, time.Hour))
		w.same([]string{"/memory/1"}, texts(book, id))
		var bad *peer.IDError
		if err := book.Learn(w.self, peer.Info{ID: "x", Addrs: addrs("/memory/1")}, time.Hour); !errors.As(err, &bad) {
			w.Errorf("got %v", err)
		}
	})
}

func TestTheBookIsBounded(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.listening()
		book := a.Book()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		var many []ma.Multiaddr
		for i := range 3 * MaxAddrsPerPeer {
			many = append(many, ma.StringCast(fmt.Sprint("/memory/", i+1)))
		}
		first := stranger(0)
		w.must(book.Learn(w.self, peer.Info{ID: first, Addrs: many[:1]}, 2*time.Hour))
		w.must(book.Learn(w.self, peer.Info{ID: first, Addrs: many[1:]}, time.Hour))
		if got := texts(book, first); len(got) != MaxAddrsPerPeer || got[0] != "/memory/1" {
			w.Errorf("%d addresses of one peer are kept, the first is %s", len(got), got[0])
		}
		w.must(book.Learn(w.self, peer.Info{ID: first, Addrs: addrs("/memory/100000")}, time.Minute))
		if got := texts(book, first); got[len(got)-1] == "/memory/100000" {
			w.Error("an address that is kept for a minute took the place of one that is kept for an hour")
		}
		for i := range MaxBookPeers + 100 {
			w.must(book.Learn(w.self, peer.Info{ID: stranger(1 + i), Addrs: many[:1]}, Forever))
		}
		if n := book.Peers(); n != MaxBookPeers {
			w.Errorf("%d peers are kept", n)
		}
		if len(book.Addrs(b.ID())) != 1 {
			w.Error("the peer that is connected was dropped")
		}
		if len(book.Addrs(first)) > 0 || len(book.Addrs(stranger(1))) > 0 || len(book.Addrs(stranger(MaxBookPeers+99))) != 1 {
			w.Error("others than the oldest were dropped")
		}
	})
}

func TestTheAddressesOfAConnectedPeerStay(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.listening(), w.listening()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		w.must(b.Book().LearnFrom(w.self, Said, a.info(), SaidTTL))
		count := func(when string, n *node, of *node, want int) {
			w.Helper()
			if got := n.Book().Addrs(of.ID()); len(got) != want {
				w.Errorf("%s: %v", when, got)
			}
		}
		w.sleep(5 * time.Hour)
		count("while it is connected", a, b, 1)
		count("while the dialer is connected", b, a, 1)
		a.Disconnect(b.ID(), nil)
		w.sleep(RecentTTL - time.Minute)
		count("a moment after", b, a, 1)
		w.sleep(5 * time.Minute)
		count("long after", b, a, 0)
		w.sleep(ProvenTTL - time.Hour)
		count("the day after, where a dial led to the peer", a, b, 1)
		w.sleep(time.Hour)
		count("long after that", a, b, 0)
	})
}

func TestTheBackOffGrowsWithTheSquareAndHasALimit(t *testing.T) {
	var got []time.Duration
	for _, n := range []int{1, 2, 3, 10, 17, 18, 1 << 30} {
		got = append(got, backoff(n))
	}
	want := []time.Duration{6, 9, 14, 105, 294, 300, 300}
	for i := range want {
		want[i] *= time.Second
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestABookThatFailedStartsAgainEmpty(t *testing.T) {
	both(t, func(w *world) {
		var broken atomic.Bool
		ask := func(peer.ID) bool {
			if broken.Load() {
				panic("a mistake of ours")
			}
			return false
		}
		again := actor.Restart{When: actor.Always}
		owner := w.node().self // a body that waits, to stop what is below it
		book := &Book{most: MaxBookPeers, connected: ask}
		w.must(startBook(owner, again, book))
		learn := func() error {
			return book.Learn(w.self, peer.Info{ID: stranger(1), Addrs: addrs("/memory/1")}, time.Hour)
		}
		w.must(learn())
		broken.Store(true)
		w.sleep(2 * time.Minute) // a sweep asks
		if n := book.Peers(); n != 0 {
			w.Errorf("%d peers are left", n)
		}
		broken.Store(false)
		w.must(learn())
		w.same([]string{"/memory/1"}, texts(book, stranger(1)))
	})
}

func TestTheTreeShowsWhatTheSwarmDoes(t *testing.T) {
	both(t, func(w *world) {
		_, slowly := w.slowly(map[string]time.Duration{"/memory/9": -1})
		a := w.start([]string{"/memory/1"}, slowly)
		b := w.listening()
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		s, err := a.Open(w.self, b.ID(), echoID)
		w.must(err)
		far := w.node().ID()
		dialing := w.self.Supervise("caller", actor.Restart{}, func(self *actor.Self) error {
			_, err := a.Connect(self, peer.Info{ID: far, Addrs: addrs("/memory/9")})
			return err
		})
		w.sleep(500 * time.Millisecond) // an idle writer is still there
		var lines []string
		var walk func(n actor.Node, depth string)
		walk = func(n actor.Node, depth string) {
			lines = append(lines, depth+n.Name+": "+n.State)
			for _, c := range n.Children {
				walk(c, depth+"  ")
			}
		}
		tree, _ := w.self.Tree().Find(a.ref.Path())
		walk(tree, "")
		w.same([]string{
			"node-0: ",
			"  book: open",
			"  swarm: open",
			"    conn-" + b.ID().Short() + "-1: open",
			"      reader: reading",
			"      stream-out-0: /echo/1",
			"    dial-" + far.Short() + ": 1 addresses, 1 tried now, 0 failed",
			"      attempt-/memory/9: opening the link",
			"  listen-/memory/1: accepting",
		}, lines)
		w.must(talk(s.WithContext(w.self), "done"))
		dialing.Stop(nil)
		w.must(dialing.Wait(w.self))
	})
}
