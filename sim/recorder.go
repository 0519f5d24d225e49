package sim

import (
	"container/heap"
	"sync"
	"time"
)

// A recorder hears of each event of a run but the steps, which the scheduler
// hashes, and of those too when they are kept. It has a lane for each site, and
// one for the world: what happens on different machines has no order but that of
// the time, and may be told by several threads at once.
type recorder struct {
	mu    sync.Mutex // guards the rest; never held over a wait
	keep  *Trace     // nil: they are not kept
	seed  uint64
	lanes map[string]*lane
}

// A lane is what has happened on one machine.
type lane struct {
	hash  uint64
	trace Trace
}

// world is the name of the world's own lane.
const worldLane = ""

func newRecorder(c Config) *recorder {
	return &recorder{keep: c.Record, seed: c.Seed, lanes: map[string]*lane{}}
}

// put adds an event to a lane.
func (r *recorder) put(name string, e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.lanes[name]
	if l == nil {
		l = &lane{}
		r.lanes[name] = l
	}
	if e.Kind != EventStep {
		l.hash = mix(l.hash ^ uint64(e.At)<<4 ^ uint64(e.Kind))
		l.hash = mix(l.hash ^ hashText(e.Text))
	}
	if r.keep != nil {
		l.trace.add(e)
	}
}

// finish puts all lanes into one trace, by time and in the given order of lanes,
// and returns the hash of all but the steps.
func (r *recorder) finish(order []string) (hash uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var heads lanesByTime
	for i, name := range append([]string{worldLane}, order...) {
		l := r.lanes[name]
		if l == nil {
			continue
		}
		hash = mix(hash ^ l.hash)
		if c := l.trace.Cursor(); c.Next() {
			heads = append(heads, laneHead{i, c})
		}
	}
	if r.keep == nil {
		return hash
	}
	*r.keep = Trace{Seed: r.seed}
	heap.Init(&heads)
	for len(heads) > 0 {
		first := heads[0].cursor
		r.keep.add(first.Event())
		if first.Next() {
			heap.Fix(&heads, 0)
		} else {
			heap.Pop(&heads)
		}
	}
	return hash
}

// lanesByTime are the lanes that have events left, the earliest first.
type lanesByTime []laneHead

type laneHead struct {
	place  int
	cursor *Cursor
}

func (h lanesByTime) at(i int) time.Duration { return h[i].cursor.Event().At }

func (h lanesByTime) Len() int { return len(h) }
func (h lanesByTime) Less(i, j int) bool {
	return h.at(i) < h.at(j) || h.at(i) == h.at(j) && h[i].place < h[j].place
}
func (h lanesByTime) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *lanesByTime) Push(x any)   { *h = append(*h, x.(laneHead)) }
func (h *lanesByTime) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// hashText is a hash of a text that is the same in all processes.
func hashText(s string) uint64 {
	h := uint64(len(s))
	for i := range len(s) {
		h = mix(h ^ uint64(s[i]))
	}
	return h
}
