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
	open bool
	c    chan struct{}
	wait []parking
}

var opened = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func (l *latch) release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return
	}
	l.open = true
	if l.c != nil {
		close(l.c)
	}
	for _, p := range l.wait {
		p.wake()
	}
	l.wait = nil
}

func (l *latch) isOpen() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}

// done returns a channel that is closed when the latch opens.
func (l *latch) done() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return opened
	}
	if l.c == nil {
		l.c = make(chan struct{})
	}
	return l.c
}

// await waits on the given carrier until the latch opens, ctx is done or the
// time has come.
func (l *latch) await(on carrier, ctx context.Context, until time.Time) error {
	l.mu.Lock()
	if l.open {
		l.mu.Unlock()
		return nil
	}
	p := on.parking()
	l.wait = append(l.wait, p)
	l.mu.Unlock()
	err := p.wait(ctx, until)
	if err != nil {
		l.leave(p)
	}
	return err
}

func (l *latch) leave(p parking) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, q := range l.wait {
		if q == p {
			l.wait = append(l.wait[:i], l.wait[i+1:]...)
			return
		}
	}
}

// join runs wait, which waits at the place p, so that it is also woken when the
// latch opens.
func (l *latch) join(p parking, wait func() error) error {
	l.mu.Lock()
	if l.open {
		l.mu.Unlock()
		return nil
	}
	l.wait = append(l.wait, p)
	l.mu.Unlock()
	err := wait()
	l.leave(p)
	return err
}
