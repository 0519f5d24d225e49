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
	s := n.self.Load()
	switch {
	case s == nil && n.parent != nil:
		return // it has not begun, and will see that it has been told
	case s != nil && s.endAlone(cause):
		return
	}
	n.beside(func() error {
		n.stop(cause)
		return nil
	})
}

// endAlone tells an actor without supervised children to end, which takes
// nobody to wait for it: it stops its parts itself, and a timer reports it when
// it is late. It says no where more is needed.
func (s *Self) endAlone(cause error) bool {
	n := s.node
	if n.parent == nil || n.patient {
		return false
	}
	s.mu.Lock()
	for c := s.children.first; c != nil; c = c.next {
		if c.fate == kept {
			s.mu.Unlock()
			return false
		}
	}
	if s.closed || s.alarm != nil {
		s.mu.Unlock()
		return false
	}
	s.alone = true
	s.alarm = n.system.carrier.after(n.grace, func() {
		if !s.bodyDone.isOpen() {
			n.isOverdue()
		}
	})
	s.mu.Unlock()
	s.end(cause)
	return true
}

// beside runs f as a member of the group that n itself is a member of. It
// reports whether n was still there.
func (n *node) beside(f func() error) bool {
	on := n.system.carrier
	run := func() error {
		if on.simulator() == nil {
			pprof.SetGoroutineLabels(context.Background()) // not those of who asked
		}
		return f()
	}
	if p := n.parent; p != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if n != p.children.first && n.prev == nil {
			return false
		}
		on.spawn(p.group, n, "stop of", run)
		return true
	}
	n.system.mu.Lock()
	defer n.system.mu.Unlock()
	if n.system.over {
		return false
	}
	on.spawn(&n.system.group, n, "stop of", run)
	return true
}

// stop ends n in order: its supervised children, its body, its parts. It waits
// for each of them at most its grace, and reports whether somebody is late.
func (n *node) stop(cause error) (late bool) {
	n.tell(cause)
	s := n.self.Load()
	if s != nil {
		late = s.stopSupervised(cause)
		s.end(cause)
	}
	return n.awaitEnd(s, cause, n.system.carrier.now().Add(n.grace), late)
}

// awaitEnd waits for the end of the body, until the given time, stops its parts
// and waits for the end of all, unless somebody below is late already.
func (n *node) awaitEnd(s *Self, cause error, until time.Time, late bool) bool {
	on, forever := n.system.carrier, context.Background()
	if s != nil {
		if n.patient {
			until = time.Time{}
		}
		if s.bodyDone.await(on, forever, until) != nil {
			n.isOverdue()
			n.stopIsOver()
			return true
		}
		late = s.stopParts(cause) || late
	}
	if late || n.ended.await(on, forever, on.now().Add(n.grace)) != nil {
		n.stopIsOver()
		return true
	}
	return false
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
func (s *Self) stopSupervised(cause error) (late bool) {
	return s.stopThose(cause, func(c *node) bool { return c.fate == kept })
}

// stopLasting stops the supervised children that do not end by themselves, and
// leaves the temporary ones to come to their end.
func (s *Self) stopLasting(cause error) (late bool) {
	return s.stopThose(cause, func(c *node) bool { return c.fate == kept && (c.lasting || !c.temporary) })
}

// stopThose is stopSupervised for the children chosen.
func (s *Self) stopThose(cause error, chosen func(*node) bool) (late bool) {
	var tried map[*node]bool
	for {
		var pool []*node
		s.mu.Lock()
		for c := s.children.last; c != nil; c = c.prev {
			if !chosen(c) || tried[c] {
				continue
			}
			if !c.temporary && len(pool) > 0 {
				break
			}
			pool = append(pool, c)
			if !c.temporary {
				break
			}
		}
		s.mu.Unlock()
		if len(pool) == 0 {
			return late
		}
		if tried == nil {
			tried = make(map[*node]bool)
		}
		for _, c := range pool {
			tried[c] = true
		}
		late = stopAll(pool, cause) || late
	}
}

// stopParts stops what [Self.Go] started, after the body has returned.
func (s *Self) stopParts(cause error) (late bool) {
	var tried map[*node]bool
	for {
		s.mu.Lock()
		c := s.children.last
		for c != nil && (c.fate != linked || tried[c]) {
			c = c.prev
		}
		s.mu.Unlock()
		if c == nil {
			return late
		}
		if tried == nil {
			tried = make(map[*node]bool)
		}
		tried[c] = true
		late = c.stop(cause) || late
	}
}

// stopAll stops the given siblings at the same time and returns when each has
// ended or is late. Those with children of their own need somebody to wait for
// them; the others need only be told.
func stopAll(pool []*node, cause error) (late bool) {
	if len(pool) == 1 {
		return pool[0].stop(cause)
	}
	on := pool[0].system.carrier
	var leaves, others []*node
	for _, c := range pool {
		c.tell(cause)
		if s := c.self.Load(); s != nil && s.endLeaf(cause) {
			leaves = append(leaves, c)
		} else {
			others = append(others, c)
		}
	}
	began := on.now()
	over := make([]latch, len(others))
	verdicts := make([]bool, len(others))
	for i, c := range others {
		there := c.beside(func() error {
			defer over[i].release()
			verdicts[i] = c.stop(cause)
			return nil
		})
		if !there {
			over[i].release()
		}
	}
	for _, c := range leaves {
		late = c.awaitEnd(c.self.Load(), cause, began.Add(c.grace), false) || late
	}
	for i := range others {
		over[i].await(on, context.Background(), time.Time{})
		late = verdicts[i] || late
	}
	return late
}

// endLeaf tells an actor without children to end.
func (s *Self) endLeaf(cause error) bool {
	s.mu.Lock()
	leaf := s.children.live == 0
	s.mu.Unlock()
	if leaf {
		s.end(cause)
	}
	return leaf
}

// watchAborted has those reported who have not left a failed fate group within
// its grace.
func (s *Self) watchAborted() {
	n := s.node
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.joined || (s.closed && s.children.live == 0) {
		return
	}
	if s.alarm != nil {
		s.alarm.Stop()
	}
	s.alarm = n.system.carrier.after(n.grace, func() {
		s.reportLate()
		n.stopIsOver()
	})
}

// reportLate names everybody from s on down whose body has not returned.
func (s *Self) reportLate() {
	if !s.bodyDone.isOpen() {
		s.node.isOverdue()
	}
	s.mu.Lock()
	below := s.children.all()
	s.mu.Unlock()
	for _, c := range below {
		if child := c.self.Load(); child != nil {
			child.reportLate()
		}
	}
}

// isOverdue marks the actor in the tree and notes where it stands.
func (n *node) isOverdue() {
	n.mu.Lock()
	known, state := n.overdue, n.state
	n.mu.Unlock()
	if known {
		return
	}
	if w := n.wait.Load(); w != nil {
		state = strings.TrimPrefix(fmt.Sprintf("%s, waits for %s", state, w.what), ", ")
	}
	late := Overdue{Path: n.path(), State: state, Grace: n.grace}
	if n.system.carrier.simulator() == nil {
		late.Stack = stackOf(late.Path)
	}
	// Two may get here at once; when either returns, the report is there.
	n.system.mu.Lock()
	if !n.reported && len(n.system.overdue) < maxFailures {
		n.system.overdue = append(n.system.overdue, late)
	}
	n.reported = true
	n.system.mu.Unlock()
	n.mu.Lock()
	n.overdue = true
	n.mu.Unlock()
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

// stackOf finds the stack of the actor's goroutine, by the pprof label that
// carries the path. A goroutine that the actor's body started itself has the same
// label; it does not stand on the runtime.
func stackOf(path string) string {
	var all bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&all, 1); err != nil {
		return ""
	}
	label := fmt.Sprintf("%q:%q", "actor", path)
	for record := range strings.SplitSeq(all.String(), "\n\n") {
		if strings.Contains(record, label) && strings.Contains(record, "actor.(*node).run") {
			return record
		}
	}
	return ""
}
