package actor

import "sync/atomic"

// A Reserved is room for a fixed number of messages in a mailbox, taken in
// advance: for those who must not wait and whose messages must not be lost. It
// is how an actor hears of something that ends, from whatever goroutine ends it.
type Reserved[M any] struct {
	box  *Mailbox[M]
	left atomic.Int32
}

// Reserve takes room for the given number of messages.
func Reserve[M any](m *Mailbox[M], messages int) *Reserved[M] {
	r := &Reserved[M]{box: m}
	r.left.Store(int32(messages))
	return r
}

// Put uses one of the places; it never waits. It reports whether there was one
// left. A message for an owner that has ended is released as always.
func (r *Reserved[M]) Put(v M) bool {
	if r.left.Add(-1) < 0 {
		return false
	}
	r.box.push(v)
	return true
}
