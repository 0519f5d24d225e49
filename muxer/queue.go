package muxer

// A Queue is what waits to be sent in the order in which it came, within a limit
// that each Add states: answers that a remote makes this end owe, so that one
// that never reads them is noticed. It takes memory only while something waits.
// The zero value is an empty queue.
type Queue[T any] struct {
	items []T
	gone  int // how many of items, from the front, have been dropped
}

// Len returns how many items wait.
func (q *Queue[T]) Len() int { return len(q.items) - q.gone }

// First returns the oldest item. It panics on an empty queue.
func (q *Queue[T]) First() T { return q.items[q.gone] }

// All returns the items, the oldest first. They are valid until the next Add or
// Drop.
func (q *Queue[T]) All() []T { return q.items[q.gone:] }

// Drop takes the oldest item out, and gives the memory back after the last one.
func (q *Queue[T]) Drop() {
	if q.gone++; q.gone == len(q.items) {
		q.items, q.gone = nil, 0
	}
}

// Add puts an item at the end and reports whether fewer than limit were there.
func (q *Queue[T]) Add(item T, limit int) bool {
	if q.Len() >= limit {
		return false
	}
	if q.gone > 0 && len(q.items) == cap(q.items) {
		q.items = q.items[:copy(q.items, q.items[q.gone:])]
		q.gone = 0
	}
	q.items = append(q.items, item)
	return true
}
