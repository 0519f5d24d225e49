package swarm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// TestTheKeeperWritesAsWritten: an event is a word and peers; many N stands for
// N changes.
func TestTheKeeperWritesAsWritten(t *testing.T) {
	golden.Run(t, "testdata/keep/*.txt", func(*testing.T) golden.Step {
		m, now := newKeepMachine(), time.Unix(1000, 0)
		kinds := []string{"loaded", "compare", "renew", "changed", "gone", "wrote", "tick", "stop"}
		return func(t *testing.T, line string) []string {
			words := strings.Fields(line)
			var out []string
			feed := func(ev keepEvent) {
				switch batch := m.Step(now, ev); {
				case len(batch) > 8:
					out = append(out, fmt.Sprintf("write %d peers", len(batch)))
				case len(batch) > 0:
					out = append(out, fmt.Sprintf("write %s", batchText(batch)))
				}
			}
			switch words[0] {
			case "in":
				d, err := time.ParseDuration(words[1])
				if err != nil {
					t.Fatal(err)
				}
				now = now.Add(d)
				return nil
			case "many":
				n := 0
				fmt.Sscan(words[1], &n)
				for i := range n {
					feed(keepEvent{kind: keepChanged, peer: peer.ID(fmt.Sprint("m", i))})
				}
			case "failed":
				feed(keepEvent{kind: keepWrote})
			default:
				kind := slices.Index(kinds, words[0])
				if kind < 0 {
					t.Fatalf("what is %q?", line)
				}
				ev := keepEvent{kind: keepEventKind(kind), ok: true}
				for _, w := range words[1:] {
					ev.peer = peer.ID(w)
					ev.peers = append(ev.peers, ev.peer)
				}
				feed(ev)
			}
			if at := m.Deadline(); !at.IsZero() {
				out = append(out, fmt.Sprint("again in ", at.Sub(now)))
			}
			return out
		}
	})
}

func batchText(ids []peer.ID) string {
	var words []string
	for _, id := range ids {
		words = append(words, string(id))
	}
	return strings.Join(words, " ")
}

// TestWhatIsInTheStoreBecomesWhatIsInTheBook has a book change by chance, and a
// store that fails by chance: when all has calmed down they are the same.
func TestWhatIsInTheStoreBecomesWhatIsInTheBook(t *testing.T) {
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 2))
		m, now := newKeepMachine(), time.Unix(1000, 0)
		book, store := map[peer.ID]int{}, map[peer.ID]int{}
		for i := range chance.IntN(5) {
			store[peer.ID(fmt.Sprint("old", i))] = 1
		}
		var batch []peer.ID
		feed := func(ev keepEvent) {
			if b := m.Step(now, ev); len(b) > 0 {
				if batch != nil {
					t.Fatalf("seed %d: two writes at once", seed)
				}
				batch = slices.Clone(b)
			}
		}
		finish := func(ok bool) {
			var absent []peer.ID
			for _, id := range batch {
				version, known := book[id]
				if !known {
					absent = append(absent, id)
				}
				// A write that failed may have been made all the same.
				if ok || chance.IntN(2) == 0 {
					store[id] = version
					if !known {
						delete(store, id)
					}
				}
			}
			batch = nil
			feed(keepEvent{kind: keepWrote, ok: ok, peers: absent})
		}
		ids := func(of map[peer.ID]int) []peer.ID {
			all := []peer.ID{}
			for id := range of {
				all = append(all, id)
			}
			slices.Sort(all)
			return all
		}
		feed(keepEvent{kind: keepLoaded, peers: ids(store)})
		feed(keepEvent{kind: keepCompare, peers: ids(book)})
		for version := range 500 {
			id := peer.ID(fmt.Sprint("p", chance.IntN(20)))
			lost := chance.IntN(40) == 0 // the change, on its way
			switch chance.IntN(6) {
			case 0, 1:
				book[id] = version
				if !lost {
					feed(keepEvent{kind: keepChanged, peer: id})
				}
			case 2:
				if _, known := book[id]; known {
					delete(book, id)
					if !lost {
						feed(keepEvent{kind: keepGone, peer: id})
					}
				}
			case 3:
				now = now.Add(time.Duration(chance.IntN(1500)) * time.Millisecond)
				feed(keepEvent{kind: keepTick})
			default:
				if batch != nil {
					finish(chance.IntN(3) > 0)
				}
			}
			if lost {
				feed(keepEvent{kind: keepRenew, peers: ids(book)})
			}
			if n := len(m.waiting); n != m.queue.Len() || n > 20+len(m.kept) {
				t.Fatalf("seed %d: %d wait, %d are queued", seed, n, m.queue.Len())
			}
			if at := m.Deadline(); len(m.waiting) > 0 && batch == nil && at.IsZero() {
				t.Fatalf("seed %d: some wait for nothing", seed)
			}
		}
		if batch != nil {
			finish(chance.IntN(2) == 0)
		}
		feed(keepEvent{kind: keepStop})
		for batch != nil {
			finish(true)
		}
		if fmt.Sprint(ids(book)) != fmt.Sprint(ids(store)) || fmt.Sprint(book) != fmt.Sprint(store) {
			t.Fatalf("seed %d: the book has %v, the store %v", seed, book, store)
		}
		if len(m.kept) != len(store) {
			t.Fatalf("seed %d: %d are thought to be kept, %d are", seed, len(m.kept), len(store))
		}
	}
}
