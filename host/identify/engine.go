package identify

import (
	"fmt"
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// engine is one incarnation of the service's actor: it carries out what the
// machine decides.
type engine struct {
	i        *Service
	self     *actor.Self
	box      *actor.Mailbox[message]
	alarm    *actor.Alarm[message]
	machine  *machine
	observed observedMachine
	do       []effect

	says      *own      // what this host says of itself
	changedAt time.Time // when it changed last

	serial  connID
	conns   map[connID]*conn.Conn
	ids     map[*conn.Conn]connID
	waiters waiters

	admitted admission // of the push that is being decided
}

func (i *Service) run(self *actor.Self, ready func()) error {
	e := &engine{
		i: i, self: self, machine: newMachine(),
		conns: make(map[connID]*conn.Conn), ids: make(map[*conn.Conn]connID),
		waiters: waiters{asks: make(map[peer.ID][]actor.Ask[peer.ID, *Info])},
	}
	e.box = actor.NewMailbox[message](self, inboxLimit)
	e.alarm = actor.NewAlarm[message](self, e.box, deadline{})
	self.OnEnd(i.known.Clear)
	self.Gauge("told", i.told.Load)
	self.Gauge("pushes ignored", i.ignored.Load)
	self.Gauge("faults", i.faults.Load)
	e.notice()
	i.box.Store(e.box)
	if err := i.swarm.Handle(self, ID, i.tell); err != nil {
		return err
	}
	if err := i.swarm.Handle(self, PushID, i.listen); err != nil {
		return err
	}
	if err := swarm.Subscribe(i.swarm, self, e.box, func(ev swarm.Event) message { return happened{ev} }); err != nil {
		return err
	}
	self.State("serving")
	ready()
	for m := range e.box.All() {
		if err := e.handle(m); err != nil {
			return err
		}
	}
	return nil
}

func (e *engine) handle(m message) error {
	var err error
	switch m := m.(type) {
	case happened:
		e.happened(m.event)
	case askOver:
		e.fault(m.answer.fault)
		e.step(event{kind: asked, conn: m.id, info: m.answer.info, err: m.answer.err})
	case pushOver:
		e.step(event{kind: pushed, conn: m.id})
	case pushWanted:
		e.admit(m)
	case pushTaken:
		e.fault(m.answer.fault)
		e.fault(m.answer.err)
		e.step(event{kind: pushRead, conn: m.id, ticket: m.ticket, info: m.answer.info})
	case refresh:
		e.notice()
		_, err = e.message()
		m.Answer(struct{}{}, err)
	case wait:
		e.wait(m)
	case observations:
		m.Answer(e.observed.list(e.self.Now()), nil)
	case deadline:
		e.alarm.Rearm()
		e.lost()
		e.step(event{kind: tick})
	}
	e.rearm()
	return err
}

// fault counts what a peer should not have said.
func (e *engine) fault(err error) {
	if err != nil {
		e.i.faults.Add(1)
		e.self.Note("last fault", err)
	}
}

func (e *engine) happened(ev swarm.Event) {
	switch ev := ev.(type) {
	case swarm.ConnUp:
		e.up(ev.Conn)
	case swarm.ConnDown:
		e.down(ev.Conn)
	default: // it may concern what this host says of itself
		e.notice()
	}
}

func (e *engine) up(c *conn.Conn) {
	if e.ids[c] != 0 {
		return
	}
	e.serial++
	e.conns[e.serial], e.ids[c] = c, e.serial
	e.step(event{
		kind: connUp, conn: e.serial, peer: c.Peer(),
		inbound: c.Role() == negotiate.Listener,
		behind:  !e.changedAt.Before(c.Opened()),
	})
}

func (e *engine) down(c *conn.Conn) {
	id := e.ids[c]
	delete(e.ids, c)
	delete(e.conns, id)
	e.step(event{kind: connDown, conn: id})
}

// notice finds out whether what this host says of itself has changed. The message
// is not composed for that: signing and encoding it can wait until somebody asks,
// and must not keep a host from listening.
func (e *engine) notice() {
	now := e.i.own()
	if e.says != nil && e.says.sameAs(&now) {
		return
	}
	at := e.self.Now()
	now.seq = uint64(max(at.UnixNano(), 1)) // as in go-libp2p: it grows over restarts
	if e.says != nil {
		now.seq = max(now.seq, e.says.seq+1)
	} else if old := e.i.speech.Load(); old != nil {
		now.seq = max(now.seq, old.own.seq+1)
	}
	first := e.says == nil
	e.says, e.changedAt = &now, at
	e.self.Note("says", fmt.Sprintf("%d protocols, %d addresses", len(now.protocols), len(now.addrs)))
	if !first {
		e.step(event{kind: changed})
	}
}

// message is what this host says of itself, composed unless it was before.
func (e *engine) message() (*speech, error) {
	if what := e.i.speech.Load(); what != nil && what.own.seq == e.says.seq {
		return what, nil
	}
	what, err := compose(*e.says)
	if err != nil {
		return nil, err
	}
	if what.addrsLeftOut+what.protocolsLeftOut > 0 {
		e.self.Note("left out", fmt.Sprintf("%d protocols, %d addresses", what.protocolsLeftOut, what.addrsLeftOut))
	}
	e.i.speech.Store(what)
	return what, nil
}

// step feeds the machine one event and carries out all its effects.
func (e *engine) step(ev event) {
	e.do = e.machine.Step(e.self.Now(), ev, e.do[:0])
	for _, f := range e.do {
		switch f.kind {
		case ask:
			e.ask(f)
		case push:
			e.push(f)
		case admit:
			e.admitted = admission{e.conns[f.conn], f.conn, f.ticket}
		case ignore:
			e.i.ignored.Add(1)
		case learn:
			e.learn(f)
		case settled:
			e.settle(f.peer)
		}
	}
}

// ask starts the child that asks a peer.
func (e *engine) ask(f effect) {
	c, i := e.conns[f.conn], e.i
	a := &answer{err: &Error{Peer: f.peer, Stage: StageOpen, Cause: actor.ErrStopped}}
	ref := e.self.Supervise(fmt.Sprintf("ask-%s-%d", f.peer.Short(), f.conn), actor.Restart{}, func(self *actor.Self) error {
		*a = i.ask(self, c)
		return nil
	})
	actor.Watch(e.box, ref, func(error) message { return askOver{f.conn, a} })
}

// push starts the child that tells a peer.
func (e *engine) push(f effect) {
	c, i := e.conns[f.conn], e.i
	said, err := e.message()
	ref := e.self.Supervise(fmt.Sprintf("push-%s-%d", f.peer.Short(), f.conn), actor.Restart{}, func(self *actor.Self) error {
		if err == nil {
			err = i.push(self, c, said)
		}
		if err != nil {
			self.Note("refused", err)
		}
		return nil
	})
	actor.Watch(e.box, ref, func(error) message { return pushOver{f.conn, &err} })
}

// admit finds the connection that a push came on, and decides.
func (e *engine) admit(m pushWanted) {
	var id connID
	for _, c := range e.i.swarm.Conns(m.Q.peer) {
		if c.Remote().Equal(m.Q.remote) && c.Local().Equal(m.Q.local) {
			id = e.ids[c]
		}
	}
	e.admitted = admission{}
	e.step(event{kind: pushCame, conn: id})
	m.Answer(e.admitted, nil)
}

// learn makes known what is known of a peer now.
func (e *engine) learn(f effect) {
	c := e.conns[f.conn]
	if c.Role() == negotiate.Listener && plausible(f.info.Observed, c.Local(), c.Remote()) {
		e.observed.saw(sighting{f.peer, networkOf(c.Remote()), c.Local(), f.info.Observed, e.self.Now()})
	}
	e.show(f.peer)
	if f.fresh {
		c.SetKnown(f.info.Protocols)
		if err := e.i.swarm.Identified(e.self, c, f.info.Protocols); err != nil {
			e.self.Note("the swarm was not told", err)
		}
	}
	if err := e.teach(f.info); err != nil {
		e.self.Note("the book was not told", err)
	}
}

// covers reports whether all the addresses are in the record, with or without its
// peer's /p2p at their end.
func covers(r peer.Record, addrs []ma.Multiaddr) bool {
	for _, a := range addrs {
		if !slices.ContainsFunc(r.Addrs, func(signed ma.Multiaddr) bool {
			signed, _ = peer.SplitAddr(signed)
			return signed.Equal(a)
		}) {
			return false
		}
	}
	return true
}

// teach tells the address book what a peer says of itself. Its record, if there
// is one, comes first; what is said beside it, or with a record that is older
// than one that the book has, is the peer's word as well.
func (e *engine) teach(info *Info) error {
	book := e.i.swarm.Book()
	if info.Record != nil {
		said := func(a ma.Multiaddr) bool { return slices.ContainsFunc(info.Addrs, a.Equal) }
		err := book.LearnSigned(e.self, swarm.Said, info.Record, swarm.SaidTTL, said)
		if err == nil && covers(info.Record.Record(), info.Addrs) {
			return nil // the book has been told of them all
		}
		if err != nil {
			e.self.Note("a record was not kept", err)
		}
	}
	return book.LearnFrom(e.self, swarm.Said, peer.Info{ID: info.Peer, Addrs: info.Addrs}, swarm.SaidTTL)
}
