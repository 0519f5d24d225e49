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
	ready parking
	value A
	err   error
	done  atomic.Bool
	note  waitNote
}

func (r *reply[A]) give(a A, err error) {
	if r == nil || r.given.Swap(true) {
		return
	}
	r.value, r.err = a, err
	r.done.Store(true)
	r.ready.wake()
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
	r := &reply[A]{ready: m.owner.node.system.carrier.parking(), note: waitNote{waitsForAnswer, m.owner.node}}
	if err := m.Put(ctx, wrap(Ask[Q, A]{Q: q, reply: r})); err != nil {
		return none, err
	}
	w := beginWait(ctx, &r.note)
	defer w.leave()
	err := r.await(ctx, m.owner.node.system.carrier, &m.ended, &w)
	switch {
	case r.done.Load():
		return r.value, r.err
	case err != nil:
		return none, err
	}
	return none, m.gone()
}

// await waits for the answer, or for the end of who should give it.
func (r *reply[A]) await(ctx context.Context, on carrier, end *latch, w *waiter) error {
	answered, ok := r.ready.(slot)
	if !ok || w.suspect != nil {
		return w.wait(on, func(until time.Time) error { return end.awaitAt(r.ready, ctx, until) })
	}
	select {
	case <-answered:
		return nil
	case <-end.done():
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
