package swarm

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// newsWorld makes events as the swarm does, and a subscriber that checks them.
type newsWorld struct {
	t     *testing.T
	news  news
	names map[*conn.Conn]string
	open  map[peer.ID][]*conn.Conn // what is so
	heard map[peer.ID][]*conn.Conn // what the subscriber thinks
	up    map[peer.ID]bool
	knows map[peer.ID]*PeerKnows
	addrs []ma.Multiaddr
	lines []string
	next  int
}

func newNewsWorld(t *testing.T, limit int) *newsWorld {
	return &newsWorld{
		t: t, news: news{limit: limit}, names: map[*conn.Conn]string{},
		open: map[peer.ID][]*conn.Conn{}, heard: map[peer.ID][]*conn.Conn{},
		up: map[peer.ID]bool{}, knows: map[peer.ID]*PeerKnows{},
	}
}

func (w *newsWorld) connect(id peer.ID) {
	w.next++
	c := &conn.Conn{}
	w.names[c] = fmt.Sprint(string(id), w.next)
	if len(w.open[id]) == 0 {
		w.news.add(PeerUp{id, c})
	}
	w.news.add(ConnUp{id, c})
	w.open[id] = append(w.open[id], c)
}

func (w *newsWorld) disconnect(id peer.ID, i int) {
	if len(w.open[id]) == 0 {
		return
	}
	i %= len(w.open[id])
	c := w.open[id][i]
	w.open[id] = slices.Delete(slices.Clone(w.open[id]), i, i+1)
	w.news.add(ConnDown{id, c, nil})
	if len(w.open[id]) == 0 {
		delete(w.open, id)
		w.news.add(PeerDown{id, nil})
	}
}

func (w *newsWorld) know(id peer.ID, p negotiate.Protocol) {
	if len(w.open[id]) > 0 {
		w.news.add(PeerKnows{id, w.open[id][0], []negotiate.Protocol{p}})
	}
}

// hear takes one event, and fails when it does not fit what was heard before.
func (w *newsWorld) hear() bool {
	e, ok := w.news.next()
	if !ok {
		return false
	}
	switch e := e.(type) {
	case PeerUp:
		w.say("peer up", string(e.Peer))
		w.expect(!w.up[e.Peer], "a peer is up that is up")
		w.up[e.Peer] = true
	case PeerDown:
		w.say("peer down", string(e.Peer))
		w.expect(w.up[e.Peer] && len(w.heard[e.Peer]) == 0, "a peer is down that is not up, or has connections")
		delete(w.up, e.Peer)
		delete(w.heard, e.Peer)
		delete(w.knows, e.Peer)
	case ConnUp:
		w.say("conn up", w.names[e.Conn])
		w.expect(w.up[e.Peer] && !slices.Contains(w.heard[e.Peer], e.Conn), "a connection is up of a peer that is not, or again")
		w.heard[e.Peer] = append(w.heard[e.Peer], e.Conn)
	case ConnDown:
		w.say("conn down", w.names[e.Conn])
		i := slices.Index(w.heard[e.Peer], e.Conn)
		w.expect(i >= 0, "a connection is down that was not up")
		w.heard[e.Peer] = slices.Delete(w.heard[e.Peer], i, i+1)
	case PeerKnows:
		w.say("knows", w.names[e.Conn], e.Protocols)
		w.expect(slices.Contains(w.heard[e.Peer], e.Conn), "protocols of a connection that is not up")
		w.knows[e.Peer] = &e
	case AddrsChanged:
		w.say("addrs", e.Addrs)
		w.addrs = e.Addrs
	case ListenerUp:
		w.say("listener up", e.At)
	case ListenerDown:
		w.say("listener down", e.At)
	case ProtocolsChanged:
		w.say("protocols", e.Protocols)
	case Missed:
		w.say("missed", e.N)
		w.expect(e.N > 0, "nothing was missed")
	}
	return true
}

func (w *newsWorld) say(words ...any) {
	w.lines = append(w.lines, strings.TrimSpace(fmt.Sprintln(words...)))
}

func (w *newsWorld) expect(ok bool, what string) {
	w.t.Helper()
	if !ok {
		w.t.Fatalf("%s:\n%s", what, strings.Join(w.lines, "\n"))
	}
}

// drain hears all and compares the pictures.
func (w *newsWorld) drain() {
	w.t.Helper()
	for w.hear() {
	}
	w.expect(len(w.open) == len(w.heard), "the subscriber knows other peers than there are")
	for id, conns := range w.open {
		w.expect(len(conns) == len(w.heard[id]), "the subscriber knows other connections than there are")
		for _, c := range conns {
			w.expect(slices.Contains(w.heard[id], c), "a connection was never told")
		}
	}
	w.expect(!w.news.catchUp && len(w.news.dirty)+len(w.news.log)+len(w.news.ready) == 0, "something is left")
	w.expect(len(w.news.told.peers) == len(w.open) && len(w.news.now.peers) == len(w.open), "peers are remembered that are gone")
}

func TestASubscriberThatKeepsUpHearsEverythingInOrder(t *testing.T) {
	w := newNewsWorld(t, 16)
	w.connect("a")
	w.connect("a")
	w.know("a", "/x")
	w.disconnect("a", 0)
	w.connect("b")
	w.disconnect("a", 0)
	w.news.add(AddrsChanged{[]ma.Multiaddr{ma.StringCast("/memory/1")}})
	w.drain()
	want := []string{
		"peer up a", "conn up a1", "conn up a2", "knows a1 [/x]", "conn down a1",
		"peer up b", "conn up b3", "conn down a2", "peer down a", "addrs [/memory/1]",
	}
	if diff := cmp.Diff(want, w.lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestASlowSubscriberHearsWhatItMissedAndThenTheDifferences(t *testing.T) {
	w := newNewsWorld(t, 4)
	w.connect("a")
	w.connect("b")
	w.drain()
	w.lines = nil
	w.disconnect("a", 0) // 2 events: a is away for a moment
	w.connect("a")       // 2
	w.connect("b")       // 1: too many, and b keeps its first connection
	w.connect("c")       // 2: comes and goes
	w.disconnect("c", 0) // 2
	w.connect("d")       // 2
	w.know("d", "/x")    // 1
	w.news.add(ListenerUp{At: ma.StringCast("/memory/1")})
	w.news.add(ProtocolsChanged{[]negotiate.Protocol{"/y"}})
	w.drain()
	want := []string{
		"missed 14",
		"conn down a1", "peer down a", "peer up a", "conn up a3",
		"conn up b4",
		"peer up d", "conn up d6", "knows d6 [/x]",
		"listener up /memory/1", "protocols [/y]",
	}
	if diff := cmp.Diff(want, w.lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	w.lines = nil
	w.disconnect("d", 0)
	w.drain()
	if diff := cmp.Diff([]string{"conn down d6", "peer down d"}, w.lines); diff != "" {
		t.Errorf("afterwards it is in order again, -want +got:\n%s", diff)
	}
}

func TestStrangersThatComeAndGoLeaveNoTraceWithAStuckSubscriber(t *testing.T) {
	w := newNewsWorld(t, 8)
	for i := range 10_000 {
		id := peer.ID(fmt.Sprint("peer", i))
		w.connect(id)
		w.disconnect(id, 0)
		if n := len(w.news.log) + len(w.news.dirty) + len(w.news.now.peers) + len(w.news.broken); n > 16 {
			t.Fatalf("after %d strangers %d things are remembered", i, n)
		}
	}
	w.drain()
	if diff := cmp.Diff([]string{"missed 40000"}, w.lines); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// driveNews turns bytes into events and hearings.
func driveNews(t *testing.T, data []byte) {
	if len(data) == 0 {
		return
	}
	w := newNewsWorld(t, 1+int(data[0]%6))
	for _, b := range data[1:] {
		id := peer.ID('a' + rune(b>>4&3))
		switch b & 7 {
		case 0, 1:
			w.connect(id)
		case 2, 3:
			w.disconnect(id, int(b>>6))
		case 4:
			w.know(id, negotiate.Protocol(fmt.Sprint("/", b>>6)))
		case 5:
			w.news.add(AddrsChanged{[]ma.Multiaddr{ma.StringCast(fmt.Sprint("/memory/", b>>6))}})
		default:
			w.hear()
		}
		known := len(w.open) + len(w.up) + len(w.news.ready)
		w.expect(len(w.news.log) <= w.news.limit && len(w.news.dirty) <= known, "more is remembered than there is")
	}
	w.drain()
}

func FuzzNews(f *testing.F) {
	f.Add([]byte{1, 0x00, 0x02, 0x00, 0x07, 0x10, 0x04, 0x07, 0x07})
	f.Add([]byte{0, 0x00, 0x00, 0x02, 0x00, 0x02, 0x02, 0x07})
	f.Fuzz(func(t *testing.T, data []byte) { driveNews(t, data) })
}

func TestASubscribersPictureIsRightInTheEndWhateverHappens(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	for range 5000 {
		data := make([]byte, chance.IntN(80))
		for i := range data {
			data[i] = byte(chance.Uint32())
		}
		driveNews(t, data)
	}
}
