package actor

import (
	"context"
	"time"
)

// A Signal wakes whoever waits on it, and remembers one wake when nobody does.
// It is what lanes are built from: state under a short lock beside a Signal
// that says "look again".
//
// Set may be called by anybody and never waits. Of several who wait, one is
// woken by each Set; a state that concerns all of them (closed, a new deadline)
// is passed on by calling Set again before leaving.
type Signal struct {
	place parking
	note  *waitNote
}

// NewSignal returns a signal on the carrier of the actor that ctx belongs to.
// what says in the tree what an actor that waits on it waits for, for example
// "bytes to read".
func NewSignal(ctx context.Context, what string) Signal {
	return carrierOf(ctx).signal(what)
}

// Set wakes one waiter, or the next one that comes.
func (s Signal) Set() { s.place.wake() }

// Wait blocks until the signal is set, ctx is done (its cause is returned) or
// the time until has come ([os.ErrDeadlineExceeded]); a zero until means never.
func (s Signal) Wait(ctx context.Context, until time.Time) error {
	if self, ok := ctx.(*Self); ok {
		self.node.waiting(s.note)
		defer self.node.waiting(nil)
	}
	return s.place.wait(ctx, until)
}
