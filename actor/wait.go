package actor

import (
	"context"
	"os"
	"slices"
	"time"
)

// confirmAfter is how long a cycle of waits must have stood before it is called
// one. Somebody on it may have been served and not yet have run again; a real
// cycle stands for ever, so patience costs nothing.
const confirmAfter = 100 * time.Millisecond

// maxChain bounds the search; a chain of waits this long is no cycle through
// the caller, but one that others will find.
const maxChain = 1000

// A waiter is an actor that waits for another one. What it waits for is noted in
// the tree. If the way from one awaited actor to the next leads back, nobody on
// it would ever move. Each actor notes its own wait before it looks, so of those
// that close a cycle at once at least one sees it.
type waiter struct {
	node    *node // nil: it is not known who waits
	note    *waitNote
	suspect []*waitNote // the waits of a cycle, as they were seen
}

// beginWait notes that the actor of ctx waits for another one, and looks for a
// cycle.
//
// The note is the caller's, made for this wait and no other.
func beginWait(ctx context.Context, note *waitNote) waiter {
	s := selfOf(ctx)
	if s == nil {
		return waiter{}
	}
	w := waiter{node: s.node, note: note}
	s.node.waiting(w.note)
	if w.leadsBack() {
		w.suspect = w.way()
	}
	return w
}

// leave ends the wait.
func (w *waiter) leave() {
	if w.node != nil {
		w.node.wait.CompareAndSwap(w.note, nil)
	}
}

// leadsBack follows the waits, and says whether they come back to the waiter.
func (w *waiter) leadsBack() bool {
	at := w.note
	for range maxChain {
		if at.on == w.node {
			return true
		}
		if at = at.on.wait.Load(); at == nil || at.on == nil {
			return false
		}
	}
	return false
}

// way returns the waits from the waiter back to itself, or nil.
func (w *waiter) way() []*waitNote {
	at := w.note
	var way []*waitNote
	for range maxChain {
		way = append(way, at)
		if at.on == w.node {
			return way
		}
		if at = at.on.wait.Load(); at == nil || at.on == nil {
			return nil
		}
	}
	return nil
}

// until is when a suspicion is looked at again; zero without one.
func (w *waiter) until(on carrier) time.Time {
	if w.suspect == nil {
		return time.Time{}
	}
	return on.now().Add(confirmAfter)
}

// confirm looks at a suspicion again. The same waits, seen twice, have all stood
// in between, so they were a cycle; then the waiter gets the error and leaves,
// which sets the others free. One at a time may do that.
func (w *waiter) confirm() error {
	sys := w.node.system
	sys.cycles.Lock()
	defer sys.cycles.Unlock()
	way := w.way()
	if way == nil || !slices.Equal(way, w.suspect) {
		w.suspect = way
		return nil
	}
	w.leave()
	paths := []string{w.node.path()}
	for _, note := range way {
		paths = append(paths, note.on.path())
	}
	return &CycleError{Paths: paths}
}

// wait runs one that waits at a parking until the given time, again and again
// while there is a suspicion to look at.
func (w *waiter) wait(on carrier, once func(until time.Time) error) error {
	for {
		err := once(w.until(on))
		if w.suspect == nil || err != os.ErrDeadlineExceeded {
			return err
		}
		if err := w.confirm(); err != nil {
			return err
		}
	}
}
