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
//
// Inside an actor it starts a child, as [Start] does, and the actor waits for it.
func Run(ctx context.Context, name string, f Func) error {
	ref := Start(ctx, name, f)
	if ref.node.parent == nil {
		return ref.Join()
	}
	if err := ref.Wait(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	return ref.Err()
}

// Start starts a tree like [Run], and returns at once. Inside an actor (when ctx
// is a Self or made from one) it starts a child of that actor instead, whose
// failure stays its own.
func Start(ctx context.Context, name string, f Func) *Ref {
	if parent := selfOf(ctx); parent != nil {
		if place := placeOf(ctx, parent); place != nil {
			return start(ctx, place, parent.Path()+"/"+name, f)
		}
		ref := parent.supervise(name, Restart{When: Never}, f, true)
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
	sys := &system{carrier: on, base: context.WithoutCancel(ctx)}
	sys.crash, _ = ctx.Value(crashKey{}).(bool)
	n := newNode(name, nil, sys, kept, DefaultGrace, f)
	sys.root = n
	on.spawn(&sys.group, n, "", n.runs)
	if ctx.Done() != nil {
		stop := on.afterDone(ctx, func() { n.ref.Stop(context.Cause(ctx)) })
		n.onEnded(func() { stop() })
	}
	return &n.ref
}

func newNode(name string, parent *Self, sys *system, f fate, grace time.Duration, body Func) *node {
	if grace == 0 {
		grace = DefaultGrace
	}
	n := &node{name: name, parent: parent, system: sys, fate: f, grace: grace, body: body}
	n.ref.node = n
	n.runs = n.run
	n.born = sys.carrier.now()
	return n
}

// Go starts a child of the same fate: its failure ends this actor and all its
// other children at once, with that failure as the cause. A normal end means
// nothing. Children started with Go are parts of the actor: when it is stopped
// they go on serving until its body has returned, and then stop in reverse
// order. A child of an actor that has failed, or that was told to end and whose
// body has returned, never runs; its Ref says so with a [*GoneError].
func (s *Self) Go(name string, f Func) *Ref {
	return s.launch(newNode(name, s, s.node.system, linked, 0, f))
}

// launch starts a child, unless the actor is ending.
func (s *Self) launch(n *node) *Ref {
	if i := n.system.carrier.simulator(); i != nil {
		i.check()
	}
	s.mu.Lock()
	told := s.node.toldCause()
	if s.refuses(n, told) {
		s.mu.Unlock()
		n.close(&GoneError{Path: s.node.path(), Cause: told})
		return &n.ref
	}
	s.children.add(n)
	if s.group == nil {
		s.group = &group{}
		s.below = context.WithoutCancel(s)
	}
	s.node.system.carrier.spawn(s.group, n, "", n.runs)
	s.mu.Unlock()
	return &n.ref
}

// refuses says that nobody would stop or join a child that starts now. It is
// called with mu held.
func (s *Self) refuses(n *node, told error) bool {
	switch {
	case s.sealed:
		return true
	case told != nil && n.fate == kept: // the supervised ones are being stopped
		return true
	case s.bodyDone.isOpen() && n.fate == kept && (n.lasting || !n.temporary): // nobody would stop it
		return true
	case s.bodyDone.isOpen():
		return told != nil || s.children.live == 0
	}
	return false
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
// cause). It returns a [*CycleError] when the actor itself waits for the caller,
// so that neither would ever move.
func (r *Ref) Wait(ctx context.Context) error {
	if r.node.ended.isOpen() {
		return nil
	}
	on := r.node.system.carrier
	w := beginWait(ctx, &waitNote{waitsForEnd, r.node})
	defer w.leave()
	if w.suspect == nil {
		return r.node.ended.await(on, ctx, time.Time{})
	}
	return w.wait(on, func(until time.Time) error { return r.node.ended.await(on, ctx, until) })
}

// Tree returns the actor with everything below it, as it is now. It asks no
// actor anything, so one that is stuck is shown as well.
func (r *Ref) Tree() Node { return r.node.snapshot() }

// Join waits for the end of a root that [Start] started and returns what [Run]
// would. For any other actor it waits for its end and returns [Ref.Err]. It is
// meant for ordinary goroutines; actors use [Ref.Wait].
func (r *Ref) Join() error { return r.JoinContext(context.Background()) }

// JoinContext is [Ref.Join] that waits no longer than ctx, whose cause it
// returns then.
func (r *Ref) JoinContext(ctx context.Context) error {
	n := r.node
	var late <-chan struct{}
	if n.parent == nil {
		late = n.system.late.done()
	}
	select {
	case <-n.ended.done():
		if n.parent == nil {
			n.system.carrier.join(&n.system.group)
		}
		return r.Err()
	case <-late:
		return n.system.overdueError()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
