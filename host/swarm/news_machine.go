package swarm

import (
	"slices"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// news is what one subscriber has still to hear. It is pure: events in with add,
// events out with next.
//
//	           more than limit wait
//	in order ────────────────────────▶ differences
//	    ▲                                  │ Missed, then for each peer what has
//	    └──────────────────────────────────┘ changed since it was told: none left
//
// While the subscriber keeps up it gets every event, in order. When more than
// limit wait they are dropped, and it gets the differences between what it was
// told and what is so: at most a few events for each connection that it knows of
// or that is open, whatever happened in between. So the memory is bounded, and
// the subscriber's picture is right in the end.
type news struct {
	limit int

	log  []Event // in order; at most limit
	told picture // what the subscriber knows when it has heard all that was handed out
	now  picture // what is so

	catchUp bool // hand out differences
	missed  int
	dirty   []peer.ID        // whose differences are to be handed out, in order
	broken  map[peer.ID]bool // told as connected, and there was a moment when it was not
	ready   []Event          // differences, on their way out
}

// add takes one event.
func (n *news) add(e Event) {
	n.now.apply(e)
	if !n.catchUp && len(n.log) < n.limit {
		n.log = append(n.log, e)
		return
	}
	if !n.catchUp {
		n.overflow()
	}
	n.drop(e)
}

// overflow drops the log.
func (n *news) overflow() {
	n.catchUp = true
	n.broken = make(map[peer.ID]bool)
	for _, e := range n.log {
		n.drop(e)
	}
	n.log = nil
}

// drop notes that an event will not be handed out, and whom it concerned.
func (n *news) drop(e Event) {
	n.missed++
	id := peerOf(e)
	if id == "" {
		return
	}
	at := slices.Index(n.dirty, id)
	switch _, down := e.(PeerDown); {
	case n.told.peer(id) == nil && n.now.peer(id) == nil:
		// It has come to nothing: strangers that come and go leave no trace.
		if at >= 0 {
			n.dirty = slices.Delete(n.dirty, at, at+1)
		}
		return
	case down && n.told.peer(id) != nil:
		n.broken[id] = true
	}
	if at < 0 {
		n.dirty = append(n.dirty, id)
	}
}

// next hands out the next event; false when there is none.
func (n *news) next() (e Event, ok bool) {
	if !n.catchUp {
		if len(n.log) == 0 {
			return nil, false
		}
		e, n.log = n.log[0], n.log[1:]
		n.told.apply(e)
		return e, true
	}
	if n.missed > 0 {
		e, n.missed = Missed{n.missed}, 0
		return e, true
	}
	for len(n.ready) == 0 && len(n.dirty) > 0 {
		id := n.dirty[0]
		n.dirty = n.dirty[1:]
		n.prepare(n.differences(id))
	}
	if len(n.ready) == 0 {
		n.prepare(n.told.others(&n.now))
	}
	if len(n.ready) == 0 {
		n.catchUp, n.dirty, n.broken = false, nil, nil
		return nil, false
	}
	e, n.ready = n.ready[0], n.ready[1:]
	return e, true
}

// prepare gets events ready to be handed out. From now on they count as told.
func (n *news) prepare(events []Event) {
	n.ready = events
	for _, e := range events {
		n.told.apply(e)
	}
}

// differences is what has happened with a peer, as far as it can still be seen.
func (n *news) differences(id peer.ID) []Event {
	var told, now peerPicture
	if p := n.told.peer(id); p != nil {
		told = *p
	}
	if p := n.now.peer(id); p != nil {
		now = *p
	}
	broken := n.broken[id]
	delete(n.broken, id)
	var ups, downs, out []Event
	for _, c := range now.conns {
		if !slices.Contains(told.conns, c) {
			ups = append(ups, ConnUp{id, c})
		}
	}
	last := told.last
	for _, c := range told.conns {
		if !slices.Contains(now.conns, c) {
			last = c.Err()
			downs = append(downs, ConnDown{id, c, last})
		}
	}
	wasUp, isUp := n.told.peer(id) != nil, len(now.conns) > 0
	if wasUp && isUp && !broken {
		out = append(ups, downs...)
	} else {
		out = downs
		if wasUp {
			out = append(out, PeerDown{id, last})
		}
		if isUp {
			out = append(out, PeerUp{id, now.conns[0]})
		}
		out = append(out, ups...)
	}
	if k := now.knows; k != nil && k.newer(told.knows) {
		out = append(out, *k)
	}
	return out
}
