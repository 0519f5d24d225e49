package actor

import (
	"context"
	"errors"
	"runtime/debug"
	"runtime/pprof"
	"time"
)

// run is the whole life of an actor on its own goroutine. What it returns goes
// to the errgroup of its parent: only what escalates.
//
// It is kept thin, and everything else happens in calls that have returned when
// the body waits, or have not begun: an idle actor should fit the stack of 2 KiB
// that its goroutine is born with.
func (n *node) run() (escalated error) {
	if n.again != nil {
		return n.runAgain()
	}
	s := n.beginOrResume()
	var err error
	var returned, rests bool
	defer func() {
		if rests {
			return // the actor may be at work again, on another goroutine
		}
		if !returned {
			err = n.system.crashed(recover())
		}
		escalated = n.finish(s.conclude(err, !returned))
	}()
	if !s.serves && s.Err() == nil {
		err = n.body(s)
		s.serves = err == errServes
	}
	if s.serves {
		n.body = nil // and what only the beginning needed
		rests, err = s.box.serve()
	}
	returned = true
	return nil
}

// runAgain is run for an actor that is restarted.
func (n *node) runAgain() (escalated error) {
	exit := error(ErrGoexit)
	defer func() { escalated = n.finish(exit) }()
	exit = n.keep()
	return nil
}

// live runs one incarnation of an actor that is restarted. It returns its
// failure: its own, or the one that escalated from a child.
func (n *node) live(s *Self) (failure error) {
	var err error
	returned := false
	defer func() {
		if !returned {
			err = n.system.crashed(recover())
		}
		failure = s.conclude(err, !returned)
	}()
	if s.Err() == nil {
		err = n.body(s)
	}
	if err == errServes {
		_, err = s.box.serve() // it never rests
	}
	returned = true
	return nil
}

// beginOrResume returns the incarnation that a goroutine is for.
//
//go:noinline
func (n *node) beginOrResume() *Self {
	if s := n.self.Load(); s != nil {
		if n.system.carrier.simulator() == nil {
			n.label()
		}
		return s
	}
	return n.begin(0)
}

// begin makes the next incarnation, told to end already if the actor is.
//
//go:noinline
func (n *node) begin(number int) *Self {
	if number == 0 && !n.brief && n.system.carrier.simulator() == nil {
		// The label marks the goroutine in profiles and dumps.
		pprof.SetGoroutineLabels(n.newLabels())
	}
	s := newSelf(n, number)
	n.self.Store(s)
	if told := n.toldCause(); told != nil {
		s.end(told)
	}
	return s
}

// crashed makes a failure of what ended a body that did not return: a panic's
// value, or nothing after a Goexit. It is called while the stack still stands.
// No other file of the module stops a panic, so one falls exactly as far as the
// tree says.
func (sys *system) crashed(value any) error {
	if value == nil {
		return ErrGoexit
	}
	if t, lent := value.(*thrown); lent {
		return t.failure
	}
	if sys.crash || value == killed || uncontained(value) {
		panic(value)
	}
	return &PanicError{Value: value, Stack: debug.Stack()}
}

// uncontained reports whether a panic says that no actor may survive it, as
// those of the debug build of package buf do.
func uncontained(value any) bool {
	_, yes := value.(interface{ Uncontained() })
	return yes
}

// protect calls a hook and makes a failure of its panic.
func (sys *system) protect(f func()) (err error) {
	returned := false
	defer func() {
		if !returned {
			err = sys.crashed(recover())
		}
	}()
	f()
	returned = true
	return nil
}

// conclude ends an incarnation whose body has returned with err, or has crashed
// with it. A body that was told to end may return any error; a crash is a
// failure at any time.
func (s *Self) conclude(err error, crashed bool) error {
	n := s.node
	n.waiting(nil)
	if hookErr := s.runOnEnd(); hookErr != nil && (err == nil || !crashed) {
		err, crashed = hookErr, true
	}
	cause := context.Cause(s)
	if cause != nil && !crashed {
		err = nil
	}
	if err != nil {
		cause = n.explained(err)
		n.system.failed(n, cause)
		s.fail(cause)
	}
	s.mu.Lock()
	b := s.box
	s.mu.Unlock()
	if b != nil {
		b.die(cause)
	}
	s.bodyDone.release()
	s.joinChildren()
	// Release the context's children; nobody below is left to see it.
	s.cancel(ErrStopped)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// joinChildren waits for the end of everything below, after the body.
func (s *Self) joinChildren() {
	n := s.node
	s.mu.Lock()
	g, alone := s.group, s.alone
	s.mu.Unlock()
	if g != nil {
		n.waiting(waitsForChildren)
		if n.toldCause() == nil && s.stopLasting(ErrStopped) {
			n.stopIsOver()
		}
		if alone {
			s.stopParts(n.toldCause())
		}
		s.awaitEmpty()
		n.system.carrier.join(g)
		n.waiting(nil)
	}
	s.mu.Lock()
	s.joined = true
	alarm := s.alarm
	s.mu.Unlock()
	if alarm != nil {
		alarm.Stop()
	}
}

// awaitEmpty waits until no child is left. A group joins goroutines, and a child
// at rest has none.
func (s *Self) awaitEmpty() {
	on := s.node.system.carrier
	if on.simulator() != nil {
		return // there a child at rest is a member of its group
	}
	s.mu.Lock()
	if s.children.live > 0 {
		s.emptied = on.parking()
	}
	p := s.emptied
	s.mu.Unlock()
	if p != nil {
		p.wait(context.Background(), time.Time{})
	}
}

// removeChild takes a child that has ended out of the tree.
func (s *Self) removeChild(n *node) {
	s.mu.Lock()
	s.children.remove(n)
	p := s.emptied
	if s.children.live > 0 {
		p = nil
	}
	s.mu.Unlock()
	if p != nil {
		p.wake()
	}
}

// runOnEnd calls the hooks of [Self.OnEnd], the last one registered first, and
// returns the first panic among them.
func (s *Self) runOnEnd() error {
	var failure error
	s.mu.Lock()
	h := s.hooks
	s.mu.Unlock()
	if h != nil {
		h.settle() // those of a stop that has just begun come first
	}
	for {
		s.mu.Lock()
		h := s.hooks
		if h == nil || len(h.end) == 0 {
			s.closed = true
			s.mu.Unlock()
			if h != nil {
				h.settle()
			}
			return failure
		}
		last := len(s.hooks.end) - 1
		f := s.hooks.end[last]
		s.hooks.end = s.hooks.end[:last]
		s.mu.Unlock()
		if err := s.node.system.protect(f); err != nil && failure == nil {
			failure = err
		}
	}
}

// explained wraps an actor's failure with its path, once.
func (n *node) explained(err error) error {
	if exit, ok := err.(*ExitError); ok {
		return exit
	}
	return &ExitError{Path: n.path(), Err: err}
}

// fail ends the fate group of s at once with the given failure, the first of
// which becomes its own. A parent whose failure it is as well learns of it now,
// not when everybody below has left.
func (s *Self) fail(cause error) {
	s.mu.Lock()
	if s.failure != nil {
		s.mu.Unlock()
		return
	}
	s.failure = cause
	s.mu.Unlock()
	s.abort(cause)
	if n := s.node; n.parent != nil && (n.fate == linked || n.escalates) {
		n.parent.fail(cause)
	}
	s.watchAborted()
}

// abort tells the body and everything below it to end, all at once.
func (s *Self) abort(cause error) {
	s.mu.Lock()
	s.sealed = true
	below := s.children.all()
	s.mu.Unlock()
	s.end(cause)
	for _, c := range below {
		c.tell(cause)
		if child := c.self.Load(); child != nil {
			child.abort(cause)
		}
	}
}

// finish takes the actor out of the tree. It returns the error that escalates.
func (n *node) finish(exit error) error {
	if exit != nil {
		exit = n.explained(exit)
	}
	escalates := exit != nil && (n.fate == linked || n.escalates)
	if !n.temporary && errors.Is(exit, ErrGoexit) && exit.(*ExitError).Path == n.path() {
		escalates = true // its goroutine cannot run again
	}
	if escalates && n.parent != nil {
		n.parent.fail(exit)
	}
	if n.parent != nil {
		n.parent.removeChild(n)
	} else {
		n.system.mu.Lock()
		n.system.over = true
		n.system.mu.Unlock()
	}
	n.close(exit)
	if escalates {
		return exit
	}
	return nil
}

// close tells everybody who wants to know that the actor has ended for good.
func (n *node) close(exit error) {
	n.mu.Lock()
	n.err = exit
	hooks := n.atEnd
	n.atEnd, n.gone = nil, true
	n.mu.Unlock()
	n.ended.release()
	hooks.run()
	if n.report != nil {
		n.report(exit)
	}
}

// swallowKill runs a simulated task and ends quietly when the simulation ended
// it where it waited.
func swallowKill(run func()) {
	defer func() {
		if value := recover(); value != nil && value != killed {
			panic(value)
		}
	}()
	run()
}
