package actor

import (
	"bytes"
	"context"
	"fmt"
	"runtime/pprof"
	"strings"
	"time"
)

// Stop tells the actor to end in order and returns at once: its supervised
// children stop first, the last started first, while its body still serves
// them; then its body; then the parts that [Self.Go] started. Who is late is
// named in the tree, and by [Ref.Join] and [Run]. A nil cause stands for
// [ErrStopped].
func (r *Ref) Stop(cause error) {
	if cause == nil {
		cause = ErrStopped
	}
	n := r.node
	n.tell(cause)
	n.beside(func() error {
		n.stop(cause)
		return nil
	})
}

// beside runs f as a member of the group that n itself is a member of, if n has
// not ended yet.
func (n *node) beside(f func() error) {
	if p := n.parent; p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if n == p.children.first || n.prev != nil {
			n.carrier.spawn(p.group, nil, f)
		}
		return
	}
	n.system.mu.Lock()
	defer n.system.mu.Unlock()
	if !n.system.over {
		n.carrier.spawn(&n.system.group, nil, f)
	}
}

// stop ends n in order. It waits for each actor below at most its grace and
// reports whoever is late.
func (n *node) stop(cause error) {
	n.tell(cause)
	forever := context.Background()
	if s := n.self.Load(); s != nil {
		s.stopSupervised(cause)
		s.end(cause)
		until := n.carrier.now().Add(n.grace)
		if s.bodyDone.await(n.carrier, forever, until) != nil {
			n.isOverdue()
			n.stopIsOver()
			return
		}
		s.stopParts(cause)
	}
	if n.ended.await(n.carrier, forever, n.carrier.now().Add(n.grace)) != nil {
		n.stopIsOver()
	}
}

// stopIsOver lets the root's Join return although somebody is late.
func (n *node) stopIsOver() {
	if n.parent == nil {
		n.system.late.release()
	}
}

// stopSupervised stops the supervised children: restartable ones one by one, the
// last started first; temporary ones (streams, connections: pools without an
// order of their own) together.
func (s *Self) stopSupervised(cause error) {
	tried := make(map[*node]bool)
	for {
		var pool []*node
		s.mu.Lock()
		for c := s.children.last; c != nil; c = c.prev {
			if c.fate != kept || tried[c] {
				continue
			}
			if !c.temporary && len(pool) > 0 {
				break
			}
			pool = append(pool, c)
			tried[c] = true
			if !c.temporary {
				break
			}
		}
		s.mu.Unlock()
		if len(pool) == 0 {
			return
		}
		stopAll(pool, cause)
	}
}

// stopParts stops what [Self.Go] started, after the body has returned.
func (s *Self) stopParts(cause error) {
	tried := make(map[*node]bool)
	for {
		s.mu.Lock()
		c := s.children.last
		for c != nil && (c.fate == kept || tried[c]) {
			c = c.prev
		}
		s.mu.Unlock()
		if c == nil {
			return
		}
		tried[c] = true
		c.stop(cause)
	}
}

// stopAll stops the given siblings at the same time and returns when each has
// ended or is late.
func stopAll(pool []*node, cause error) {
	if len(pool) == 1 {
		pool[0].stop(cause)
		return
	}
	over := make([]latch, len(pool))
	for i, c := range pool {
		c.tell(cause)
		c.beside(func() error {
			defer over[i].release()
			c.stop(cause)
			return nil
		})
	}
	for i, c := range pool {
		if c.ended.isOpen() {
			continue
		}
		over[i].await(c.carrier, context.Background(), time.Time{})
	}
}

// watchAborted reports who has not left a failed fate group within its grace.
func (n *node) watchAborted(s *Self) {
	s.mu.Lock()
	nobody := s.children.live == 0 && s.bodyDone.isOpen()
	s.mu.Unlock()
	if nobody {
		return
	}
	alarm := n.carrier.after(n.grace, func() {
		if n.ended.isOpen() {
			return
		}
		s.reportLate()
		n.stopIsOver()
	})
	n.onEnded(func() { alarm.Stop() })
}

func (s *Self) reportLate() {
	if !s.bodyDone.isOpen() {
		s.node.isOverdue()
	}
	var below []*Self
	s.mu.Lock()
	for c := s.children.first; c != nil; c = c.next {
		if child := c.self.Load(); child != nil {
			below = append(below, child)
		}
	}
	s.mu.Unlock()
	for _, child := range below {
		child.reportLate()
	}
}

// isOverdue marks the actor in the tree and notes where it stands.
func (n *node) isOverdue() {
	n.mu.Lock()
	known := n.overdue
	n.overdue = true
	state := n.state
	n.mu.Unlock()
	if known {
		return
	}
	if w := n.wait.Load(); w != nil {
		state = strings.TrimPrefix(fmt.Sprintf("%s, waits for %s", state, w.what), ", ")
	}
	late := Overdue{Path: n.path(), State: state, Grace: n.grace}
	if n.carrier.simulator() == nil {
		late.Stack = stackOf(late.Path)
	}
	n.system.mu.Lock()
	defer n.system.mu.Unlock()
	if len(n.system.overdue) < maxFailures {
		n.system.overdue = append(n.system.overdue, late)
	}
}

func (sys *system) overdueError() error {
	sys.mu.Lock()
	defer sys.mu.Unlock()
	e := &OverdueError{Overdue: append([]Overdue(nil), sys.overdue...)}
	if s := sys.root.self.Load(); s != nil {
		s.mu.Lock()
		e.Cause = s.failure
		s.mu.Unlock()
	}
	return e
}

// stackOf finds the stack of the goroutine whose pprof label carries the path.
func stackOf(path string) string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return ""
	}
	label := fmt.Sprintf("%q:%q", "actor", path)
	for record := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(record, label) {
			return record
		}
	}
	return ""
}
