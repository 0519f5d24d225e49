package actor

import (
	"context"
	"errors"
	"runtime/debug"
	"runtime/pprof"
)

// run is the whole life of an actor on its own goroutine. What it returns goes
// to the errgroup of its parent: only what escalates.
func (n *node) run(base context.Context, r Restart, f Func) (escalated error) {
	exit := error(ErrGoexit)
	defer func() { escalated = n.finish(exit) }()
	if n.carrier.simulator() == nil {
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), pprof.Labels("actor", n.path())))
	}
	if r.When == Never {
		exit = n.incarnation(base, 0, f)
	} else {
		exit = n.keep(base, r, f)
	}
	return nil
}

// incarnation runs the body once and joins its children. It returns the failure
// of this incarnation: its own, or the one that escalated from a child.
func (n *node) incarnation(base context.Context, number int, f Func) (failure error) {
	s := &Self{node: n, number: number}
	s.Context, s.cancel = context.WithCancelCause(base)
	n.self.Store(s)
	err := error(ErrGoexit) // unless the body returns or panics
	defer func() { failure = s.conclude(err) }()
	if told := n.toldCause(); told != nil {
		s.end(told)
		err = nil
		return nil
	}
	err = s.call(f)
	return nil
}

// call runs the body and turns a panic into an error. It is the only recover of
// the module, so a panic falls exactly as far as the tree says.
func (s *Self) call(f Func) (err error) {
	if s.node.system.crash {
		return f(s)
	}
	returned := false
	defer func() {
		if returned {
			return
		}
		if value := recover(); value != nil {
			if value == killed {
				panic(value)
			}
			err = &PanicError{Value: value, Stack: debug.Stack()}
		}
	}()
	err = f(s)
	returned = true
	return err
}

// conclude ends an incarnation whose body has returned with err.
func (s *Self) conclude(err error) error {
	n := s.node
	n.waiting(nil)
	cause := context.Cause(s)
	if told := s.Err() != nil; told && orderly(err) {
		err = nil
	}
	if err != nil {
		cause = n.explained(err)
		s.fail(cause)
	}
	s.mu.Lock()
	hooks := s.onEnd
	s.onEnd = nil
	b := s.box
	s.mu.Unlock()
	for i := len(hooks) - 1; i >= 0; i-- {
		hooks[i]()
	}
	if b != nil {
		b.die(cause)
	}
	s.bodyDone.release()
	s.mu.Lock()
	g := s.group
	s.mu.Unlock()
	if g != nil {
		n.waiting(waitsForChildren)
		n.carrier.join(g)
		n.waiting(nil)
	}
	// Release the context's children; nobody below is left to see it.
	s.cancel(ErrStopped)
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failure
}

// orderly says whether err is an acceptable answer to being told to end: any
// error is, a panic or a Goexit is not.
func orderly(err error) bool {
	var panicked *PanicError
	return !errors.As(err, &panicked) && !errors.Is(err, ErrGoexit)
}

// explained wraps an actor's failure with its path, once.
func (n *node) explained(err error) error {
	if exit, ok := err.(*ExitError); ok {
		return exit
	}
	return &ExitError{Path: n.path(), Err: err}
}

// fail ends the fate group of s at once with the given failure, the first of
// which becomes its own. A linked parent learns of it now, not when everybody
// below has left.
func (s *Self) fail(cause error) {
	s.mu.Lock()
	if s.failure != nil {
		s.mu.Unlock()
		return
	}
	s.failure = cause
	s.mu.Unlock()
	s.abort(cause)
	if n := s.node; n.fate == linked && n.parent != nil {
		n.parent.fail(cause)
	}
	s.node.watchAborted(s)
}

// abort tells the body and everything below it to end, all at once.
func (s *Self) abort(cause error) {
	s.mu.Lock()
	s.sealed = true
	var below []*node
	for c := s.children.first; c != nil; c = c.next {
		below = append(below, c)
	}
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
		if n.fate != kept || n.temporary || n.escalates {
			n.system.failed(n, exit)
		}
	}
	goexit := !n.temporary && errors.Is(exit, ErrGoexit) // its goroutine cannot run again
	escalates := exit != nil && (n.fate == linked || n.escalates || (goexit && n.fate == kept))
	if escalates && n.parent != nil {
		n.parent.fail(exit)
	}
	n.mu.Lock()
	n.err = exit
	hooks := n.atEnd
	n.atEnd, n.gone = nil, true
	n.mu.Unlock()
	if n.parent != nil {
		n.parent.mu.Lock()
		n.parent.children.remove(n)
		n.parent.mu.Unlock()
	} else {
		n.system.mu.Lock()
		n.system.over = true
		n.system.mu.Unlock()
	}
	n.ended.release()
	for _, h := range hooks {
		h.call()
	}
	if n.report != nil {
		n.report(exit)
	}
	if escalates {
		return exit
	}
	return nil
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
