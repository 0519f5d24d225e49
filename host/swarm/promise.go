package swarm

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A promise is how a child tells the actor that has just started it, and waits,
// how its beginning went.
type promise struct {
	signal actor.Signal
	given  atomic.Bool
	err    error
}

func newPromise(ctx context.Context, what string) *promise {
	return &promise{signal: actor.NewSignal(ctx, what)}
}

// give keeps the promise; the first time counts.
func (p *promise) give(err error) {
	if p.given.Load() {
		return
	}
	p.err = err
	p.given.Store(true)
	p.signal.Set()
}

// wait blocks until the promise is kept, or ctx is done (its cause).
func (p *promise) wait(ctx context.Context) error {
	for !p.given.Load() {
		if err := p.signal.Wait(ctx, time.Time{}); err != nil {
			return err
		}
	}
	return p.err
}
