package sim

import (
	"testing"
	"time"
)

// Whatever is asked of a link: each event has the effects that it must have,
// nothing arrives before it could, the queues keep their limits, and when it says
// to ask again it takes what it refused.
func FuzzLinkMachine(f *testing.F) {
	f.Add(int64(1000), 100, 10, []byte{0, 50, 1, 200, 2, 9, 3, 77})
	f.Add(int64(MaxBandwidth), 0, 0, []byte{1, 255, 1, 255, 1, 255, 2, 1, 1, 1})
	f.Add(int64(1), 1, 1, []byte{1, 1, 1, 1, 1, 1, 3, 0, 1, 9})
	f.Add(int64(5000), 9000, 500, []byte{4, 30, 5, 9, 1, 40, 4, 40, 6, 1, 4, 3, 1, 3, 6, 0, 7, 3, 1, 60, 4, 60})
	f.Fuzz(func(t *testing.T, bandwidth int64, limit, chunk int, ops []byte) {
		c := LinkConfig{Bandwidth: bandwidth, Queue: limit, Chunk: chunk, Latency: time.Millisecond, Jitter: time.Millisecond}
		x := &linkChecker{T: t, m: newLinkMachine(c, 7, noUplink()), now: epoch}
		for len(ops) >= 2 {
			op, n := ops[0]%8, int(ops[1])
			ops = ops[2:]
			switch op {
			case 0:
				x.now = x.now.Add(time.Duration(n) * time.Millisecond)
			case 1:
				x.send(n*n + 1)
			case 2:
				x.signal()
			case 3:
				c.Bandwidth = int64(n) * bandwidth / 100
				x.quiet(linkEvent{kind: linkChange, config: c})
			case 4:
				x.datagram(n * 8)
			case 5:
				c.Loss, c.Duplicate, c.Reorder, c.Flip = PPM(n*4000), PPM(n*1000), PPM(n*2000), PPM(n*3000)
				c.Burst = Burst{Begin: PPM(n * 500), End: PPM(n * 2000)}
				x.quiet(linkEvent{kind: linkChange, config: c})
			case 6:
				x.quiet(linkEvent{kind: linkBlock, reason: []Reason{unknown, LostByCut, LostByDown}[n%3]})
			case 7:
				x.m.up.change(x.now, int64(n)*1000, n*100)
			}
			if !x.m.Deadline().IsZero() {
				t.Fatal("a link has a deadline")
			}
		}
	})
}

// A linkChecker asks a link and looks at what it answers.
type linkChecker struct {
	*testing.T
	m   *linkMachine
	now time.Time
}

func (x *linkChecker) quiet(e linkEvent) {
	x.Helper()
	if f := x.m.Step(x.now, e, nil); len(f) != 0 {
		x.Fatalf("%+v caused %+v", e, f)
	}
}

// arrives checks an arrival: after the wires, within what may happen on the way.
func (x *linkChecker) arrives(f linkEffect, n int, late time.Duration) {
	x.Helper()
	c := x.m.config
	if f.kind != linkArrive || f.n <= 0 && n > 0 || f.n > n || f.flip > uint64(f.n)*8 {
		x.Fatalf("of %d bytes came %+v", n, f)
	}
	left := later(later(x.m.up.free, x.m.own.free), x.now)
	if d := f.at.Sub(left); d < c.Latency || d > c.Latency+c.Jitter+late {
		x.Fatalf("on its way for %v", d)
	}
}

// blocked checks that all is lost for the reason that it must be.
func (x *linkChecker) blocked(f []linkEffect) bool {
	x.Helper()
	if x.m.blocked == unknown {
		return false
	}
	if len(f) != 1 || f[0].kind != linkLost || f[0].reason != x.m.blocked || f[0].packets != 1 {
		x.Fatalf("blocked, it does %+v", f)
	}
	return true
}

// resent checks what had to be sent again, and returns the rest.
func (x *linkChecker) resent(f []linkEffect, n int) []linkEffect {
	x.Helper()
	if len(f) != 2 {
		return f
	}
	if g := f[0]; g.kind != linkLost || g.reason != LostByChance || g.packets <= 0 || g.n > g.packets*x.m.config.segment() || g.n > maxResends*n {
		x.Fatalf("of %d bytes were lost %+v", n, g)
	}
	return f[1:]
}

func (x *linkChecker) send(n int) {
	x.Helper()
	unsent := *x.m.up
	f := x.m.Step(x.now, linkEvent{kind: linkSend, n: n}, nil)
	if x.blocked(f) {
		return
	}
	if f = x.resent(f, n); len(f) != 1 {
		x.Fatalf("%d bytes caused %+v", n, f)
	}
	if f[0].kind != linkFull {
		x.arrives(f[0], min(n, x.m.config.Chunk), 2*maxResends*maxTimeout)
		return
	}
	if !f[0].at.After(x.now) {
		x.Fatalf("full until %v, which is not after %v", f[0].at, x.now)
	}
	again := *x.m
	again.up = &unsent
	g := again.Step(f[0].at, linkEvent{kind: linkSend, n: n}, nil)
	if last := g[len(g)-1]; last.kind == linkFull && !unsent.free.After(f[0].at) && unsent.rate == 0 {
		x.Fatalf("asked again at %v, it is full until %v", f[0].at, last.at)
	}
}

func (x *linkChecker) signal() {
	x.Helper()
	f := x.m.Step(x.now, linkEvent{kind: linkSignal}, nil)
	if x.blocked(f) {
		return
	}
	if f = x.resent(f, 1); len(f) != 1 || f[0].n != 0 {
		x.Fatalf("a signal caused %+v", f)
	}
	x.arrives(f[0], 0, 2*maxResends*maxTimeout)
}

func (x *linkChecker) datagram(n int) {
	x.Helper()
	waited := x.m.up.waiting(x.now)
	f := x.m.Step(x.now, linkEvent{kind: linkDatagram, n: n}, nil)
	switch {
	case x.blocked(f):
	case len(f) == 1 && f[0].kind == linkLost:
		if g := f[0]; g.n != n || g.packets != 1 || (g.reason == LostByMTU) != (n > x.m.config.MTU) {
			x.Fatalf("a datagram of %d bytes: %+v", n, g)
		}
	case len(f) == 1 || len(f) == 2 && f[1].twin && f[0].n == f[1].n:
		for _, g := range f {
			if g.n != n {
				x.Fatalf("of a datagram of %d bytes came %+v", n, g)
			}
			x.arrives(g, n, x.m.config.ReorderBy)
		}
		if now := x.m.up.waiting(x.now); now > max(x.m.up.limit, n, waited) {
			x.Fatalf("%d bytes wait, the limit is %d", now, x.m.up.limit)
		}
	default:
		x.Fatalf("a datagram caused %+v", f)
	}
}
