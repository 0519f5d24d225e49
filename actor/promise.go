package actor

import (
	"context"
	"sync/atomic"
	"time"
)

// A Promise is how somebody who has just been started tells those who wait for
// it how its beginning went: once, and for good.
//
// Whoever starts makes the promise, starts, and waits; the body keeps it when it
// is ready, or when it knows that it never will be:
//
//	ready := actor.NewPromise(parent, "the start of the book")
//	ref := parent.Supervise("book", restart, func(self *actor.Self) error {
//		self.OnEnd(func() { ready.Keep(actor.ErrStopped) }) // if it never got there
//		…
//		ready.Keep(nil)
//		…
//	})
//	if err := ref.Err(); err != nil {
//		return err // it was not started, and nobody will keep the promise
//	}
//	return ready.Wait(parent)
//
// A promise that nobody keeps is waited for until the context of the wait ends.
type Promise struct {
	signal Signal
	given  atomic.Bool // somebody keeps it
	kept   atomic.Bool // err may be read
	err    error
}

// NewPromise returns a promise on the carrier of the actor that ctx belongs to.
// what says in the tree what an actor that waits for it waits for, for example
// "the start of the book".
func NewPromise(ctx context.Context, what string) *Promise {
	return &Promise{signal: NewSignal(ctx, what)}
}

// Keep keeps the promise: nil says that all went well. The first time counts,
// later ones are ignored: so a body that is restarted need not know that it is.
// It may be called by anybody and never waits.
func (p *Promise) Keep(err error) {
	if p.given.Swap(true) {
		return
	}
	p.err = err
	p.kept.Store(true)
	p.signal.Set()
}

// Kept reports whether the promise has been kept.
func (p *Promise) Kept() bool { return p.kept.Load() }

// Err is what the promise was kept with; nil as well while it is not kept. It
// does not wait.
func (p *Promise) Err() error {
	if !p.kept.Load() {
		return nil
	}
	return p.err
}

// Wait blocks until the promise is kept, and returns what it was kept with; or
// until ctx is done, and returns its cause. Any number may wait.
func (p *Promise) Wait(ctx context.Context) error {
	for !p.kept.Load() {
		if err := p.signal.Wait(ctx, time.Time{}); err != nil {
			return err
		}
	}
	p.signal.Set() // for others who wait
	return p.err
}

// WaitUntil is [Promise.Wait] with a deadline that may be moved while it waits,
// see [Promise.Look]; a zero time means never. It returns
// [os.ErrDeadlineExceeded] when that has come.
func (p *Promise) WaitUntil(ctx context.Context, deadline func() time.Time) error {
	for !p.kept.Load() {
		until := deadline()
		err := p.signal.Wait(ctx, until)
		if err != nil && (ctx.Err() != nil || until.Equal(deadline())) {
			return err
		}
	}
	p.signal.Set() // for others who wait
	return p.err
}

// Look has one of those in [Promise.WaitUntil] look at its deadline again.
func (p *Promise) Look() { p.signal.Set() }
