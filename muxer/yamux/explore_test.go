package yamux

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
)

// appendState appends all that a machine remembers, with times relative to now.
func appendState(dst []byte, m *Machine, now time.Time) []byte {
	target := "-"
	if m.target != nil {
		target = m.target.id.String()
	}
	dst = fmt.Appendf(dst, "%d %d %d %t%t%t%t %v %x %d %s %t %v %v [", m.nextID, m.unacked, m.grown, m.leaving, m.away, m.drained, m.bye,
		m.err, m.reader.bytes[:m.reader.have], m.rest, target, m.ends, m.refused.All(), m.pongs.All())
	l := &m.life
	dst = fmt.Appendf(dst, "%v %v %t%t %d %v %v %v %v|", l.heard.Sub(now), l.due.Sub(now), l.asking, l.owed, l.value,
		l.asked.Sub(now), l.sent.Sub(now), l.rtt, l.measured.Sub(now))
	for _, ring := range []*muxer.Ring[*stream]{&m.owing, &m.ready, &m.opens} {
		for range ring.Len() {
			dst = fmt.Appendf(dst, "%v ", ring.First().id)
			ring.Turn()
		}
		dst = append(dst, '|')
	}
	for _, id := range slices.Sorted(maps.Keys(m.streams)) {
		s := m.streams[id]
		dst = fmt.Appendf(dst, "%v %d %d %t%t%t%t %d %d %d %d %d %d %d %d %v,", id, s.write, s.read, s.admitted, s.announced, s.acked, s.granting,
			s.code, s.waiting, s.credit, s.allowed, s.window, s.unread, s.eaten, s.growth, s.epoch.Sub(now))
	}
	return append(dst, ']')
}

// A smallWorld is bounded: each end opens at most opens streams and writes at
// most 3 bytes on each, and every limit is so small that these meet it.
type smallWorld struct {
	opens int
	plant [2]func(*Machine) muxer.Machine // faults put around the machines
}

func (s smallWorld) start() *muxertest.World {
	setting := setting{
		limits:  muxer.Limits{Inbound: 1, Outbound: 2, Frame: 1},
		options: Options{KeepAlive: 3 * time.Second, Answer: time.Hour},
		start:   1, most: 2, backlog: 1, written: 3,
	}
	config := setting.world()
	config.MaxOpens = s.opens
	sound := config.New
	config.New = func(end uint8) muxer.Machine {
		m := sound(end)
		if s.plant[end] != nil {
			return s.plant[end](m.(*Machine))
		}
		return m
	}
	return muxertest.NewWorld(config)
}

// key tells worlds apart.
func key(w *muxertest.World) string {
	return string(w.AppendKey(nil, func(dst []byte, m muxer.Machine) []byte {
		if f, ok := m.(*faulty); ok {
			return appendState(fmt.Appendf(dst, "%v", f.Memory), f.Of, w.Now())
		}
		return appendState(dst, m.(*Machine), w.Now())
	}))
}

// moves are the operations on the given number of streams at each end, without
// those that without says.
func moves(streams int, without func(muxertest.Op) bool) []muxertest.Op {
	return muxertest.Moves{Streams: streams, Bytes: 2, Room: 23, Carry: 12, Pass: 3000, Without: without}.Ops()
}

// oneStream leaves out what makes the world of one stream large: the second
// opener, reads and batches that cut frames, draining, time.
func oneStream(op muxertest.Op) bool {
	return op.Kind == muxertest.Open && op.End == 1 || op.Kind == muxertest.Carry && op.N == 12 ||
		op.Kind == muxertest.Room && op.N == 23 || op.Kind == muxertest.GoAway || op.Kind == muxertest.Pass
}

// oneWay leaves out as well what the listener writes, so that all of a world is
// within reach.
func oneWay(op muxertest.Op) bool {
	return oneStream(op) || op.Kind == muxertest.Write && op.End == 1
}

func TestNoOrderOfAFewOperationsBreaksAnInvariant(t *testing.T) {
	for _, c := range []struct {
		name  string
		world smallWorld
		moves []muxertest.Op
		depth int
		whole bool // every reachable world is reached
		least int  // how many worlds are at least reached, so that a search that searches nothing shows
	}{
		{"one stream one way, all of it", smallWorld{opens: 1}, moves(1, oneWay), 60, true, 10_000},
		{"a stream of each end, everything", smallWorld{opens: 1}, moves(2, nil), 6, false, 5_000},
		{"two streams where one is allowed", smallWorld{opens: 2}, moves(2, oneStream), 7, false, 2_000},
	} {
		muxertest.Search{
			Name: c.name, World: c.world.start, Key: key, Ops: c.moves, Depth: c.depth, Whole: c.whole, Least: c.least,
		}.Run(t)
	}
}
