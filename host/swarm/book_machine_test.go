package swarm

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor/golden"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// bookScript runs a book of four peers from a text.
//
//	in 10m                       the time goes on
//	connect a, disconnect a
//	SOURCE a ADDR…               learn for the time of the source
//	record SOURCE a SEQ ADDR…    the same from a signed record
//	worked|failed|forget a ADDR…
//	sweep
type bookScript struct {
	t         *testing.T
	now       time.Time
	start     time.Time
	connected map[peer.ID]bool
	machine   *bookMachine
}

func newBookScript(t *testing.T, most int) *bookScript {
	s := &bookScript{t: t, now: time.Unix(1000, 0), connected: map[peer.ID]bool{}}
	s.start = s.now
	s.machine = newBookMachine(func(id peer.ID) bool { return s.connected[id] }, most)
	return s
}

func (s *bookScript) step(t *testing.T, line string) []string {
	words := strings.Fields(line)
	switch words[0] {
	case "in":
		d, err := time.ParseDuration(words[1])
		if err != nil {
			t.Fatal(err)
		}
		s.now = s.now.Add(d)
		return nil
	case "connect", "disconnect":
		s.connected[peer.ID(words[1])] = words[0] == "connect"
		return nil
	}
	var out []string
	for _, e := range s.machine.Step(s.now, s.event(t, words), nil) {
		out = append(out, s.show(e))
	}
	return out
}

func (s *bookScript) event(t *testing.T, words []string) bookEvent {
	if words[0] == "sweep" {
		return bookEvent{kind: sweep}
	}
	ev := bookEvent{kind: learn}
	if words[0] == "record" {
		seq, err := strconv.ParseUint(words[3], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		addrs := words[4:]
		ev.record = &bookRecord{seq: seq, statement: sha256.Sum256([]byte(strings.Join(addrs, " ")))}
		words = append([]string{words[1], words[2]}, addrs...)
	}
	ttls := []time.Duration{HeardTTL, SaidTTL, ProvenTTL, GivenTTL}
	switch i := slices.Index([]string{"heard", "said", "proven", "given"}, words[0]); {
	case i >= 0:
		ev.from, ev.ttl = Source(i), ttls[i]
	case words[0] == "worked":
		ev.kind = worked
	case words[0] == "failed":
		ev.kind, ev.err = failed, errBoom
	case words[0] == "forget":
		ev.kind = forget
	default:
		t.Fatalf("what is %q?", words[0])
	}
	ev.peer, ev.addrs = peer.ID(words[1]), addrs(words[2:]...)
	return ev
}

// show is an effect as a line: of each address its sources with the minutes they
// hold for.
func (s *bookScript) show(e bookEffect) string {
	switch e.kind {
	case hide:
		return "hide " + string(e.peer)
	case refuse:
		var full *BookFullError
		if errors.As(e.err, &full) {
			return fmt.Sprintf("refuse %s: full, newcomer %s", string(e.peer), full.Source)
		}
		return fmt.Sprintf("refuse %s: %v", string(e.peer), errors.Unwrap(e.err))
	}
	line := "show " + string(e.peer)
	for _, l := range e.page.lines {
		line += " " + l.addr.String() + "("
		for i, until := range l.until {
			if !until.IsZero() {
				line += fmt.Sprintf("%s %v ", Source(i), until.Sub(s.now))
			}
		}
		if l.certified {
			line += "certified "
		}
		if l.failures > 0 {
			line += fmt.Sprintf("failed %d, %v ", l.failures, l.retryAt.Sub(s.now))
		}
		line = strings.TrimSpace(line) + ")"
	}
	if e.page.record != nil {
		line += fmt.Sprintf(" record %d %v", e.page.record.seq, e.page.record.until.Sub(s.now))
	}
	if e.save {
		line += " save"
	}
	return line
}

func TestTheBookDecidesAsWritten(t *testing.T) {
	golden.Run(t, "testdata/book/*.txt", func(t *testing.T) golden.Step { return newBookScript(t, 4).step })
}

// TestTheBookKeepsItsPromisesWhateverHappens drives the machine with chance, and
// looks at everything it must keep true after each step.
func TestTheBookKeepsItsPromisesWhateverHappens(t *testing.T) {
	const most = 12
	for seed := range uint64(30) {
		s := newBookScript(t, most)
		chance := rand.New(rand.NewPCG(seed, 1))
		shown := map[peer.ID]*bookPage{}
		seq := map[peer.ID]uint64{}
		for range 400 {
			id := peer.ID(fmt.Sprint("p", chance.IntN(30)))
			ev := bookEvent{kind: bookEventKind(chance.IntN(int(sweep) + 1)), peer: id, from: Source(chance.IntN(int(sources)))}
			if ev.kind == restore {
				ev.kind = learn
			}
			ev.ttl = time.Duration(1+chance.IntN(60)) * time.Minute
			for range chance.IntN(80) {
				ev.addrs = append(ev.addrs, ma.StringCast(fmt.Sprint("/memory/", 1+chance.IntN(90))))
			}
			if ev.kind == learn && chance.IntN(3) == 0 {
				ev.record = &bookRecord{seq: uint64(chance.IntN(9)), statement: [32]byte{byte(chance.IntN(2))}}
			}
			switch chance.IntN(8) {
			case 0:
				s.now = s.now.Add(time.Duration(chance.IntN(1200)) * time.Second)
			case 1:
				s.connected[id] = !s.connected[id]
			}
			before := s.machine.places[id]
			for _, e := range s.machine.Step(s.now, ev, nil) {
				switch e.kind {
				case show:
					shown[e.peer] = e.page
				case hide:
					victim := shown[e.peer]
					if victim == nil {
						t.Fatalf("seed %d: %s was hidden and never shown", seed, e.peer)
					}
					if e.peer != id && s.connected[e.peer] && ev.from != Given && ev.kind == learn {
						t.Fatalf("seed %d: %s is connected and was dropped for %s", seed, e.peer, id)
					}
					if e.peer != id && ev.kind == learn && rank(victim.lines) == Given && ev.from != Given {
						t.Fatalf("seed %d: %s was given by the user and was dropped for %s", seed, e.peer, id)
					}
					delete(shown, e.peer)
					delete(seq, e.peer)
				case refuse:
					if before != nil && before != s.machine.places[id] {
						t.Fatalf("seed %d: a refusal changed %s", seed, id)
					}
				}
			}
			if len(shown) > most || len(shown) != len(s.machine.places) {
				t.Fatalf("seed %d: %d peers are shown, %d known", seed, len(shown), len(s.machine.places))
			}
			queued := 0
			for q := Heard; q < sources; q++ {
				for at := s.machine.queues[q].Front(); at != nil; at = at.Next() {
					p := at.Value.(*bookPlace)
					queued++
					if p != s.machine.places[p.page.id] || p.queue != q || rank(p.page.lines) != q || p.page != shown[p.page.id] {
						t.Fatalf("seed %d: %s stands in the wrong queue", seed, p.page.id)
					}
				}
			}
			if queued != len(s.machine.places) {
				t.Fatalf("seed %d: %d are queued of %d", seed, queued, len(s.machine.places))
			}
			for id, page := range shown {
				if len(page.lines) == 0 || len(page.lines) > MaxAddrsPerPeer || sizeOfLines(page.lines) > MaxPeerSize {
					t.Fatalf("seed %d: %s has %d lines", seed, id, len(page.lines))
				}
				for i, l := range page.lines {
					if _, ok := l.source(); !ok || find(page.lines, l.addr) != i {
						t.Fatalf("seed %d: %s has the line %v", seed, id, l.addr)
					}
					if l.certified && page.record == nil {
						t.Fatalf("seed %d: %s has no record, and the line %v is certified", seed, id, l.addr)
					}
				}
				if page.record != nil {
					if page.record.seq < seq[id] {
						t.Fatalf("seed %d: the record of %s went from %d to %d", seed, id, seq[id], page.record.seq)
					}
					seq[id] = page.record.seq
				} else {
					delete(seq, id)
				}
			}
		}
	}
}

func TestLongAddressesOfOnePeerTakeNoMoreThanTheirMemory(t *testing.T) {
	s := newBookScript(t, 4)
	// Two bytes a part: what takes the most memory for its length.
	long := strings.Repeat("/http", MaxAddrSize/2)
	for i := range 200 {
		s.machine.Step(s.now, bookEvent{kind: learn, peer: "a", from: Heard, ttl: time.Hour, addrs: addrs(fmt.Sprint("/memory/", i, long))}, nil)
	}
	if p := s.machine.places["a"]; p != nil {
		t.Errorf("an address of %d bytes of memory was taken", sizeOfLines(p.page.lines))
	}
	var usual []ma.Multiaddr
	for i := range MaxAddrsPerPeer {
		usual = append(usual, ma.StringCast(fmt.Sprintf("/ip6/2001:db8::%x/udp/4001/quic-v1", i)))
	}
	s.machine.Step(s.now, bookEvent{kind: learn, peer: "b", from: Heard, ttl: time.Hour, addrs: usual}, nil)
	if n := len(s.machine.places["b"].page.lines); n != MaxAddrsPerPeer {
		t.Errorf("%d of %d usual addresses fit", n, MaxAddrsPerPeer)
	}
	medium := strings.Repeat("/http", 100)
	for i := range 200 {
		s.machine.Step(s.now, bookEvent{kind: learn, peer: "c", from: Said, ttl: time.Hour, addrs: addrs(fmt.Sprint("/memory/", i, medium), "/memory/1/http")}, nil)
		if size := sizeOfLines(s.machine.places["c"].page.lines); size > MaxPeerSize {
			t.Fatalf("%d bytes", size)
		}
	}
}

func TestOfOnePeersAddressesTheWorstMakeRoom(t *testing.T) {
	s := newBookScript(t, 4)
	now := s.now
	learnt := func(from Source, ttl time.Duration, record *bookRecord, addrs ...ma.Multiaddr) []bookLine {
		s.machine.Step(now, bookEvent{kind: learn, peer: "a", from: from, ttl: ttl, addrs: addrs, record: record}, nil)
		return s.machine.places["a"].page.lines
	}
	learnt(Heard, time.Minute, &bookRecord{seq: 1}, addrs("/memory/1")...)
	learnt(Given, time.Minute, nil, addrs("/memory/2")...)
	for i := range 2 * MaxAddrsPerPeer {
		learnt(Heard, time.Hour, nil, ma.StringCast(fmt.Sprint("/memory/", 10+i)))
	}
	lines := learnt(Said, time.Minute, nil, addrs("/memory/3")...)
	for _, want := range []string{"/memory/1", "/memory/2", "/memory/3"} {
		if find(lines, ma.StringCast(want)) < 0 {
			t.Errorf("%s made room for one that was heard, and is not certified", want)
		}
	}
	// Long ones that were heard make room for a given one, however few they are.
	long := strings.Repeat("/http", 100)
	s = newBookScript(t, 4)
	for i := range 20 {
		lines = learnt(Heard, time.Hour, nil, ma.StringCast(fmt.Sprint("/memory/", 10+i, long)))
	}
	if len(lines) == 20 {
		t.Fatal("there is room for all")
	}
	lines = learnt(Given, time.Minute, nil, ma.StringCast("/memory/1"+long))
	if find(lines, ma.StringCast("/memory/1"+long)) < 0 {
		t.Error("those that were heard made no room for a given one")
	}
}
