package mem

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A crowd is those who wait for a change of a state under a lock: mostly nobody
// or one. Each has a signal of its own, so that a change reaches all of them,
// and each looks at the state again by itself. The lock guards the crowd too.
type crowd struct {
	ctx     context.Context // of the tree whose carrier they wait on
	what    string          // they wait for, shown in the tree
	waiting []actor.Signal
	idle    []actor.Signal // kept for the next
}

// wait gives up the lock until the state may have changed. It returns early with
// the cause of ctx, and with [os.ErrDeadlineExceeded] at until unless that is
// zero; then, too, the caller holds the lock again.
func (c *crowd) wait(lock *sync.Mutex, ctx context.Context, until time.Time) error {
	var s actor.Signal
	if last := len(c.idle) - 1; last >= 0 {
		s, c.idle = c.idle[last], c.idle[:last]
	} else {
		s = actor.NewSignal(c.ctx, c.what)
	}
	c.waiting = append(c.waiting, s)
	lock.Unlock()
	// Deferred, because a simulation that ends unwinds who still waits in it.
	defer func() {
		lock.Lock()
		i := slices.Index(c.waiting, s)
		c.waiting = slices.Delete(c.waiting, i, i+1)
		// A wake that came too late stays in it: the next one only looks once more.
		c.idle = append(c.idle, s)
	}()
	return s.Wait(ctx, until)
}

// wake lets all of them look again. The caller holds the lock.
func (c *crowd) wake() {
	for _, s := range c.waiting {
		s.Set()
	}
}
