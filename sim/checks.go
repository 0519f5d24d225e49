package sim

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/troupe-p2p/troupe/actor"
)

// A Failure is how a run failed: which check did, when, and why.
type Failure struct {
	// Check is the check that failed: "always no two leaders", "no panic".
	Check string
	// At is when, since the start of the world.
	At  time.Duration
	Err error
}

func (f *Failure) Error() string { return fmt.Sprintf("%s: after %v: %v", f.Check, f.At, f.Err) }

// Unwrap returns what the check said.
func (f *Failure) Unwrap() error { return f.Err }

// Signature tells one way to fail from another: two runs with different faults
// that have the same one are taken to have the same cause. For a check of the
// scenario it is the check's name; otherwise the error counts too, but for the
// words with digits in it.
func (f *Failure) Signature() string {
	if strings.HasPrefix(f.Check, "always ") || strings.HasPrefix(f.Check, "eventually ") || strings.HasPrefix(f.Check, "at the end ") {
		return f.Check
	}
	words := strings.FieldsFunc(f.Check+": "+firstLine(f.Err), unicode.IsSpace)
	words = slices.DeleteFunc(words, func(word string) bool { return strings.ContainsFunc(word, unicode.IsDigit) })
	return strings.Join(words, " ")
}

func firstLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return line
}

// FailureOf makes a Failure of an error of [Run].
func FailureOf(err error) *Failure {
	var f *Failure
	var deadlock *actor.DeadlockError
	var livelock *actor.LivelockError
	var horizon *actor.HorizonError
	var overdue *actor.OverdueError
	var panicked *actor.PanicError
	switch {
	case errors.As(err, &f):
		return f
	case errors.As(err, &deadlock):
		return &Failure{Check: "deadlock", Err: err}
	case errors.As(err, &livelock):
		return &Failure{Check: "livelock", Err: err}
	case errors.As(err, &horizon):
		return &Failure{Check: "the end of time", Err: err}
	case errors.As(err, &overdue):
		return &Failure{Check: "somebody is late", Err: err}
	case errors.As(err, &panicked) && panicked.Unwrap() == nil:
		return &Failure{Check: "no panic", Err: err}
	}
	return &Failure{Check: "the scenario", Err: err}
}

// checks are what must be true of a run.
type checks struct {
	always     []check
	eventually []check
	atEnd      []check
	expected   []func(actor.Failure) bool
	last       time.Duration // when Always was looked at

	mu      sync.Mutex // guards failure; never held over a wait
	failure *Failure
}

type check struct {
	name   string
	within time.Duration
	ok     func() error
}

// Always adds a check that must hold all the time: it is made after every instant
// of virtual time at which something happened, and the first error ends the run.
// It looks only, at whatever it likes, and must not wait. With Config.Shards it is
// made every 10 ms instead, because then machines have no instants in common.
func (w *World) Always(name string, ok func() error) {
	if len(w.checks.always) == 0 && w.config.Shards > 0 {
		w.lookAgain()
	}
	w.checks.always = append(w.checks.always, check{name: "always " + name, ok: ok})
}

// Eventually adds a check that must hold at some time once the world has healed,
// no later than within: see [World.Run] and [World.Heal]. The actor that plays the
// scenario makes it, every 10 ms; it may wait.
func (w *World) Eventually(name string, within time.Duration, ok func() error) {
	w.checks.eventually = append(w.checks.eventually, check{"eventually " + name, within, ok})
}

// AtEnd adds a check that is made once, when the scenario has returned and the
// world has healed, before the hosts are stopped. It may wait.
func (w *World) AtEnd(name string, ok func() error) {
	w.checks.atEnd = append(w.checks.atEnd, check{name: "at the end " + name, ok: ok})
}

// ExpectPanics says that panics of actors whose path contains the text are part
// of the scenario. Any other one ends the run, even if its actor is restarted.
func (w *World) ExpectPanics(path string) {
	w.checks.expected = append(w.checks.expected, func(f actor.Failure) bool { return strings.Contains(f.Path, path) })
}

// lookAgain makes the checks of Always now and then, while all machines stand.
func (w *World) lookAgain() {
	actor.AfterFunc(w.self, checkEvery, func() {
		if w.invariants(); !w.over {
			w.lookAgain()
		}
	})
}

// fail ends the run.
func (w *World) fail(check string, err error) {
	w.checks.mu.Lock()
	defer w.checks.mu.Unlock()
	if w.checks.failure == nil {
		w.checks.failure = &Failure{Check: check, At: w.Elapsed(), Err: err}
		w.sched.Halt(w.checks.failure)
	}
}

// halted reports whether the run has failed.
func (w *World) halted() bool {
	w.checks.mu.Lock()
	defer w.checks.mu.Unlock()
	return w.checks.failure != nil
}

// failed hears of each failure of an actor.
func (w *World) failed(f actor.Failure) {
	place, at := worldLane, w.Elapsed
	if s := w.byName[hostIn(f.Path)]; s != nil {
		place, at = s.name, s.island.Elapsed
	}
	w.tell(place, Event{at(), EventFailure, f.Path + ": " + firstLine(f.Err)})
	var panicked *actor.PanicError
	if !errors.As(f.Err, &panicked) || f.Path == "world" {
		return
	}
	for _, expected := range w.checks.expected {
		if expected(f) {
			return
		}
	}
	w.fail("no panic", fmt.Errorf("%w\n%s", f.Err, panicked.Stack))
}

// invariants makes the checks of Always.
func (w *World) invariants() {
	if w.halted() {
		return
	}
	for _, c := range w.checks.always {
		if err := c.ok(); err != nil {
			w.fail(c.name, err)
			return
		}
	}
}

// checkEvery is how often a check is made that waits for time to pass.
const checkEvery = 10 * time.Millisecond

// liveness waits until every Eventually holds.
func (w *World) liveness() error {
	healed := w.Elapsed()
	open := w.checks.eventually
	w.checks.eventually = nil
	for len(open) > 0 {
		var left []check
		for _, c := range open {
			err := c.ok()
			if err == nil {
				continue
			}
			if since := w.Elapsed() - healed; since >= c.within {
				return &Failure{c.name, w.Elapsed(), fmt.Errorf("%v after the world has healed: %w", since, err)}
			}
			left = append(left, c)
		}
		if open = left; len(open) > 0 {
			if err := w.self.Sleep(checkEvery); err != nil {
				return err
			}
		}
	}
	return nil
}

// ending makes the checks before the hosts are stopped.
func (w *World) ending() error {
	w.invariants()
	for _, c := range w.checks.atEnd {
		if err := c.ok(); err != nil {
			return &Failure{c.name, w.Elapsed(), err}
		}
	}
	return w.withinLimits(w.Tree())
}

// withinLimits is the check that no mailbox holds more than it may.
func (w *World) withinLimits(n actor.Node) error {
	if b := n.Mailbox; b != nil && b.Waiting > b.Limit {
		return &Failure{"queues within their limits", w.Elapsed(), fmt.Errorf("%s: %d in a mailbox for %d", n.Path, b.Waiting, b.Limit)}
	}
	for _, c := range n.Children {
		if err := w.withinLimits(c); err != nil {
			return err
		}
	}
	return nil
}

// atBase is the check that nothing is left in the network when all hosts were
// stopped: no listener, no connection, and no packet that has neither arrived nor
// was lost for a reason. Who closes a connection may have to say so again and
// again until it gives up.
func (w *World) atBase() error {
	began := w.Elapsed()
	for {
		left := w.network.left()
		if left == nil {
			return nil
		}
		if w.Elapsed()-began > 2*patience {
			return &Failure{"nothing is left", w.Elapsed(), left}
		}
		if err := w.self.Sleep(100 * time.Millisecond); err != nil {
			return err
		}
	}
}

// left is what is left in the network, or nil.
func (n *Network) left() error {
	n.mu.Lock()
	hosts := slices.Collect(maps.Values(n.hosts))
	n.mu.Unlock()
	ends, listeners := 0, 0
	for _, h := range hosts {
		h.mu.Lock()
		ends += len(h.ends)
		listeners += len(h.listeners) + len(h.sockets)
		h.mu.Unlock()
	}
	if c := n.TotalTraffic().OnTheWay(); ends+listeners > 0 || c != (Count{}) {
		return fmt.Errorf("%d ends of connections, %d listeners, %d packets with %d bytes that nobody knows of", ends, listeners, c.Packets, c.Bytes)
	}
	return nil
}
