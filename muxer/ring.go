package muxer

// FairShare is the largest body, in bytes, that a stream may send in one turn
// while other streams wait for theirs. A share of 16 KiB keeps the wait of a
// small message behind a hundred busy streams under 2 MiB of traffic, and is
// within the frame size that every known muxer accepts.
const FairShare = 16 << 10

// A Ring is the waiting streams in the order of their turns: a stream joins at
// the end, the first has the turn, and whoever has had it goes to the end. All
// operations take constant time and allocate nothing. The zero value is an
// empty ring.
//
// The ring links the seats that the streams themselves hold, so a stream that
// ends leaves from the middle as cheaply as from the front.
type Ring[S any] struct {
	first *Seat[S]
	len   int
}

// A Seat is one stream's place in a [Ring]. The stream holds the seat by value
// and must not be copied while it is seated.
type Seat[S any] struct {
	// Of is whose seat this is. Set it once, before the first Join.
	Of S

	ring       *Ring[S]
	next, prev *Seat[S]
}

// Seated reports whether the seat is in a ring.
func (s *Seat[S]) Seated() bool { return s.ring != nil }

// Join puts the seat at the end of the ring. A seat that is in the ring already
// keeps its place. A seat of another ring is a mistake of the caller and panics.
func (r *Ring[S]) Join(seat *Seat[S]) {
	if seat.ring == r {
		return
	}
	if seat.ring != nil {
		panic("muxer: a seat joins a second ring")
	}
	seat.ring = r
	if r.first == nil {
		seat.next, seat.prev = seat, seat
		r.first = seat
	} else {
		last := r.first.prev
		seat.prev, seat.next = last, r.first
		last.next, r.first.prev = seat, seat
	}
	r.len++
}

// Leave takes the seat out of the ring; the order of the others stays. A seat
// that is not in the ring is left alone.
func (r *Ring[S]) Leave(seat *Seat[S]) {
	if seat.ring != r {
		return
	}
	if r.len == 1 {
		r.first = nil
	} else {
		seat.prev.next, seat.next.prev = seat.next, seat.prev
		if r.first == seat {
			r.first = seat.next
		}
	}
	seat.ring, seat.next, seat.prev = nil, nil, nil
	r.len--
}

// First returns the stream whose turn it is. It panics on an empty ring.
func (r *Ring[S]) First() S { return r.first.Of }

// Turn ends the turn of the first stream, which goes to the end.
func (r *Ring[S]) Turn() {
	if r.first != nil {
		r.first = r.first.next
	}
}

// Len returns how many streams are in the ring.
func (r *Ring[S]) Len() int { return r.len }

// Share returns the largest body, in bytes, that the first stream may send in
// this turn, when one frame may hold frame bytes: all of it for a stream that
// is alone, at most [FairShare] when others wait.
func (r *Ring[S]) Share(frame int) int {
	if r.len > 1 {
		return min(frame, FairShare)
	}
	return frame
}

// minCut is the smallest body, in bytes, that is cut off a larger one to fill a
// batch.
const minCut = 256

// Cut returns how many of n body bytes go into a frame, when room bytes are left
// behind its head; 0 means that the room is better left empty. A body that does
// not fit is cut, but to no scrap: its head and its handling at both ends would
// cost more than it carries. Only the first frame of a batch is cut however small
// the room, so that any room makes progress.
func Cut(n, room int, first bool) int {
	switch {
	case n <= room:
		return n
	case room < 1, room < minCut && !first:
		return 0
	}
	return room
}
