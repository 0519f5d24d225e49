package swarm

import (
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// engine is the swarm's actor: the only one who changes what the swarm holds. It
// waits in its mailbox and nowhere else.
type engine struct {
	self *actor.Self
	s    *Swarm
	box  *actor.Mailbox[message]

	serial   int
	entries  int                   // connections, those in their upgrade included
	peers    map[peer.ID]*relation // those with a connection or a dial; never ranged over
	halfOpen int                   // connections in their upgrade
	admitted *admissions           // the same, by who must answer for them
	quota    *quota                // what the connections share
	queue    []*dialing            // dials that wait for their turn
	running  int                   // those that do not

	peersNow, connsNow, halfOpenNow, dialsNow atomic.Int64 // for the tree
}

// relation is what the swarm has with one peer.
type relation struct {
	open []*entry // oldest first
	dial *dialing // the one that runs
}

// entry is one connection, from its link to its end.
type entry struct {
	link    transport.Link
	role    negotiate.Role
	from    origin // inbound: who it is counted against
	stake   *stake // of the streams
	upgrade bool   // it is in its upgrade
	conn    *conn.Conn
	ref     *actor.Ref
	ended   bool // it has sent down, or will never
	listed  bool // it is in its peer's open

	dial *dialing // outbound: the dial it comes from
	ask  *adopt   // outbound: the attempt that waits
}

// run is the body of the swarm's actor.
func (s *Swarm) run(self *actor.Self, ready *actor.Promise) error {
	e := &engine{
		self: self, s: s,
		peers:    make(map[peer.ID]*relation),
		admitted: newAdmissions(s.config.Limits), quota: newQuota(s.config.Limits, &s.refusals),
	}
	e.box = actor.NewMailbox[message](self, s.config.Limits.Mailbox)
	s.box.Store(e.box)
	self.OnEnd(e.conclude)
	self.NeverWaits()
	self.State("open")
	self.Gauge("peers", e.peersNow.Load)
	self.Gauge("connections", e.connsNow.Load)
	self.Gauge("half open", e.halfOpenNow.Load)
	self.Gauge("dials", e.dialsNow.Load)
	self.Gauge("refused", s.refused.Load)
	ready.Keep(nil)
	for m := range e.box.All() {
		e.handle(m)
	}
	return nil
}

func (e *engine) handle(m message) {
	switch m := m.(type) {
	case arrived:
		e.arrived(m.link)
	case connect:
		e.connect(m)
	case leave:
		e.leave(m.wish)
	case adopt:
		e.adopt(m)
	case up:
		e.up(m)
	case down:
		e.down(m.entry, m.err)
	case gone:
		e.gone(m)
	case dialOver:
		e.dialOver(m)
	case identified:
		e.identified(m)
	case listening:
		e.listening(m)
	case subscribe:
		e.subscribe(m)
	}
	e.connsNow.Store(int64(e.entries - e.halfOpen))
	e.halfOpenNow.Store(int64(e.halfOpen))
}

// arrived takes a link of a listener, unless a limit says no: then the newest,
// this one, is closed.
func (e *engine) arrived(link transport.Link) {
	from := originOf(link.Remote)
	if err := e.admitted.admit(from); err != nil {
		e.refused(err)
		link.Close()
		return
	}
	en := &entry{link: link, role: negotiate.Listener, from: from}
	e.start(en, link.Remote.String(), "", e.s.config.Upgrade)
}

// adopt takes a link of an attempt.
func (e *engine) adopt(m adopt) {
	q := m.Q
	if !q.claimed.CompareAndSwap(false, true) {
		return // the attempt gave up and closed it
	}
	if err := e.admitted.dialed(); err != nil {
		e.s.refusals.note(err)
		q.link.Close()
		m.Answer(nil, err)
		return
	}
	en := &entry{link: q.link, role: negotiate.Dialer, dial: q.dial, ask: &m}
	q.dial.upgrades = append(q.dial.upgrades, en)
	e.start(en, q.dial.peer.Short(), q.dial.peer, q.upgrade)
}

// refused counts what a limit has kept out.
func (e *engine) refused(err *LimitError) {
	e.s.refused.Add(1)
	e.s.refusals.note(err)
}

// start starts the actor of a connection.
func (e *engine) start(en *entry, name string, want peer.ID, upgrade time.Duration) {
	e.serial++
	en.upgrade = true
	e.entries++
	e.halfOpen++
	c := e.s.config
	places := actor.Reserve(e.box, 2)
	en.stake = &stake{quota: e.quota, subnet: en.from.subnet}
	limits := c.Limits.Muxer
	limits.Lender = en.stake
	en.ref = conn.Start(e.self, fmt.Sprintf("conn-%s-%d", name, e.serial), conn.Config{
		Link: en.link, Role: en.role, Want: want,
		Security: c.Security, Muxers: c.Muxers, Routes: e.s.routes, Limits: limits,
		Quota: en.stake, SendBuffer: c.Limits.SendBuffer,
		Upgrade: upgrade, Drain: c.Drain, Stream: c.Stream,
		Up: func(c *conn.Conn) {
			en.stake.is(c.Peer())
			places.Put(up{en, c})
		},
		Down: func(err error) { places.Put(down{en, err}) },
	})
	actor.Watch(e.box, en.ref, func(err error) message { return gone{en, err} })
}

// up lists a connection whose upgrade is complete, unless it is one too many.
func (e *engine) up(m up) {
	en := m.entry
	e.upgraded(en)
	en.conn = m.conn
	id := m.conn.Peer()
	r := e.relation(id)
	switch {
	case id == e.s.id:
		e.refuse(en, ErrSelf)
	case en.dial != nil && en.dial.won && len(r.open) > 0:
		e.refuse(en, ErrSuperseded)
	case len(r.open) >= e.s.config.Limits.PerPeer:
		limit := &LimitError{Limit: LimitPerPeer, Value: e.s.config.Limits.PerPeer, Held: len(r.open), Of: id.String()}
		e.refused(limit)
		e.refuse(en, fmt.Errorf("%w: %w", ErrTooManyOfPeer, limit))
	default:
		e.list(en, id, r)
	}
	e.tidy(id)
}

// refuse closes a connection that is open and was never listed.
func (e *engine) refuse(en *entry, reason error) {
	en.conn.Close(reason)
	e.answer(en, reason)
}

func (e *engine) list(en *entry, id peer.ID, r *relation) {
	r.open = append(r.open, en)
	en.listed = true
	e.show(id, r)
	if len(r.open) == 1 {
		e.peersNow.Add(1)
		e.s.publish(PeerUp{id, en.conn}, ConnUp{id, en.conn})
	} else {
		e.s.publish(ConnUp{id, en.conn})
	}
	e.answer(en, nil)
	if en.dial != nil {
		en.dial.won = true
	}
	if r.dial == nil {
		return
	}
	for _, ask := range r.dial.asks {
		ask.Answer(en.conn, nil)
	}
	r.dial.asks = nil
	if en.dial != r.dial && !e.unqueue(r.dial) {
		r.dial.satisfy()
	}
}

// show publishes a peer's connections to those who read without asking.
func (e *engine) show(id peer.ID, r *relation) {
	if len(r.open) == 0 {
		e.s.open.Delete(id)
		return
	}
	conns := make([]*conn.Conn, len(r.open))
	for i, en := range r.open {
		conns[i] = en.conn
	}
	e.s.open.Store(id, conns)
}

// answer tells the attempt that waits for a connection how its upgrade went.
func (e *engine) answer(en *entry, err error) {
	if en.ask == nil {
		return
	}
	en.ask.Answer(en.conn, err)
	en.ask = nil
}

// upgraded notes that an upgrade is over, well or badly.
func (e *engine) upgraded(en *entry) {
	if !en.upgrade {
		return
	}
	en.upgrade = false
	e.halfOpen--
	if en.role == negotiate.Listener {
		e.admitted.upgraded(en.from)
	}
}

// down takes a connection that has ended off the list.
func (e *engine) down(en *entry, err error) {
	if en.ended {
		return
	}
	en.ended = true
	e.upgraded(en)
	e.answer(en, err)
	e.entries--
	if en.role == negotiate.Listener {
		e.admitted.leave(en.from)
	} else {
		e.admitted.undialed()
	}
	if !en.listed {
		if en.role == negotiate.Listener {
			e.s.publish(InboundFailed{en.link.Remote, err})
		}
		return
	}
	id := en.conn.Peer()
	r := e.peers[id]
	r.open = slices.DeleteFunc(r.open, func(other *entry) bool { return other == en })
	e.show(id, r)
	if len(r.open) == 0 {
		e.peersNow.Add(-1)
		e.s.publish(ConnDown{id, en.conn, err}, PeerDown{id, err})
	} else {
		e.s.publish(ConnDown{id, en.conn, err})
	}
	e.tidy(id)
}

// gone takes a connection off whose actor ended without a word: it was stopped
// before it began, and nobody has closed its link.
func (e *engine) gone(m gone) {
	m.entry.stake.close()
	if m.entry.ended {
		return
	}
	m.entry.link.Close()
	if m.err == nil {
		m.err = actor.ErrStopped
	}
	e.down(m.entry, m.err)
}
