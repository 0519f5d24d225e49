package actor

import (
	"context"
	"time"
)

// DefaultGrace is how long an actor that was told to end may take before it is
// reported as overdue, where nothing else was said.
const DefaultGrace = 5 * time.Second

// A Ref is an actor seen from outside.
type Ref struct{ node *node }

type crashKey struct{}

// LetPanicsCrash returns a context under which [Run] and [Start] do not turn
// panics into failures: the program dies with the original stack, as without
// supervision. It is meant for development and debuggers.
func LetPanicsCrash(ctx context.Context) context.Context {
	return context.WithValue(ctx, crashKey{}, true)
}

// Run starts a tree with f as the body of its root and waits until the whole
// tree has ended. The end of ctx stops the tree in order.
//
// It returns nil when the root ended normally or was stopped, an [*ExitError]
// when it failed, and an [*OverdueError] when an actor did not stop within its
// grace: only then does a goroutine outlive Run, and the error names it.
func Run(ctx context.Context, name string, f Func) error {
	ref := Start(ctx, name, f)
	return ref.Join()
}

// Start starts a tree like [Run], and returns at once. Inside an actor (when ctx
// is a Self or made from one) it starts a child of that actor instead, whose
// failure stays its own.
func Start(ctx context.Context, name string, f Func) *Ref {
	if parent := selfOf(ctx); parent != nil {
		ref := parent.Supervise(name, Restart{When: Never}, f)
		if ctx != context.Context(parent) {
			stop := AfterDone(ctx, func() { ref.Stop(context.Cause(ctx)) })
			ref.node.onEnded(func() { stop() })
		}
		return ref
	}
	return start(ctx, goroutines{}, name, f)
}

// start makes a root on the given carrier.
func start(ctx context.Context, on carrier, name string, f Func) *Ref {
	sys := &system{carrier: on}
	sys.crash, _ = ctx.Value(crashKey{}).(bool)
	n := newNode(name, nil, sys, kept, DefaultGrace)
	sys.root = n
	base := context.WithoutCancel(ctx)
	on.spawn(&sys.group, n, func() error { return n.run(base, Restart{When: Never}, f) })
	if ctx.Done() != nil {
		stop := on.afterDone(ctx, func() { n.ref.Stop(context.Cause(ctx)) })
		n.onEnded(func() { stop() })
	}
	return &n.ref
}

func newNode(name string, parent *Self, sys *system, f fate, grace time.Duration) *node {
	if grace == 0 {
		grace = DefaultGrace
	}
	n := &node{name: name, parent: parent, system: sys, carrier: sys.carrier, fate: f, grace: grace}
	n.ref.node = n
	n.born = n.carrier.now()
	n.since = n.born
	return n
}

// Go starts a child of the same fate: its failure ends this actor and all its
// other children at once, with that failure as the cause. A normal end means
// nothing. Children started with Go are parts of the actor: when it is stopped
// they go on serving until its body has returned, and then stop in reverse
// order. If the actor is ending already, the child never runs.
func (s *Self) Go(name string, f Func) *Ref {
	n := newNode(name, s, s.node.system, linked, 0)
	return s.launch(n, Restart{}, f)
}

func (s *Self) launch(n *node, r Restart, f Func) *Ref {
	s.mu.Lock()
	told := s.node.toldCause()
	over := s.bodyDone.isOpen() && s.children.live == 0
	refused := over || s.sealed || (n.fate == kept && told != nil)
	if !refused {
		s.children.add(n)
		if s.group == nil {
			s.group = &group{}
		}
		base := context.WithoutCancel(s)
		if r.When != Never {
			n.stopGate = n.carrier.parking()
		}
		n.temporary = r.When == Never && n.fate == kept && !n.escalates
		s.node.carrier.spawn(s.group, n, func() error { return n.run(base, r, f) })
	}
	s.mu.Unlock()
	if refused {
		n.err, n.gone = &GoneError{Path: s.node.path(), Cause: told}, true
		n.ended.release()
	}
	return &n.ref
}

// Path returns the actor's place in the tree.
func (r *Ref) Path() string { return r.node.path() }

// Done returns a channel that is closed when the actor has ended for good, with
// everything below it. Actors wait with [Ref.Wait] or [Watch] instead.
func (r *Ref) Done() <-chan struct{} { return r.node.ended.done() }

// Err returns why the actor ended: nil while it lives, after a normal end, and
// after a stop.
func (r *Ref) Err() error {
	r.node.mu.Lock()
	defer r.node.mu.Unlock()
	return r.node.err
}

// Wait blocks until the actor has ended for good (nil), or ctx is done (its
// cause).
func (r *Ref) Wait(ctx context.Context) error {
	if s := selfOf(ctx); s != nil {
		s.node.waiting(&waitNote{"the end of", r.node})
		defer s.node.waiting(nil)
	}
	return r.node.ended.await(carrierOf(ctx), ctx, time.Time{})
}

// Tree returns the actor with everything below it, as it is now. It asks no
// actor anything, so one that is stuck is shown as well.
func (r *Ref) Tree() Node { return r.node.snapshot() }

// Join waits for the end of a root that [Start] started and returns what [Run]
// would.
func (r *Ref) Join() error {
	n := r.node
	select {
	case <-n.ended.done():
		n.carrier.join(&n.system.group)
		return r.Err()
	case <-n.system.late.done():
		return n.system.overdueError()
	}
}
