package swarm

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// signer makes records of one peer.
type signer struct {
	w   *world
	key peer.Key
}

func (w *world) signer() signer {
	w.Helper()
	key, err := peer.Generate(actor.Entropy(w.self))
	w.must(err)
	return signer{w, key}
}

func (s signer) id() peer.ID { return s.key.Public().ID() }

func (s signer) record(seq uint64, list ...string) []byte {
	s.w.Helper()
	out, err := peer.SealRecord(s.key, peer.Record{ID: s.id(), Seq: seq, Addrs: addrs(list...)})
	s.w.must(err)
	return out
}

func TestASignedRecordIsKeptAndCanBeReadBack(t *testing.T) {
	both(t, func(w *world) {
		book, s := w.node().Book(), w.signer()
		if got, _ := book.Record(s.id()); got != nil {
			w.Errorf("of a stranger it has the record %x", got)
		}
		w.must(book.LearnFrom(w.self, Said, peer.Info{ID: s.id(), Addrs: addrs("/memory/1")}, SaidTTL))
		first, second := s.record(7, "/memory/2/p2p/"+s.id().String(), "/memory/3"), s.record(8, "/memory/3")
		who, err := book.LearnRecord(w.self, Said, first, SaidTTL, nil)
		w.must(err)
		if got, seq := book.Record(s.id()); who != s.id() || !bytes.Equal(got, first) || seq != 7 {
			w.Errorf("of %s it has the record %d, %x", who, seq, got)
		}
		w.same([]string{"/memory/2", "/memory/3"}, texts(book, s.id()))
		for _, e := range book.Entries(s.id()) {
			if !e.Certified || e.Source != Said || e.Until.Sub(w.self.Now()) != SaidTTL {
				w.Errorf("an entry is %+v", e)
			}
		}
		_, err = book.LearnRecord(w.self, Said, second, SaidTTL, nil)
		w.must(err)
		var stale *RecordError
		if _, err := book.LearnRecord(w.self, Said, first, SaidTTL, nil); !errors.Is(err, ErrStaleRecord) || !errors.As(err, &stale) ||
			stale.Peer != s.id() || stale.Seq != 7 || stale.Have != 8 {
			w.Errorf("the older record gave %v", err)
		}
		w.same([]string{"/memory/3"}, texts(book, s.id()))
		w.sleep(SaidTTL + 2*time.Minute)
		if got, _ := book.Record(s.id()); got != nil {
			w.Errorf("after its time the book still has %x", got)
		}
	})
}

func TestOnlyTheSignerIsSpokenOf(t *testing.T) {
	both(t, func(w *world) {
		book, honest, evil := w.node().Book(), w.signer(), w.signer()
		good := honest.record(1, "/memory/1")
		_, err := book.LearnRecord(w.self, Said, good, SaidTTL, nil)
		w.must(err)
		lie := peer.Record{ID: honest.id(), Seq: 1 << 60, Addrs: addrs("/memory/666")}
		envelope, err := peer.Seal(evil.key, "libp2p-peer-record", []byte("\x03\x01"), lie.Marshal())
		w.must(err)
		damaged := bytes.Clone(good)
		damaged[len(damaged)-1] ^= 1
		var mismatch *peer.MismatchError
		if _, err := book.LearnRecord(w.self, Given, envelope.Marshal(), GivenTTL, nil); !errors.As(err, &mismatch) {
			w.Errorf("a record of somebody else gave %v", err)
		}
		for name, data := range map[string][]byte{"damaged": damaged, "empty": nil, "nonsense": []byte("nonsense")} {
			var bad *peer.EnvelopeError
			if _, err := book.LearnRecord(w.self, Given, data, GivenTTL, nil); !errors.As(err, &bad) {
				w.Errorf("%s: %v", name, err)
			}
		}
		if got, seq := book.Record(honest.id()); seq != 1 || !bytes.Equal(got, good) || book.Peers() != 1 {
			w.Errorf("the book has %d peers, and the record %d", book.Peers(), seq)
		}
		w.same([]string{"/memory/1"}, texts(book, honest.id()))
	})
}

func TestARecordThatIsTooLongIsNotKept(t *testing.T) {
	both(t, func(w *world) {
		book, s := w.node().Book(), w.signer()
		var many []string
		for i := range 200 {
			many = append(many, fmt.Sprintf("/dns/%063d/tcp/1", i))
		}
		var long *RecordError
		if _, err := book.LearnRecord(w.self, Given, s.record(1, many...), GivenTTL, nil); !errors.Is(err, ErrRecordSize) || !errors.As(err, &long) || long.Size <= MaxRecordSize {
			w.Errorf("got %v", err)
		}
		if book.Peers() != 0 {
			w.Error("its peer is known")
		}
	})
}

func TestAddressesOfARecordCanBeLeftOut(t *testing.T) {
	both(t, func(w *world) {
		book, s := w.node().Book(), w.signer()
		record := s.record(1, "/memory/1", "/memory/2")
		_, err := book.LearnRecord(w.self, Heard, record, HeardTTL, func(a ma.Multiaddr) bool { return a.String() != "/memory/1" })
		w.must(err)
		w.same([]string{"/memory/2"}, texts(book, s.id()))
		if got, _ := book.Record(s.id()); !bytes.Equal(got, record) {
			w.Error("the record is not whole")
		}
	})
}

func TestABookThatIsFullSaysSo(t *testing.T) {
	both(t, func(w *world) {
		book := w.node().Book()
		for i := range MaxBookPeers {
			w.must(book.Learn(w.self, peer.Info{ID: stranger(i), Addrs: addrs("/memory/1")}, GivenTTL))
		}
		var full *BookFullError
		err := book.LearnFrom(w.self, Heard, peer.Info{ID: stranger(-1), Addrs: addrs("/memory/1")}, HeardTTL)
		if !errors.As(err, &full) || full.Peer != stranger(-1) || full.Source != Heard || full.Peers != MaxBookPeers {
			w.Errorf("got %v", err)
		}
	})
}

// TestAFloodOfStrangersDisplacesNobodyThatMatters has strangers, with real
// records, fill the book twice over.
func TestAFloodOfStrangersDisplacesNobodyThatMatters(t *testing.T) {
	simulation := func(t *testing.T, scenario func(w *world)) {
		if err := simulate(t, 1, scenario); err != nil {
			t.Error(err)
		}
	}
	simulation(t, func(w *world) {
		a, out, in := w.listening(), w.listening(), w.node()
		book := a.Book()
		_, err := a.Connect(w.self, out.info())
		w.must(err)
		_, err = in.Connect(w.self, a.info())
		w.must(err)
		w.must(book.LearnFrom(w.self, Said, peer.Info{ID: in.ID(), Addrs: addrs("/memory/77")}, SaidTTL))
		given, heard := stranger(-1), stranger(-2)
		w.must(book.Learn(w.self, peer.Info{ID: given, Addrs: addrs("/memory/1", "/memory/2")}, GivenTTL))
		w.must(book.LearnFrom(w.self, Heard, peer.Info{ID: heard, Addrs: addrs("/memory/1")}, HeardTTL))
		var refused *BookFullError
		for i := range 2 * MaxBookPeers {
			from := Source(i % 2) // Heard, Said
			err := book.LearnFrom(w.self, from, peer.Info{ID: stranger(i), Addrs: addrs("/memory/666")}, SaidTTL)
			if err != nil && !errors.As(err, &refused) {
				w.Fatal(err)
			}
		}
		// And with as many lies about those who matter, for longer.
		for i := range 4 * MaxAddrsPerPeer {
			for _, id := range []peer.ID{given, out.ID(), in.ID()} {
				w.must(book.LearnFrom(w.self, Heard, peer.Info{ID: id, Addrs: addrs(fmt.Sprint("/memory/", 1000+i))}, 24*time.Hour))
			}
		}
		if n := book.Peers(); n != MaxBookPeers {
			w.Errorf("%d peers are kept", n)
		}
		if len(book.Addrs(heard)) > 0 {
			w.Error("who was only heard of, long ago, is still there")
		}
		for id, want := range map[peer.ID][]string{
			given: {"/memory/1", "/memory/2"}, out.ID(): {out.Addrs()[0].String()}, in.ID(): {"/memory/77"},
		} {
			got := texts(book, id)
			if len(got) != MaxAddrsPerPeer || !cmp.Equal(got[:len(want)], want) {
				w.Errorf("of %s are known %v, not %v first", id.Short(), got, want)
			}
		}
	})
}

func TestARecordThatTheBookHasIsOpenedAsItIs(t *testing.T) {
	both(t, func(w *world) {
		book, s := w.node().Book(), w.signer()
		data := s.record(7, "/memory/2")
		for range 2 { // before the book has it, and after
			signed, err := book.OpenRecord(s.id(), data)
			w.must(err)
			if r := signed.Record(); r.ID != s.id() || r.Seq != 7 || !bytes.Equal(signed.Envelope(), data) {
				w.Errorf("it is %+v", r)
			}
			forged := bytes.Clone(data)
			forged[len(forged)-1]++
			var wrong *peer.EnvelopeError
			if _, err := book.OpenRecord(s.id(), forged); !errors.As(err, &wrong) {
				w.Errorf("a forged one: %v", err)
			}
			_, err = book.LearnRecord(w.self, Said, data, SaidTTL, nil)
			w.must(err)
		}
	})
}
