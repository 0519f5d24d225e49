package actor

import (
	"context"
	"sync"
	"time"
)

// A latch opens once, for all who wait. Its channel is made only when somebody
// asks for it, because most actors end unwatched.
type latch struct {
	mu   sync.Mutex
	c    chan struct{} // nil until asked for; [opened] once the latch is open
	wait *latchWait
}

// latchWait is one who waits at a parking.
type latchWait struct {
	place parking
	next  *latchWait
}

var opened = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (l *latch) release() {
	l.mu.Lock()
	if l.c == opened {
		l.mu.Unlock()
		return
	}
	if l.c != nil {
		close(l.c)
	}
	l.c = opened
	waiting := l.wait
	l.wait = nil
	l.mu.Unlock()
	for w := waiting; w != nil; w = w.next {
		w.place.wake()
	}
}

func (l *latch) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.c == opened
}

// done returns a channel that is closed when the latch opens.
func (l *latch) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.c == nil {
		l.c = make(chan struct{})
	}
	return l.c
}

// await waits on the given carrier until the latch opens (nil), ctx is done or
// the time has come.
func (l *latch) await(on carrier, ctx context.Context, until time.Time) error {
	if l.isOpen() {
		return nil
	}
	return l.awaitAt(on.parking(), ctx, until)
}

// awaitAt waits at a place that others may wake as well; then it returns nil
// although the latch is closed.
func (l *latch) awaitAt(p parking, ctx context.Context, until time.Time) error {
	l.mu.Lock()
	if l.c == opened {
		l.mu.Unlock()
		return nil
	}
	w := &latchWait{p, l.wait}
	l.wait = w
	l.mu.Unlock()
	defer l.leave(w)
	err := p.wait(ctx, until)
	if err != nil && l.isOpen() {
		return nil
	}
	return err
}

func (l *latch) leave(w *latchWait) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for at := &l.wait; *at != nil; at = &(*at).next {
		if *at == w {
			*at = w.next
			return
		}
	}
}
