package identify

import (
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// This file is the part of the machine that decides which pushes are read, and
// what is believed of what a peer says.

// came decides whether a push is read. One on a connection that this service has
// not heard of yet need not be: the peer will be asked after it, and says the
// same or something newer.
func (m *machine) came(now time.Time, id connID, do []effect) []effect {
	c := m.conns[id]
	if c == nil {
		return append(do, effect{kind: ignore, conn: id})
	}
	if !c.peer.spend(now) {
		if !c.peer.ignored {
			c.peer.ignored = true
			m.stale = append(m.stale, c.peer)
		}
		return append(do, effect{kind: ignore, conn: id})
	}
	m.tickets++
	return append(do, effect{kind: admit, conn: id, ticket: m.tickets})
}

// spend takes a token if there is one.
func (p *remotePeer) spend(now time.Time) bool {
	if n := int(now.Sub(p.earned) / pushEvery); n > 0 {
		p.tokens = min(p.tokens+n, pushBurst)
		p.earned = p.earned.Add(time.Duration(n) * pushEvery)
	}
	if p.tokens == 0 {
		return false
	}
	p.tokens--
	return true
}

// read takes note of what a peer has pushed.
func (m *machine) read(ev event, do []effect) []effect {
	c := m.conns[ev.conn]
	if c == nil || ev.info == nil {
		return do
	}
	if c.phase == phaseUnknown {
		c.phase, c.why = phaseKnown, nil
	}
	return append(m.heard(c, ev.ticket, ev.info, do), effect{kind: settled, peer: c.peer.id})
}

// A part of what a peer says is taken or left by itself.
type part uint8

const (
	aboutProtocols part = iota
	aboutAddrs
	aboutRecord
	aboutObserved
	aboutVersion
	aboutAgent
	parts
)

// heard merges what a peer said into what is known of it on that connection. Of
// two sayings the one with the greater record number is newer, and if they have
// the same or none, the one that began later: a question that was asked before a
// push came was answered before it, or else another push follows. What was not
// mentioned stays (libp2p specs, identify/README.md, "identify/push").
func (m *machine) heard(c *remote, ticket uint64, said *Info, do []effect) []effect {
	old := c.info
	if old == nil {
		old = &Info{Peer: said.Peer, Key: said.Key}
	}
	if old.Seq > 0 && said.Seq > 0 && said.Seq < old.Seq {
		return do
	}
	newer := old.Seq > 0 && said.Seq > old.Seq
	takes := func(p part, mentioned bool) bool {
		if !mentioned || !newer && ticket < c.about[p] {
			return false
		}
		c.about[p] = max(ticket, c.about[p])
		return true
	}
	now := *old
	if takes(aboutProtocols, said.Protocols != nil) {
		now.Protocols = said.Protocols
	}
	if takes(aboutAddrs, said.Addrs != nil) {
		now.Addrs = said.Addrs
	}
	if takes(aboutRecord, said.Record != nil) {
		now.Record, now.Seq = said.Record, said.Seq
	}
	if takes(aboutObserved, said.Observed != nil) {
		now.Observed = said.Observed
	}
	if takes(aboutVersion, said.ProtocolVersion != "") {
		now.ProtocolVersion = said.ProtocolVersion
	}
	if takes(aboutAgent, said.AgentVersion != "") {
		now.AgentVersion = said.AgentVersion
	}
	m.sayings++
	c.info, c.heard = &now, m.sayings
	c.pushable = slices.Contains(now.Protocols, PushID)
	m.tell(c)
	fresh := now.Protocols != nil && (old.Protocols == nil || !slices.Equal(old.Protocols, now.Protocols))
	return append(do, effect{kind: learn, conn: c.id, peer: c.peer.id, info: &now, fresh: fresh})
}

// verdict is what can be said of a peer now: what it said of itself last, on
// whatever connection; else why it did not; undecided while it is still asked. Of
// a peer without a connection it is nothing.
func (m *machine) verdict(id peer.ID) (info *Info, why error, undecided bool) {
	p := m.peers[id]
	if p == nil {
		return nil, nil, false
	}
	last := uint64(0)
	for _, c := range p.conns {
		undecided = undecided || c.phase == phaseWaiting || c.phase == phaseAsking
		if c.why != nil {
			why = c.why
		}
		if c.heard > last {
			info, last = c.info, c.heard
		}
	}
	if info != nil && (info.Protocols != nil || !undecided) {
		return info, nil, false
	}
	return nil, why, undecided
}
