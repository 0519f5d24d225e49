package actor

import (
	"context"
	"errors"
	"runtime/pprof"
)

// A Next says how an actor that serves its mailbox goes on after a message.
type Next uint8

const (
	// Stay keeps the actor's goroutine until the next message: for an actor that
	// may expect it soon.
	Stay Next = iota
	// Rest gives the actor's goroutine away until the next message (Erlang/OTP
	// calls it hibernation): for an actor that may wait for long. It keeps its
	// place in the tree, its mailbox and everybody below it, and costs no stack.
	// The next message costs the start of a goroutine, about as much as waking one.
	Rest
	// Over ends the body.
	Over
)

// errServes is what a body returns that goes on in its mailbox.
var errServes = errors.New("actor: what Mailbox.Serve returns is for the body to return")

// serving is how the owner of a mailbox serves it.
type serving[M any] struct {
	f    func(M) (Next, error)
	next Next
	err  error // of f; then next is Over

	thrown *thrown // f has panicked on the goroutine of somebody else
}

// Serve has the rest of the actor's life be calls of f, one for each message, by
// the rules of [Mailbox.Recv]: until f returns [Over] or an error, or the actor
// is told to end and no message is left. That is how the actor ends, with the
// error of f. Until the first message it does what first says.
//
// It returns at once, and the body must return what it returns, at once as well:
// so the stack that the beginning of the actor's life needed is given back. What
// the body has deferred runs before the first call of f; use [Self.OnEnd] for
// what is to run at the end.
//
// While the actor waits, whoever has time may run f in its place: see
// [Mailbox.Deliver]. There is never more than one call of f at a time, and each
// sees all that those before it did. A panic is the actor's, whoever ran f.
//
// An actor that is restarted never rests. In a simulation every other one does:
// there [Stay] is [Rest], for one goroutine runs many actors, and the order in which
// they run is the same.
func (m *Mailbox[M]) Serve(first Next, f func(M) (Next, error)) error {
	m.serving = &serving[M]{f: f, next: first}
	return errServes
}

// serve serves the mailbox, until the actor ends or rests.
func (m *Mailbox[M]) serve() (rests bool, err error) {
	s := m.serving
	if m.sim != nil && !m.sim.woken(m) {
		return true, nil
	}
	for {
		if s.thrown != nil {
			panic(s.thrown)
		}
		if s.next == Over {
			return false, s.err
		}
		v, ok, end := m.take()
		switch {
		case end:
			return false, nil
		case ok:
			s.serve(v)
		case m.sim != nil:
			if m.sim.rest(m) {
				return true, nil
			}
		case s.next == Rest && m.mayRest():
			if m.rest() {
				return true, nil
			}
		default:
			m.lend()
		}
	}
}

// serve serves one message.
func (s *serving[M]) serve(v M) {
	if s.next, s.err = s.f(v); s.err != nil {
		s.next = Over
	}
}

// take returns the next message if there is one; end says that the actor is told
// to end and nothing is left for it.
func (m *Mailbox[M]) take() (v M, ok, end bool) {
	if m.urgent.Load() {
		if v, ok, end = m.takeOwn(); ok || end {
			return v, ok, end
		}
	}
	v, ok = m.poll()
	return v, ok, false
}

// mayRest reports whether the owner may give its goroutine away: one that is
// restarted may not.
func (m *Mailbox[M]) mayRest() bool { return m.owner.node.again == nil }

// rest says that the owner gives its goroutine away, unless there is something to
// look at. When it returns true, another goroutine may be the owner's already.
// As in [Mailbox.Recv], the owner says so first and looks again.
func (m *Mailbox[M]) rest() bool {
	n := m.owner.node
	m.total.Store(m.count)
	n.waiting(waitsForMessage)
	m.state.Store(boxResting)
	if m.waits() && m.state.CompareAndSwap(boxResting, boxRunning) {
		n.waiting(nil)
		return false
	}
	return true
}

// waits reports whether there is something to look at.
func (m *Mailbox[M]) waits() bool { return m.urgent.Load() || len(m.ch) > 0 }

// resume gives an actor that rests a goroutine. It is called once for each rest.
func (n *node) resume() {
	n.waiting(nil)
	g := &n.system.group
	if n.parent != nil {
		g = n.parent.group
	}
	n.system.carrier.spawn(g, n, "", n.runs)
}

// label gives the goroutine that an actor goes on with its labels: without them
// it has those of whoever woke the actor.
func (n *node) label() {
	for n.brief {
		n = n.parent.node
	}
	n.mu.Lock()
	labels := n.labels
	n.mu.Unlock()
	if labels == nil {
		labels = n.newLabels()
		n.mu.Lock()
		n.labels = labels
		n.mu.Unlock()
	}
	pprof.SetGoroutineLabels(labels)
}

func (n *node) newLabels() context.Context {
	return pprof.WithLabels(context.Background(), pprof.Labels("actor", n.path()))
}
