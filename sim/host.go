package sim

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// A Transport is the network as one host has it: its uplink and downlink, its
// connections, listeners and datagram sockets.
type Transport struct {
	network *Network
	ctx     context.Context // whose clock and carrier are the host's
	ip      netip.Addr
	place   int  // among the hosts, in the order they were made
	region  int  // the network's lock guards it; 0: none
	dark    bool // without power; the network's lock guards it

	coming struct { // its lock is the innermost one: senders hold their own host's
		mu    sync.Mutex
		inbox inbox
		armed time.Time // when timer goes off; zero: never
		timer actor.Timer
	}

	mu        sync.Mutex // guards the rest; never held over a wait
	up, down  queue
	slow      slowReader
	dials     DialMode
	off       bool   // as dark, for what arrives
	lost      []*end // those of before the power went off
	links     map[netip.Addr]*link
	in        []*link // over which something has come
	ends      []*end
	listeners map[uint16]*mem.Listener
	sockets   map[uint16]*PacketConn
	next      uint16 // the next port to pick
	number    uint64 // of the last packet sent
}

func newTransport(ctx context.Context, n *Network, ip netip.Addr, place int) *Transport {
	return &Transport{
		network:   n,
		ctx:       ctx,
		ip:        ip,
		place:     place,
		links:     make(map[netip.Addr]*link),
		listeners: make(map[uint16]*mem.Listener),
		sockets:   make(map[uint16]*PacketConn),
		next:      firstPort,
	}
}

// ship sends a packet over a link of this host: at is when it has left and
// crossed the network. It is the only place where one host does something to
// another. The caller holds the host's lock.
func (t *Transport) ship(l *link, p *packet, at time.Time) {
	l.sent.Sent.add(1, p.bytes.Len())
	if l.to == nil {
		l.sent.lost[LostByDown].add(1, p.bytes.Len())
		p.bytes.Release()
		return
	}
	t.number++
	p.link, p.host, p.at, p.number = l, l.to, at, t.number
	t.cross(l.way, p)
}

// cross has a packet arrive at its host.
func (t *Transport) cross(way actor.Crossing, p *packet) {
	if !way.Simulated() {
		p.host.expect(p)
		return
	}
	way.Send(p.at, p)
}

// Arrive is called when a packet has come to its host, on that host's machine.
func (p *packet) Arrive() {
	t := p.host
	t.mu.Lock()
	defer t.mu.Unlock()
	t.land(p)
}

// now is the time of the world, whatever the host's clock shows.
func (t *Transport) now() time.Time { return actor.WorldNow(t.ctx) }

// local is a time of the world on the host's clock; zero stays zero.
func (t *Transport) local(at time.Time) time.Time {
	if at.IsZero() {
		return at
	}
	return actor.Now(t.ctx).Add(at.Sub(t.now()))
}

// expect puts a packet into the host's inbox.
func (t *Transport) expect(p *packet) {
	c := &t.coming
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inbox.push(p)
	if c.armed.IsZero() || p.at.Before(c.armed) {
		t.arm(p.at)
	}
}

// arm has receive called at a time. The caller holds the lock of coming.
func (t *Transport) arm(at time.Time) {
	t.coming.armed = at
	if t.network.turns != nil {
		t.network.turns.expect(t, at)
		return
	}
	t.coming.timer.Stop()
	t.coming.timer = actor.AfterFunc(t.ctx, at.Sub(t.now()), t.receive)
}

// receive takes what has arrived.
func (t *Transport) receive() {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	for p := t.arrived(now); p != nil; p = t.arrived(now) {
		t.land(p)
	}
}

// arrived takes the next packet out of the inbox, or has receive called when one
// arrives.
func (t *Transport) arrived(now time.Time) *packet {
	c := &t.coming
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.inbox.due(now)
	switch {
	case p != nil:
	case len(c.inbox) == 0:
		c.armed = time.Time{}
		if t.network.turns != nil {
			t.network.turns.expect(t, time.Time{})
			break
		}
		c.timer.Stop()
	default:
		t.arm(c.inbox[0].at)
	}
	return p
}

// land takes a packet through the downlink, and hands it over if that took no
// time. The bytes of connections wait there, as many as their windows allow; a
// datagram that finds the queue full is lost.
func (t *Transport) land(p *packet) {
	l := p.link
	if !l.known {
		l.known = true
		t.in = append(t.in, l)
	}
	n := p.bytes.Len()
	switch {
	case t.off:
		t.lose(p, LostByDown)
		return
	case !p.landed && p.kind == packetDatagram && t.down.over(p.at, n) > 0:
		t.lose(p, LostByQueue)
		return
	case !p.landed:
		p.landed = true
		at := t.down.take(p.at, n)
		if p.to != nil && p.kind != packetCredit {
			at = p.to.inOrder(at)
		}
		if at.After(p.at) {
			p.at = at
			t.cross(actor.NewCrossing(t.ctx, t.ctx), p)
			return
		}
	}
	t.deliver(p)
}

// lose ends a packet that has come as far as this host.
func (t *Transport) lose(p *packet, why Reason) {
	p.link.arrived.lost[why].add(1, p.bytes.Len())
	p.bytes.Release()
	if p.to != nil {
		p.to.missed(p)
	}
}

// deliver hands a packet over to whom it is for.
func (t *Transport) deliver(p *packet) {
	if p.kind == packetDatagram {
		t.datagram(p)
		return
	}
	p.link.arrived.Delivered.add(1, p.bytes.Len())
	switch {
	case p.kind == packetDial:
		t.dialed(p)
	case !p.to.receive(p):
		p.bytes.Release()
	}
}

// remove takes an end out of the host's list.
func (t *Transport) remove(e *end) {
	if e.place < 0 {
		return
	}
	last := len(t.ends) - 1
	t.ends[e.place] = t.ends[last]
	t.ends[e.place].place = e.place
	t.ends[last] = nil
	t.ends = t.ends[:last]
	e.place = -1
}
