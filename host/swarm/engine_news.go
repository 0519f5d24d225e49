package swarm

import (
	"cmp"
	"context"
	"slices"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
)

// identified notes what a remote supports.
func (e *engine) identified(m identified) {
	m.conn.SetKnown(m.protocols)
	id := m.conn.Peer()
	if r := e.peers[id]; r != nil && slices.ContainsFunc(r.open, func(en *entry) bool { return en.conn == m.conn }) {
		e.s.publish(PeerKnows{id, m.conn, m.protocols})
	}
}

// listening notes that a listener is up or down.
func (e *engine) listening(m listening) {
	l := m.Q.listener
	e.s.listeners = slices.DeleteFunc(e.s.listeners, func(other listenerNews) bool { return other.listener == l })
	if m.Q.addrs == nil {
		e.s.publish(ListenerDown{l.at, m.Q.err})
	} else {
		e.s.listeners = append(e.s.listeners, m.Q)
		slices.SortFunc(e.s.listeners, func(a, b listenerNews) int { return cmp.Compare(a.listener.number, b.listener.number) })
		e.s.publish(ListenerUp{l.at, m.Q.addrs})
	}
	var all []ma.Multiaddr
	for _, l := range e.s.listeners {
		for _, addr := range l.addrs {
			if !slices.ContainsFunc(all, addr.Equal) {
				all = append(all, addr)
			}
		}
	}
	if old := *e.s.addrs.Swap(&all); !slices.EqualFunc(old, all, ma.Multiaddr.Equal) {
		e.s.publish(AddrsChanged{all})
	}
	m.Answer(struct{}{}, nil)
}

// subscribe adds a subscriber, who first hears what is so now.
func (e *engine) subscribe(m subscribe) {
	var now []Event
	for _, l := range e.s.listeners {
		now = append(now, ListenerUp{l.listener.at, l.addrs})
	}
	if addrs := *e.s.addrs.Load(); len(addrs) > 0 {
		now = append(now, AddrsChanged{addrs})
	}
	for _, id := range e.s.Peers() {
		conns := e.s.Conns(id)
		now = append(now, PeerUp{id, conns[0]})
		for _, c := range conns {
			now = append(now, ConnUp{id, c})
			if known := c.Known(); known != nil {
				now = append(now, PeerKnows{id, c, known})
			}
		}
	}
	e.s.join(m.Q, now)
	m.Answer(struct{}{}, nil)
}

// conclude runs when the swarm's actor has ended, however it did: nobody is
// connected any more.
func (e *engine) conclude() {
	for _, id := range e.s.Peers() {
		var events []Event
		var last error
		for _, c := range e.s.Conns(id) {
			last = c.Err()
			if last == nil {
				last = &conn.CloseError{Peer: id, Cause: cause(e.self)}
			}
			events = append(events, ConnDown{id, c, last})
		}
		e.s.open.Delete(id)
		e.s.publish(append(events, PeerDown{id, last})...)
	}
}

func cause(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	return actor.ErrStopped
}
