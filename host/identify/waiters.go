package identify

import (
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// patience is how long a connection that the swarm has is waited for until the
// swarm tells of it. It is only used up when the connection comes to an end just
// then.
const patience = 5 * time.Second

// waiters are those who want to know peers that are still being asked.
type waiters struct {
	asks map[peer.ID][]actor.Ask[peer.ID, *Info]
	late []lateness // the earliest first
}

// lateness is until when a peer is waited for that the machine has not heard of.
type lateness struct {
	peer  peer.ID
	until time.Time
}

// wait answers who wants to know a peer, now or later.
func (e *engine) wait(m wait) {
	id := m.Q
	info, why, undecided := e.machine.verdict(id)
	switch {
	case info != nil:
		m.Answer(info, nil)
		return
	case why != nil && !undecided:
		m.Answer(nil, why)
		return
	case !undecided && !e.i.swarm.Connected(id):
		m.Answer(nil, &Error{Peer: id, Cause: ErrNotConnected})
		return
	case !undecided:
		e.waiters.late = append(e.waiters.late, lateness{id, e.self.Now().Add(patience)})
	}
	e.waiters.asks[id] = append(e.waiters.asks[id], m.Ask)
}

// show publishes what is known of a peer.
func (e *engine) show(id peer.ID) (info *Info, why error, undecided bool) {
	info, why, undecided = e.machine.verdict(id)
	if info != nil {
		e.i.known.Store(id, info)
	} else {
		e.i.known.Delete(id)
	}
	return info, why, undecided
}

// settle publishes what is known of a peer, and answers those who wait for it if
// it is decided whether it is known.
func (e *engine) settle(id peer.ID) {
	info, why, undecided := e.show(id)
	if undecided || len(e.waiters.asks[id]) == 0 {
		return
	}
	if info == nil && why == nil {
		why = &Error{Peer: id, Cause: ErrNotConnected}
	}
	for _, ask := range e.waiters.asks[id] {
		ask.Answer(info, why)
	}
	delete(e.waiters.asks, id)
	e.waiters.late = slices.DeleteFunc(e.waiters.late, func(l lateness) bool { return l.peer == id })
}

// lost answers those whose peer has not shown itself.
func (e *engine) lost() {
	now := e.self.Now()
	for len(e.waiters.late) > 0 && !now.Before(e.waiters.late[0].until) {
		id := e.waiters.late[0].peer
		e.waiters.late = e.waiters.late[1:]
		e.settle(id)
	}
}

// rearm sets the alarm to the next time at which something is to be done.
func (e *engine) rearm() {
	at := e.machine.Deadline()
	if len(e.waiters.late) > 0 && (at.IsZero() || e.waiters.late[0].until.Before(at)) {
		at = e.waiters.late[0].until
	}
	e.alarm.Set(at)
}
