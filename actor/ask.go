package actor

import (
	"context"
	"sync/atomic"
	"time"
)

// An Ask is a message that wants an answer. The receiver answers once, from any
// goroutine, without waiting.
type Ask[Q, A any] struct {
	Q     Q
	reply *reply[A]
}

type reply[A any] struct {
	given atomic.Bool
	ready Signal
	value A
	err   error
	done  atomic.Bool
}

func (r *reply[A]) give(a A, err error) {
	if r == nil || r.given.Swap(true) {
		return
	}
	r.value, r.err = a, err
	r.done.Store(true)
	r.ready.Set()
}

// Answer answers. The first answer counts; later ones, and answers that nobody
// waits for any more, are dropped.
func (k Ask[Q, A]) Answer(a A, err error) { k.reply.give(a, err) }

// Undelivered answers with the reason why the receiver never will.
func (k Ask[Q, A]) Undelivered(reason error) {
	var none A
	k.reply.give(none, reason)
}

// Call puts the question q into the mailbox, wrapped as a message, and waits for
// the answer. It always ends: with the answer, with the cause of ctx, or with a
// [*GoneError] when the receiver ends, whether the question still waited in its
// mailbox or was in its hands. Further errors are those of [Mailbox.Put].
func Call[Q, A, M any](ctx context.Context, m *Mailbox[M], wrap func(Ask[Q, A]) M, q Q) (A, error) {
	var none A
	r := &reply[A]{ready: NewSignal(m.owner, "an answer")}
	if err := m.Put(ctx, wrap(Ask[Q, A]{Q: q, reply: r})); err != nil {
		return none, err
	}
	leave, err := waitOn(ctx, "an answer of", m.owner.node)
	if err != nil {
		return none, err
	}
	defer leave()
	if m.sim != nil {
		err = m.ended.join(r.ready.place, func() error { return r.ready.Wait(ctx, time.Time{}) })
	} else {
		select {
		case <-r.ready.place.(slot):
		case <-m.ended.done():
		case <-ctx.Done():
			err = context.Cause(ctx)
		}
	}
	switch {
	case r.done.Load():
		return r.value, r.err
	case err != nil:
		return none, err
	}
	return none, m.gone()
}
