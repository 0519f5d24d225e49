package swarm

import (
	"math"
	"slices"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// relation returns what the swarm has with a peer, nothing at first.
func (e *engine) relation(id peer.ID) *relation {
	if e.peers[id] == nil {
		e.peers[id] = &relation{}
	}
	return e.peers[id]
}

// tidy forgets a peer that the swarm has nothing with.
func (e *engine) tidy(id peer.ID) {
	if r := e.peers[id]; r != nil && len(r.open) == 0 && r.dial == nil {
		delete(e.peers, id)
	}
}

// connect answers with the connection, or has the caller wait for a dial.
func (e *engine) connect(m connect) {
	id := m.Q.peer
	r := e.relation(id)
	for _, en := range r.open {
		if en.conn.Err() == nil {
			m.Answer(en.conn, nil)
			return
		}
	}
	if r.dial == nil {
		e.dial(id, r)
	}
	e.wait(r.dial, m)
}

// wait leaves an order with a dial and has the caller wait for it.
func (e *engine) wait(d *dialing, m connect) {
	d.asks = append(d.asks, m)
	if d.abandoned {
		m.Q.order = math.MaxInt
		return
	}
	d.leave(order{addrs: m.Q.addrs, force: m.Q.force})
	m.Q.order = d.orders
}

func (e *engine) dial(id peer.ID, r *relation) {
	d := &dialing{peer: id}
	r.dial = d
	e.dialsNow.Add(1)
	e.queue = append(e.queue, d)
	e.nextDials()
}

// nextDials starts the dials whose turn it is, the one that was wanted first
// first. Only callers of this host make dials, so nobody else fills the queue.
func (e *engine) nextDials() {
	for len(e.queue) > 0 && e.running < e.s.config.Limits.Dials {
		d := e.queue[0]
		e.queue = slices.Delete(e.queue, 0, 1)
		e.running++
		e.s.dial(e.self, d)
		actor.Watch(e.box, d.ref, func(err error) message { return dialOver{d, err} })
	}
}

// unqueue takes a dial that nobody wants any more out of the queue, and reports
// whether it was there.
func (e *engine) unqueue(d *dialing) bool {
	at := slices.Index(e.queue, d)
	if at < 0 {
		return false
	}
	e.queue = slices.Delete(e.queue, at, at+1)
	e.peers[d.peer].dial = nil
	e.dialsNow.Add(-1)
	return true
}

// leave takes a caller off a dial that does not wait any more. A dial that
// nobody waits for is stopped.
func (e *engine) leave(w *wish) {
	r := e.peers[w.peer]
	if r == nil || r.dial == nil {
		return
	}
	d := r.dial
	before := len(d.asks)
	d.asks = slices.DeleteFunc(d.asks, func(m connect) bool { return m.Q == w })
	if before > 0 && len(d.asks) == 0 {
		if e.unqueue(d) {
			e.tidy(w.peer)
			return
		}
		d.abandoned = true
		d.ref.Stop(ErrAbandoned)
	}
}

// dialOver answers those who still wait for a dial, and closes what it left
// behind. Callers whose order came too late for it get a new dial.
func (e *engine) dialOver(m dialOver) {
	d := m.dial
	r := e.relation(d.peer)
	r.dial = nil
	e.dialsNow.Add(-1)
	e.running--
	for _, en := range d.upgrades {
		if en.upgrade {
			en.ref.Stop(ErrSuperseded)
		}
	}
	d.upgrades = nil
	answered, err := d.result()
	for _, ask := range d.asks {
		switch {
		case m.err != nil: // it panicked, or the swarm is ending
			ask.Answer(nil, m.err)
			continue
		case err != nil && ask.Q.order <= answered:
			ask.Answer(nil, err)
			continue
		case r.dial == nil:
			e.dial(d.peer, r)
		}
		e.wait(r.dial, ask)
	}
	e.tidy(d.peer)
	e.nextDials()
}
