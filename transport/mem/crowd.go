package mem

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A Crowd is those who wait for a change of a state under a lock: mostly nobody
// or one. Each has a signal of its own, so that a change reaches all of them,
// and each looks at the state again by itself. The lock guards the crowd too.
// The ends of connections are built with it, here and in simulated networks.
type Crowd struct {
	ctx     context.Context // of the tree whose carrier they wait on
	what    string          // they wait for, shown in the tree
	waiting []actor.Signal
	idle    []actor.Signal // kept for the next
}

// NewCrowd returns a crowd of nobody. ctx says on which carrier they will wait,
// what is shown in the tree: what they wait for.
func NewCrowd(ctx context.Context, what string) Crowd { return Crowd{ctx: ctx, what: what} }

// Wait gives up the lock until the state may have changed. It returns early with
// the cause of ctx, and with [os.ErrDeadlineExceeded] at until unless that is
// zero; then, too, the caller holds the lock again.
func (c *Crowd) Wait(lock *sync.Mutex, ctx context.Context, until time.Time) error {
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

// Wake lets all of them look again. The caller holds the lock.
func (c *Crowd) Wake() {
	for _, s := range c.waiting {
		s.Set()
	}
}
