package actor

import "context"

// waitOn notes in the tree that the actor of ctx waits for another one, and
// follows what that one waits for. If the way leads back, nobody on it would
// ever move: the caller gets a CycleError instead. Each actor notes its own wait
// before it looks, so of two that close a cycle at once, one sees it.
func waitOn(ctx context.Context, what string, on *node) (leave func(), err error) {
	s := selfOf(ctx)
	if s == nil {
		return func() {}, nil
	}
	n := s.node
	n.waiting(&waitNote{what, on})
	paths := []string{n.path()}
	for next := on; next != nil; {
		paths = append(paths, next.path())
		if next == n {
			n.waiting(nil)
			return nil, &CycleError{Paths: paths}
		}
		w := next.wait.Load()
		if w == nil || len(paths) > maxChain {
			break
		}
		next = w.on
	}
	return func() { n.waiting(nil) }, nil
}

// maxChain bounds the search; a chain of waits this long is no cycle through
// the caller, but one that others will find.
const maxChain = 1000
