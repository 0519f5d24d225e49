package mplex

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
	dst = fmt.Appendf(dst, "%d %t %t %v %v %d %s %t %v [", m.nextID, m.leaving, m.drained, m.err, m.head, m.rest, target,
		m.naming, m.refused.All())
	for _, ring := range []*muxer.Ring[*stream]{&m.owing, &m.ready, &m.late} {
		for range ring.Len() {
			dst = fmt.Appendf(dst, "%v ", ring.First().id)
			ring.Turn()
		}
		dst = append(dst, '|')
	}
	for _, id := range slices.Sorted(maps.Keys(m.streams)) {
		s := m.streams[id]
		dst = fmt.Appendf(dst, "%v %d %d %t %d %d", id, s.write, s.read, s.announced, s.waiting, s.unread)
		if s.late.Seated() {
			dst = fmt.Appendf(dst, " %v", s.due.Sub(now))
		}
		dst = append(dst, ',')
	}
	return append(dst, ']')
}

// A smallWorld is bounded: each end opens at most opens streams and writes at
// most 2 bytes on each, and every limit is so small that these meet it.
type smallWorld struct {
	opens  int
	policy Overflow
	plant  [2]func(*Machine) muxer.Machine // faults put around the machines
}

func (s smallWorld) start() *muxertest.World {
	limits := muxer.Limits{Inbound: 1, Outbound: 2, StreamBuffer: 1, SlowReader: time.Second, Frame: 1}
	config := twoMachines(limits, s.policy)
	config.MaxOpens, config.MaxWritten = s.opens, 2
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
	return muxertest.Moves{Streams: streams, Bytes: 2, Room: 6, Carry: 2, Pass: 1000, Without: without}.Ops()
}

// oneStream leaves out what makes the world of one stream large: the second
// opener, reads and batches that cut frames, draining.
func oneStream(op muxertest.Op) bool {
	return op.Kind == muxertest.Open && op.End == 1 || op.Kind == muxertest.Carry && op.N == 2 ||
		op.Kind == muxertest.Room && op.N == 6 || op.Kind == muxertest.GoAway
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
		{"one stream, all of it", smallWorld{opens: 1}, moves(1, oneStream), 50, true, 20_000},
		{"one stream, reset at once, all of it", smallWorld{opens: 1, policy: ResetAtOnce}, moves(1, oneStream), 50, true, 10_000},
		{"a stream of each end, everything", smallWorld{opens: 1}, moves(2, nil), 6, false, 5_000},
		{"two streams where one is allowed", smallWorld{opens: 2}, moves(2, oneStream), 8, false, 5_000},
	} {
		muxertest.Search{
			Name: c.name, World: c.world.start, Key: key, Ops: c.moves, Depth: c.depth, Whole: c.whole, Least: c.least,
		}.Run(t)
	}
}
