package actor

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

var (
	errDown = errors.New("the tree is stopped") // the cause of the orderly stop of the whole tree
	errSolo = errors.New("one is stopped")      // the cause of a stop of one actor
)

// A forest grows random trees and watches what becomes of them.
type forest struct {
	t    *testing.T
	seed uint64

	mu      sync.Mutex
	running map[*Self]bool      // bodies between their first line and their OnEnd
	began   int                 // bodies that began
	ended   int                 // calls of OnEnd
	alive   map[*node]bool      // actors that have not ended for good
	kin     map[*Self][]*member // children of an incarnation, in start order
	by      map[*node]*member
}

// A member is a child of an incarnation.
type member struct {
	node   *node
	parent *Self
}

func newForest(t *testing.T, seed uint64) *forest {
	return &forest{t: t, seed: seed, running: map[*Self]bool{}, alive: map[*node]bool{}, kin: map[*Self][]*member{}, by: map[*node]*member{}}
}

func (f *forest) wrong(format string, args ...any) {
	f.t.Errorf("seed %d: %s", f.seed, fmt.Sprintf(format, args...))
}

// enter notes that a body begins, and watches over its end.
func (f *forest) enter(self *Self) {
	m := f.meet(self.node, self.node.parent)
	f.mu.Lock()
	f.began++
	f.running[self] = true
	f.mu.Unlock()
	self.OnEnd(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.ended++
		if !f.running[self] {
			f.wrong("the OnEnd of %s was called twice", self.Path())
		}
		delete(f.running, self)
	})
	self.OnStop(func() {
		if context.Cause(self) == errDown && m != nil {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.checkOrder(m)
		}
	})
}

// meet notes a child, which may be met by its own body first, and watches over
// its end.
func (f *forest) meet(n *node, parent *Self) *member {
	f.mu.Lock()
	m := f.by[n]
	if m != nil || parent == nil {
		f.mu.Unlock()
		return m
	}
	m = &member{n, parent}
	f.by[n] = m
	f.alive[n] = true
	f.kin[parent] = append(f.kin[parent], m)
	f.mu.Unlock()
	n.onEnded(func() { f.left(n) })
	return m
}

// left checks that nothing is left below an actor that has ended for good.
func (f *forest) left(n *node) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.alive, n)
	for s := range f.running {
		if s.node == n {
			f.wrong("%s ended before its body", n.path())
		}
	}
	for parent, below := range f.kin {
		if parent.node != n {
			continue
		}
		for _, m := range below {
			if f.alive[m.node] {
				f.wrong("%s ended before its child %s", n.path(), m.node.path())
			}
		}
	}
}

// checkOrder looks at those who must have left before m is told to end, in an
// orderly stop of its parent.
func (f *forest) checkOrder(m *member) {
	n := m.node
	started := false // n itself was, of those looked at so far
	for _, sibling := range f.kin[m.parent] {
		o := sibling.node
		if o == n {
			started = true
			continue
		}
		after := false // o has to leave before n
		switch {
		case n.fate == reported:
			after = o.name > n.name // the order of a group outlasts restarts
		case n.fate == kept && o.fate == kept:
			after = started && !(n.temporary && o.temporary)
		case n.fate == linked && o.fate == linked:
			after = started
		}
		if after && f.alive[o] && !o.ended.isOpen() {
			f.wrong("%s is told to end while %s, started later, still lives", n.path(), o.path())
		}
	}
	if n.fate == linked && !m.parent.bodyDone.isOpen() {
		f.wrong("the part %s is told to end before the body above it has returned", n.path())
	}
}

// tree is the body of a random actor.
func (f *forest) tree(depth int) Func {
	return func(self *Self) error {
		f.enter(self)
		r := rand.New(rand.NewPCG(f.seed, nameHash(self.sourceName())))
		var refs []*Ref
		for i := range r.IntN(5 - depth) {
			refs = append(refs, f.child(self, r, fmt.Sprint("c", i), depth+1))
		}
		if depth == 0 {
			self.Sleep(time.Duration(r.IntN(20)) * time.Second)
			self.Ref().Stop(errDown)
			return untilTold(self)
		}
		for i := range r.IntN(4) {
			if self.Sleep(time.Duration(r.IntN(3000))*time.Millisecond) != nil {
				break
			}
			switch {
			case len(refs) > 0 && r.IntN(2) == 0:
				refs[r.IntN(len(refs))].Stop(errSolo)
			case depth < 4:
				refs = append(refs, f.child(self, r, fmt.Sprint("d", i), depth+1))
			}
		}
		return f.end(self, r)
	}
}

// end is one of the ways in which a body ends.
func (f *forest) end(self *Self, r *rand.Rand) error {
	switch n := r.IntN(20); {
	case n == 0:
		return errBoom
	case n == 1:
		return thisPanics()
	case n == 2 && self.node.system.carrier.simulator() == nil:
		runtime.Goexit()
	case n < 6:
		return nil
	}
	if r.IntN(2) == 0 {
		return f.serve(self, r)
	}
	untilTold(self)
	return onTheWayDown(r)
}

func onTheWayDown(r *rand.Rand) error {
	switch r.IntN(20) {
	case 0:
		return thisPanics()
	case 1:
		return errBoom
	}
	return nil
}

// serve is untilTold for an actor that rests most of the time.
func (f *forest) serve(self *Self, r *rand.Rand) error {
	const told = -1
	box := NewMailbox(self, 1, StopAs(told))
	box.TryPut(0)
	return box.Serve(Next(r.IntN(2)), func(n int) (Next, error) {
		switch {
		case n == told:
			return Over, onTheWayDown(r)
		case n == 5 && r.IntN(10) == 0:
			return Over, errBoom
		case n == 5 && r.IntN(10) == 0:
			return Over, thisPanics()
		case n < 5:
			After(self, box, time.Duration(r.IntN(3000))*time.Millisecond, n+1)
		}
		return Next(r.IntN(2)), nil
	})
}

// child starts a random child.
func (f *forest) child(self *Self, r *rand.Rand, name string, depth int) *Ref {
	if depth > 4 {
		depth = 4
	}
	restart := Restart{When: When(r.IntN(3)), Max: 1 + r.IntN(5), Backoff: time.Duration(r.IntN(2)) * time.Second}
	var ref *Ref
	switch r.IntN(6) {
	case 0:
		ref = self.Go(name, f.tree(depth))
	case 1:
		var children []Child
		for i := range 1 + r.IntN(3) {
			children = append(children, Child{Name: fmt.Sprint("g", i), When: When(r.IntN(3)), Run: f.tree(depth)})
		}
		ref = self.SuperviseGroup(name, Strategy(r.IntN(3)), restart, children...)
	case 2:
		ctx, cancel := self.WithTimeout(time.Duration(r.IntN(5)) * time.Second)
		self.OnEnd(cancel)
		ref = Start(ctx, name, f.tree(depth))
	default:
		ref = self.Supervise(name, restart, f.tree(depth))
	}
	f.meet(ref.node, self)
	return ref
}

// grown checks a tree that has ended with err.
func (f *forest) grown(err error) {
	var overdue *OverdueError
	if errors.As(err, &overdue) {
		f.wrong("somebody was late: %v", err)
	}
	for s := range f.running {
		f.wrong("the body of %s is left", s.Path())
	}
	if f.began != f.ended {
		f.wrong("%d bodies, %d calls of OnEnd", f.began, f.ended)
	}
}

func TestRandomTreesEndInOrderAndLeaveNothing(t *testing.T) {
	seeds := 300
	if raceDetector {
		seeds = 60
	}
	t.Run("goroutines", func(t *testing.T) {
		bodies := 0
		for seed := range uint64(seeds) {
			synctest.Test(t, func(t *testing.T) {
				f := newForest(t, seed)
				f.grown(Run(context.Background(), "root", f.tree(0)))
				bodies += f.began
			})
			if t.Failed() {
				return
			}
		}
		t.Logf("%d bodies", bodies)
	})
	t.Run("simulation", func(t *testing.T) {
		bodies := 0
		for seed := range uint64(seeds) {
			f := newForest(t, seed)
			f.grown(NewScheduler(seed, nil).Run(context.Background(), "root", f.tree(0)))
			bodies += f.began
			if t.Failed() {
				return
			}
		}
		t.Logf("%d bodies", bodies)
		goleak.VerifyNone(t)
	})
}
