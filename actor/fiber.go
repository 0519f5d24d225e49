package actor

import (
	"iter"
	"sync"
)

// A fiber is a coroutine that runs one task after the other: most tasks are over
// soon, and a coroutine costs more than they do.
type fiber struct {
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	task  *task // that it runs; nil: it is free
	over  bool  // it was stopped
}

// fibers are those that are free. All islands share them.
type fibers struct {
	mu   sync.Mutex // guards list
	list []*fiber
}

// maxIdle is how many free fibers are kept.
const maxIdle = 128

// fiber returns one that is free.
func (s *Scheduler) fiber() *fiber {
	s.idle.mu.Lock()
	defer s.idle.mu.Unlock()
	if last := len(s.idle.list) - 1; last >= 0 {
		f := s.idle.list[last]
		s.idle.list = s.idle.list[:last]
		return f
	}
	f := &fiber{}
	f.next, f.stop = iter.Pull(func(yield func(struct{}) bool) {
		f.yield = yield
		for {
			if f.task.island.sched.options.Check {
				f.task.home = goroutine()
			}
			swallowKill(f.task.run)
			f.task = nil
			if f.over || !yield(struct{}{}) || f.task == nil {
				return
			}
		}
	})
	return f
}

// keep takes a fiber back whose task is over.
func (s *Scheduler) keep(f *fiber) {
	s.idle.mu.Lock()
	full := f.over || len(s.idle.list) >= maxIdle
	if !full {
		s.idle.list = append(s.idle.list, f)
	}
	s.idle.mu.Unlock()
	if full {
		f.stop()
	}
}

// release ends those that are free.
func (l *fibers) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.list {
		f.stop()
	}
	l.list = nil
}
