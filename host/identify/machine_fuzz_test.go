package identify

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// checker drives a machine with any events and checks what must always hold.
type checker struct {
	t        *testing.T
	m        *machine
	now      time.Time
	next     connID
	up       []connID
	inbound  map[connID]bool
	asking   map[connID]bool
	pushing  map[connID]bool
	supports map[connID]bool
	admitted map[connID][]uint64
}

func newChecker(t *testing.T) *checker {
	return &checker{
		t: t, m: newMachine(), now: time.Unix(0, 0), inbound: map[connID]bool{}, asking: map[connID]bool{},
		pushing: map[connID]bool{}, supports: map[connID]bool{}, admitted: map[connID][]uint64{},
	}
}

func (c *checker) step(ev event) {
	c.t.Helper()
	for _, f := range c.m.Step(c.now, ev, nil) {
		switch f.kind {
		case ask, push, admit, learn:
			if _, there := c.inbound[f.conn]; !there {
				c.t.Fatalf("%v on connection %d, which is not there", f.kind, f.conn)
			}
		case ignore, settled:
		}
		switch f.kind {
		case ask:
			if c.asking[f.conn] {
				c.t.Fatalf("connection %d is asked twice at a time", f.conn)
			}
			c.asking[f.conn] = true
		case push:
			if c.pushing[f.conn] || !c.supports[f.conn] {
				c.t.Fatalf("connection %d is told: already %v, supports it %v", f.conn, c.pushing[f.conn], c.supports[f.conn])
			}
			c.pushing[f.conn] = true
		case admit:
			c.admitted[f.conn] = append(c.admitted[f.conn], f.ticket)
			if ev.kind != pushCame || ev.conn != f.conn {
				c.t.Fatalf("a push on %d was admitted at an event of %d", f.conn, ev.conn)
			}
		case learn:
			c.supports[f.conn] = false
			for _, p := range f.info.Protocols {
				c.supports[f.conn] = c.supports[f.conn] || p == PushID
			}
		case ignore, settled:
		}
	}
	guests := 0
	for id := range c.asking {
		if c.inbound[id] {
			guests++
		}
	}
	if len(c.asking) > maxAsking || guests > maxAskingInbound || len(c.pushing) > maxPushing {
		c.t.Fatalf("%d asked, %d of them guests, %d told at a time", len(c.asking), guests, len(c.pushing))
	}
	if c.m.asking != len(c.asking) || c.m.inbound != guests || c.m.pushing != len(c.pushing) {
		c.t.Fatalf("the machine counts %d, %d, %d; it is %d, %d, %d",
			c.m.asking, c.m.inbound, c.m.pushing, len(c.asking), guests, len(c.pushing))
	}
}

func (c *checker) connect(who byte, inbound bool) {
	c.next++
	c.up = append(c.up, c.next)
	c.inbound[c.next] = inbound
	c.step(event{kind: connUp, conn: c.next, peer: peer.ID(fmt.Sprint(who)), inbound: inbound})
}

func (c *checker) disconnect(i int) {
	id := c.up[i]
	c.up = append(c.up[:i], c.up[i+1:]...)
	delete(c.inbound, id)
	delete(c.asking, id)
	delete(c.pushing, id)
	delete(c.supports, id)
	delete(c.admitted, id)
	c.step(event{kind: connDown, conn: id})
}

func (c *checker) answered(id connID, info *Info) {
	delete(c.asking, id)
	c.step(event{kind: asked, conn: id, info: info, err: errSilent})
}

// wait lets time pass until nothing is due before d is over.
func (c *checker) wait(d time.Duration) {
	end := c.now.Add(d)
	for at := c.m.Deadline(); !at.IsZero() && !at.After(end); at = c.m.Deadline() {
		if at.After(c.now) {
			c.now = at
		}
		before := c.m.Deadline()
		c.step(event{kind: tick})
		if c.m.Deadline().Equal(before) {
			c.t.Fatalf("the deadline %v stays after its tick", before)
		}
	}
	c.now = end
}

func FuzzMachine(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 2, 0, 6, 7, 7, 3, 0})
	f.Add(bytes.Repeat([]byte{0, 0}, 150))
	f.Add(append(bytes.Repeat([]byte{0, 0, 2, 1}, 60), 6, 0, 7, 9, 3, 0))
	f.Add(append([]byte{0, 0, 2, 1}, bytes.Repeat([]byte{4, 0, 5, 0, 7, 1}, 40)...))
	f.Fuzz(func(t *testing.T, ops []byte) {
		c := newChecker(t)
		for i := 0; i+1 < len(ops) && i < 2000; i += 2 {
			op, arg := ops[i]%9, ops[i+1]
			if op != 0 && op != 6 && op != 7 && len(c.up) == 0 {
				continue
			}
			at := 0
			if len(c.up) > 0 {
				at = int(arg) % len(c.up)
			}
			said := &Info{Protocols: []negotiate.Protocol{negotiate.Protocol(fmt.Sprint(arg / 4)), PushID}[:1+int(arg%2)]}
			switch op {
			case 0:
				c.connect(arg/4, arg%2 == 0)
			case 1:
				c.disconnect(at)
			case 2:
				if c.asking[c.up[at]] {
					c.answered(c.up[at], said)
				}
			case 8:
				if c.asking[c.up[at]] {
					c.answered(c.up[at], nil)
				}
			case 3:
				if c.pushing[c.up[at]] {
					delete(c.pushing, c.up[at])
					c.step(event{kind: pushed, conn: c.up[at]})
				}
			case 4:
				c.step(event{kind: pushCame, conn: c.up[at]})
			case 5:
				if id := c.up[at]; len(c.admitted[id]) > 0 {
					ticket := c.admitted[id][0]
					c.admitted[id] = c.admitted[id][1:]
					c.step(event{kind: pushRead, conn: id, ticket: ticket, info: said})
				}
			case 6:
				c.step(event{kind: changed})
			case 7:
				c.wait(time.Duration(arg) * 100 * time.Millisecond)
			}
		}
		c.settle()
	})
}

// settle lets everything that was begun come to its end: then everybody has been
// asked, everybody who supports it has been told, and nothing is left when all
// have gone.
func (c *checker) settle() {
	for round := 0; ; round++ {
		if round > 10000 {
			c.t.Fatal("it does not come to rest")
		}
		busy := false
		for _, id := range c.up {
			if c.asking[id] {
				busy = true
				c.answered(id, &Info{Protocols: []negotiate.Protocol{PushID}})
			}
			if c.pushing[id] {
				busy = true
				delete(c.pushing, id)
				c.step(event{kind: pushed, conn: id})
			}
		}
		if !busy {
			if c.m.Deadline().IsZero() {
				break
			}
			c.wait(pushEvery)
		}
	}
	for _, id := range c.up {
		r := c.m.conns[id]
		if r.phase != phaseKnown && r.phase != phaseUnknown {
			c.t.Errorf("connection %d was never asked", id)
		}
		if r.pushable && r.told < c.m.version {
			c.t.Errorf("connection %d was told version %d of %d", id, r.told, c.m.version)
		}
	}
	for len(c.up) > 0 {
		c.disconnect(0)
	}
	m := c.m
	if n := len(m.conns) + len(m.order) + len(m.peers) + len(m.waiting) + len(m.guests) + len(m.stale) + len(m.queue); n > 0 {
		c.t.Errorf("%d things are left when everybody has gone", n)
	}
}

func TestGuestsWhoDoNotAnswerDoNotDelayThoseWhoAreWanted(t *testing.T) {
	c := newChecker(t)
	for i := range 250 {
		c.connect(byte(i), true)
	}
	if len(c.asking) != maxAskingInbound {
		t.Errorf("%d guests are asked", len(c.asking))
	}
	c.connect(251, false)
	if !c.asking[c.next] {
		t.Error("a connection that this host opened has to wait for strangers")
	}
	first := c.up[0]
	c.answered(first, &Info{})
	if len(c.asking) != maxAskingInbound+1 {
		t.Errorf("%d are asked after one has answered", len(c.asking))
	}
}
