package swarm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// dialing is one dial, as the swarm and the dial's actor share it. The swarm
// never waits, so it leaves its orders here, and wakes the dial if it can.
type dialing struct {
	peer peer.ID

	// The swarm's own.
	ref       *actor.Ref
	asks      []connect // who waits for the connection
	orders    int       // how many orders were left
	upgrades  []*entry  // the links that it handed over
	won       bool      // one of them has become a connection
	abandoned bool      // it was stopped

	mu        sync.Mutex // guards the rest; never held over a wait
	box       *actor.Mailbox[dialMessage]
	waiting   []order
	taken     int // how many orders the dial has taken
	satisfied bool
	err       error // why the dial failed, before it ends
}

// order asks a dial to try addresses, besides those in the book.
type order struct {
	addrs []ma.Multiaddr
	force bool // those that failed a moment ago as well
}

// leave hands the dial an order. A full mailbox is as good as a wake: with each
// message the dial looks here.
func (d *dialing) leave(o order) {
	d.orders++
	d.change(func() { d.waiting = append(d.waiting, o) })
}

// satisfy says that there is a connection made in another way.
func (d *dialing) satisfy() { d.change(func() { d.satisfied = true }) }

func (d *dialing) change(f func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f()
	if d.box != nil {
		d.box.TryPut(dialMessage{kind: saidLook})
	}
}

// take returns what the swarm has left since the last time.
func (d *dialing) take() (orders []order, satisfied bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	orders, d.waiting = d.waiting, nil
	d.taken += len(orders)
	return orders, d.satisfied
}

// result is how many orders the dial has answered, and why it failed.
func (d *dialing) result() (orders int, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.taken, d.err
}

type dialMessageKind uint8

const (
	saidLook   dialMessageKind = iota // the swarm: an order, or satisfied
	saidLinked                        // an attempt: it has a link
	saidFailed                        // an attempt: it has come to nothing, at a stage; or a name's addresses
	saidWon                           // an attempt: there is a connection
	saidTick                          // the runtime: the deadline has come
)

// dialMessage is what a dial's actor receives. If one of an attempt were lost,
// the dial would wait until its own end.
type dialMessage struct {
	kind  dialMessageKind
	id    int
	stage Stage
	addrs []ma.Multiaddr
	err   error
}

// dialer is the actor of a dial: it carries out what the dial machine decides.
type dialer struct {
	s       *Swarm
	d       *dialing
	self    *actor.Self
	box     *actor.Mailbox[dialMessage]
	alarm   *actor.Alarm[dialMessage]
	machine dialMachine
	do      []dialEffect
	table   []*dialed
	forced  bool
	over    bool
	late    bool
	lost    bool
}

// dialed is one address in a dial, and what became of it. Its attempt reads the
// first group, which does not change, and nothing else.
type dialed struct {
	addr  ma.Multiaddr
	by    transport.Transport // nil: none, or a name
	name  bool
	saved bool    // it may be in the book
	from  *dialed // the name that it was found under, if any

	ref   *actor.Ref
	began time.Time
	took  time.Duration
	stage Stage
	err   error
	held  *BackoffError // not tried for that
	blame bool          // the address is to blame for err
	won   bool          // it led to the peer
}

// dial starts the actor of a dial as a child of the swarm's.
func (s *Swarm) dial(self *actor.Self, d *dialing) {
	d.ref = self.Supervise("dial-"+d.peer.Short(), actor.Restart{}, func(self *actor.Self) error {
		k := &dialer{s: s, d: d, self: self}
		return k.run()
	})
}

func (k *dialer) run() error {
	k.box = actor.NewMailbox[dialMessage](k.self, 2*maxAttempts)
	k.alarm = actor.NewAlarm(k.self, k.box, dialMessage{kind: saidTick})
	k.d.mu.Lock()
	k.d.box = k.box
	k.d.mu.Unlock()
	k.self.Note("peer", k.d.peer)
	k.look()
	for !k.over {
		k.show()
		k.alarm.Set(k.machine.Deadline())
		m, ok := k.box.Recv()
		if !ok {
			k.lost = true
			break
		}
		k.handle(m)
		k.look()
	}
	k.conclude()
	return nil
}

// look takes the orders that the swarm has left, unless the dial is over: then
// they are for the next one. Before the first order there is nothing to decide.
func (k *dialer) look() {
	if k.over {
		return
	}
	orders, satisfied := k.d.take()
	for _, o := range orders {
		k.forced = k.forced || o.force
		k.step(dialEvent{kind: dialWanted, targets: k.targets(o)})
	}
	if satisfied && !k.machine.satisfied {
		k.step(dialEvent{kind: dialSatisfied})
	}
}

func (k *dialer) handle(m dialMessage) {
	switch m.kind {
	case saidLook:
	case saidTick:
		k.alarm.Rearm()
		k.step(dialEvent{kind: dialTick})
	case saidLinked:
		k.table[m.id].stage = StageUpgrade
		k.step(dialEvent{kind: dialLinked, id: m.id})
	case saidWon:
		k.settle(m.id, "", nil)
		for a := k.table[m.id]; a != nil; a = a.from {
			a.won = true
		}
		k.step(dialEvent{kind: dialWon, id: m.id})
	case saidFailed:
		k.settle(m.id, m.stage, m.err)
		var more []target
		for _, addr := range m.addrs {
			if t, ok := k.add(addr, k.table[m.id]); ok {
				more = append(more, t)
			}
		}
		k.step(dialEvent{kind: dialFailed, id: m.id, targets: more})
	}
}

// settle notes what became of an attempt, unless it was cancelled before.
func (k *dialer) settle(id int, stage Stage, err error) {
	if a := k.table[id]; a.err == nil {
		a.took = k.self.Now().Sub(a.began)
		a.stage, a.err = stage, err
		a.blame = err != nil
	}
}

func (k *dialer) step(ev dialEvent) {
	now := k.self.Now()
	k.do = k.machine.Step(now, ev, k.do[:0])
	for _, e := range k.do {
		switch e.kind {
		case dialTry:
			k.begin(e.id, e.at.Sub(now))
		case dialCancel:
			a := k.table[e.id]
			a.ref.Stop(ErrSuperseded)
			a.err, a.took = ErrSuperseded, now.Sub(a.began)
		case dialDone:
			k.over = true
		case dialGiveUp:
			k.over, k.lost = true, true
		case dialLate:
			k.over, k.lost, k.late = true, true, true
		}
	}
}

// begin starts an attempt as a child.
func (k *dialer) begin(id int, limit time.Duration) {
	a := k.table[id]
	a.began, a.stage = k.self.Now(), StageDial
	body := k.attempt
	if a.name {
		a.stage, body = StageResolve, k.resolve
	}
	a.ref = k.self.Supervise("attempt-"+a.addr.String(), actor.Restart{}, func(self *actor.Self) error {
		body(self, id, a, limit)
		return nil
	})
}

// resolve is the body of an attempt at a name.
func (k *dialer) resolve(self *actor.Self, id int, a *dialed, limit time.Duration) {
	self.State("looking up the name")
	ctx, cancel := self.WithTimeout(limit)
	defer cancel()
	addrs, err := transport.Resolve(ctx, k.s.config.Resolver, a.addr)
	_ = k.box.Put(self, dialMessage{kind: saidFailed, id: id, stage: StageResolve, addrs: addrs, err: err})
}

// attempt is the body of an attempt at an address: it opens a link and hands it
// to the swarm, which upgrades it.
func (k *dialer) attempt(self *actor.Self, id int, a *dialed, limit time.Duration) {
	began := self.Now()
	self.State("opening the link")
	link, err := k.open(self, a, limit)
	if err != nil {
		_ = k.box.Put(self, dialMessage{kind: saidFailed, id: id, stage: StageDial, err: err})
		return
	}
	if k.box.Put(self, dialMessage{kind: saidLinked, id: id}) != nil {
		link.Close()
		return
	}
	self.State("waiting for the upgrade")
	q := &adoption{link: link, dial: k.d, upgrade: max(limit-self.Now().Sub(began), time.Millisecond)}
	wrap := func(ask actor.Ask[*adoption, *conn.Conn]) message { return adopt{ask} }
	if _, err := actor.Call(self, k.s.box.Load(), wrap, q); err != nil {
		if q.claimed.CompareAndSwap(false, true) {
			link.Close()
		}
		stage := StageUpgrade
		var upgrade *conn.UpgradeError
		if errors.As(err, &upgrade) {
			stage = Stage(upgrade.Stage)
		}
		_ = k.box.Put(self, dialMessage{kind: saidFailed, id: id, stage: stage, err: err})
		return
	}
	_ = k.box.Put(self, dialMessage{kind: saidWon, id: id})
}

func (k *dialer) open(self *actor.Self, a *dialed, limit time.Duration) (transport.Link, error) {
	ctx, cancel := self.WithTimeout(limit)
	defer cancel()
	return a.by.Dial(ctx, a.addr, k.d.peer)
}

// show says in the tree how far the dial is.
func (k *dialer) show() {
	failed := 0
	for _, a := range k.table {
		if a.err != nil {
			failed++
		}
	}
	k.self.State(fmt.Sprintf("%d addresses, %d tried now, %d failed", len(k.table), k.machine.running, failed))
}

// conclude tells the book and leaves the error, if there is one.
func (k *dialer) conclude() {
	for _, a := range k.table {
		if a.saved {
			k.teach(a)
		}
	}
	if !k.lost {
		return
	}
	e := &DialError{Peer: k.d.peer, Cause: ErrUnreachable, Attempts: k.attempts()}
	switch {
	case k.self.Err() != nil:
		e.Cause = context.Cause(k.self)
	case k.late:
		e.Cause = ErrDialTimeout
	case len(k.table) == 0:
		e.Cause = ErrNoAddresses
	}
	k.d.mu.Lock()
	k.d.err = e
	k.d.mu.Unlock()
}

// teach tells the book what became of an address. It waits for the book, which
// waits for nobody.
func (k *dialer) teach(a *dialed) {
	q := bookEvent{peer: k.d.peer, addrs: []ma.Multiaddr{a.addr}, err: a.err}
	var mismatch *peer.MismatchError
	switch {
	case a.won:
		q.kind = worked
	case errors.As(a.err, &mismatch):
		q.kind = forget
	case a.blame:
		q.kind = failed
	case a.name && a.err == nil && !a.began.IsZero() && k.lost && !k.late && k.self.Err() == nil:
		q.kind, q.err = failed, ErrUnreachable // none of the addresses that it stands for
	default:
		return // not its fault, or not tried
	}
	_ = k.s.book.call(k.self, q) // a book that has ended needs no lesson
}
