package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
)

// underWay counts what is really in the inboxes, per direction.
func underWay(n *Network) map[pair]Count {
	all := map[pair]Count{}
	for _, h := range n.hosts {
		for _, p := range h.coming.inbox {
			c := all[p.link.pair]
			c.add(1, p.bytes.Len())
			all[p.link.pair] = c
		}
	}
	return all
}

// unaccounted says which direction does not add up. What is on its way can be
// looked at in a bubble; in a simulation it is in the calendar.
func unaccounted(n *Network, bubble bool) error {
	way := underWay(n)
	var sum Traffic
	for from, h := range n.hosts {
		for to := range h.links {
			tr := n.Traffic(from, to)
			on := tr.OnTheWay()
			if bubble && on != way[pair{from, to}] || on.Packets < 0 || on.Bytes < 0 {
				return fmt.Errorf("%v to %v: %+v, but %+v is on its way", from, to, tr, way[pair{from, to}])
			}
			sum.add(tr)
		}
	}
	if all := n.TotalTraffic(); all != sum {
		return fmt.Errorf("in total %+v, the sum is %+v", all, sum)
	}
	var in Traffic
	for ip := range n.hosts {
		_, i := n.HostTraffic(ip)
		in.add(i)
	}
	if in.Delivered != sum.Delivered {
		return fmt.Errorf("delivered %+v, the hosts have %+v", sum.Delivered, in.Delivered)
	}
	return nil
}

// A mischief is one thing that happens to a network of four hosts.
type mischief struct {
	self  *actor.Self
	net   *Network
	t     *testing.T
	rand  *rand.Rand
	socks [5]*PacketConn
	ends  []func()
}

func (m *mischief) host() byte { return byte(1 + m.rand.IntN(4)) }

// one does something at random.
func (m *mischief) one() {
	a, b := m.host(), m.host()
	n := m.net
	switch m.rand.IntN(14) {
	case 0, 1, 2, 3:
		if c := m.socks[a]; c != nil {
			for range m.rand.IntN(20) {
				c.WriteTo(make([]byte, m.rand.IntN(1600)), net.UDPAddrFromAddrPort(addrPort(b, 9)))
			}
		}
	case 4, 5:
		m.self.Go(fmt.Sprint("talk ", m.rand.Uint64()), func(self *actor.Self) error { return m.talk(self, a, b) })
	case 6:
		n.SetLink(ip(a), ip(b), LinkConfig{
			Latency: time.Duration(m.rand.IntN(30)) * ms, Jitter: 3 * ms,
			Bandwidth: m.rand.Int64N(1_000_000), Loss: PPM(m.rand.IntN(50_000)), Duplicate: PPM(m.rand.IntN(100_000)),
			Burst: Burst{Begin: PPM(m.rand.IntN(10_000)), End: Percent(10)}, Flip: PPM(m.rand.IntN(100_000)), Window: 30_000,
		})
	case 7:
		n.SetAccess(ip(a), Access{Up: m.rand.Int64N(1_000_000), Down: m.rand.Int64N(1_000_000), DownQueue: 5000})
	case 8:
		m.ends = append(m.ends, n.Cut(hosts(a), hosts(b)))
	case 9:
		m.ends = append(m.ends, n.Partition(hosts(a), hosts(b)))
	case 10:
		n.Reset(ip(a), ip(b))
	case 11:
		n.Crash(ip(a))
		m.open(a)
	case 12:
		n.PowerOff(ip(a))
		m.socks[a] = nil
		m.ends = append(m.ends, func() { n.PowerOn(ip(a)); m.open(a) })
	case 13:
		n.SlowReader(ip(a), m.rand.Int64N(100_000))
		m.ends = append(m.ends, func() { n.SlowReader(ip(a), 0) })
	}
	if m.rand.IntN(3) > 0 {
		for _, end := range m.ends {
			end()
		}
		m.ends = nil
	}
}

// open opens the socket of a host and reads it.
func (m *mischief) open(host byte) {
	c, err := m.net.Host(ip(host)).ListenPacket(addrPort(host, 9))
	if err != nil {
		return // it was not closed
	}
	m.socks[host] = c
	m.self.Go(fmt.Sprint("socket ", m.rand.Uint64()), func(*actor.Self) error {
		for p := make([]byte, 2000); ; {
			if _, _, err := c.ReadFrom(p); err != nil {
				return nil
			}
		}
	})
}

// talk holds a conversation, as far as it gets.
func (m *mischief) talk(self *actor.Self, from, to byte) error {
	l, err := listen(self, m.net, to, fmt.Sprintf("/ip4/%s/tcp/0", ip(to)))
	if err != nil {
		return nil
	}
	defer l.Close()
	ctx, cancel := self.WithTimeout(5 * time.Second)
	defer cancel()
	link, err := m.net.Host(ip(from)).Dial(ctx, l.Addrs()[0], "")
	if err != nil {
		return nil
	}
	defer link.Close()
	there, err := l.Accept(ctx)
	if err != nil {
		return nil
	}
	self.Go("echo", func(*actor.Self) error {
		defer there.Close()
		there.Pipe.SetDeadline(self.Now().Add(20 * time.Second))
		io.Copy(there.Pipe, there.Pipe)
		return nil
	})
	link.Pipe.SetDeadline(self.Now().Add(20 * time.Second))
	sent := make([]byte, 40_000)
	self.Go("write", func(*actor.Self) error { link.Pipe.Write(sent); return nil })
	io.ReadFull(link.Pipe, sent)
	return nil
}

// misbehave plays a hundred mischiefs and looks after each, and at the end.
func misbehave(t *testing.T, self *actor.Self, n *Network, seed uint64, settled func(), bubble bool) error {
	before := buf.Live()
	m := &mischief{self: self, net: n, t: t, rand: rand.New(rand.NewPCG(seed, 0))}
	for host := byte(1); host <= 4; host++ {
		m.open(host)
	}
	for range 100 {
		m.one()
		settled()
		if err := unaccounted(n, bubble); err != nil {
			return err
		}
		self.Sleep(time.Duration(m.rand.IntN(100)) * ms)
		settled()
		if err := unaccounted(n, bubble); err != nil {
			return err
		}
	}
	for _, end := range m.ends {
		end()
	}
	self.Sleep(time.Hour)
	for _, c := range m.socks {
		if c != nil {
			c.Close()
		}
	}
	settled()
	if err := unaccounted(n, bubble); err != nil {
		return err
	}
	if on := n.TotalTraffic().OnTheWay(); on != (Count{}) {
		return fmt.Errorf("%+v is on its way for ever", on)
	}
	for ip, h := range n.hosts {
		if len(h.ends) > 0 {
			return fmt.Errorf("%v still has %d ends of connections", ip, len(h.ends))
		}
	}
	if lost := buf.Live() - before; lost != 0 {
		return fmt.Errorf("%d buffers were never released", lost)
	}
	return nil
}

// Whatever happens, at any time: what was sent has been delivered, is lost for a
// reason, or is on its way. In the end nothing is on its way.
func TestEverythingThatIsSentIsAccountedFor(t *testing.T) {
	var all Traffic
	config := LinkConfig{Latency: 5 * ms}
	for seed := range uint64(30) {
		onScheduler(t, seed, config, func(self *actor.Self, n *Network) error {
			err := misbehave(t, self, n, seed, func() {}, false)
			all.add(n.TotalTraffic())
			return err
		})
	}
	var missing []Reason
	for r := LostByChance; r < reasons; r++ {
		if all.Lost(r).Packets == 0 {
			missing = append(missing, r)
		}
	}
	if len(missing) > 0 || all.Flipped == 0 || all.Duplicated == 0 || all.Delivered.Bytes < 1_000_000 {
		t.Errorf("nothing was ever lost for the reasons %v: %+v", missing, all)
	}
}

func TestEverythingThatIsSentInABubbleIsAccountedFor(t *testing.T) {
	for seed := range uint64(10) {
		synctest.Test(t, func(t *testing.T) {
			err := actor.Run(t.Context(), "root", func(self *actor.Self) error {
				n := NewNetwork(self, seed, LinkConfig{Latency: 5 * ms})
				return misbehave(t, self, n, seed, synctest.Wait, true)
			})
			if err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
		})
	}
}

// What happens for one kind of accident stays as it was when another is switched
// on: the same datagrams are lost, with the same jitter.
func TestSwitchingOneAccidentOnLeavesTheOthers(t *testing.T) {
	base := LinkConfig{Latency: ms, Jitter: ms, Loss: Percent(10), Burst: Burst{Begin: Percent(1), End: Percent(20)}}
	fates := func(change func(*LinkConfig)) (all []time.Duration) {
		c := base
		change(&c)
		m := newLinkMachine(c, 3, noUplink())
		for range 1000 {
			f := m.Step(epoch, linkEvent{kind: linkDatagram, n: 100}, nil)[0]
			if f.kind == linkLost {
				all = append(all, -1)
			} else {
				all = append(all, f.at.Sub(epoch))
			}
		}
		return all
	}
	first := fates(func(*LinkConfig) {})
	for name, change := range map[string]func(*LinkConfig){
		"duplicates": func(c *LinkConfig) { c.Duplicate = Percent(50) },
		"flips":      func(c *LinkConfig) { c.Flip = Percent(50) },
	} {
		if !slices.Equal(first, fates(change)) {
			t.Errorf("%s change what is lost, or when the others arrive", name)
		}
	}
	lost := func(all []time.Duration) (at []int) {
		for i, d := range all {
			if d < 0 {
				at = append(at, i)
			}
		}
		return at
	}
	for name, change := range map[string]func(*LinkConfig){
		"jitter":     func(c *LinkConfig) { c.Jitter = 0 },
		"reordering": func(c *LinkConfig) { c.Reorder = Percent(50) },
		"a queue":    func(c *LinkConfig) { c.Bandwidth = 1_000_000_000 },
	} {
		if !slices.Equal(lost(first), lost(fates(change))) {
			t.Errorf("%s changes what is lost", name)
		}
	}
	for i, d := range fates(func(c *LinkConfig) { c.Loss, c.Burst = 0, Burst{} }) {
		if first[i] >= 0 && first[i] != d {
			t.Errorf("without losses number %d arrives after %v, not %v", i, d, first[i])
		}
	}
}

func TestASocketThatNobodyReadsHoldsALimitAndNoMore(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: ms}, func(self *actor.Self, n *Network) error {
		from, to := socket(t, n, 1), socket(t, n, 2)
		defer from.Close()
		defer to.Close()
		const size, fit = 1024, unreadLimit / 1024
		fill := func() {
			for range 300 {
				from.WriteTo(make([]byte, size), to.LocalAddr())
			}
			self.Sleep(10 * ms)
		}
		fill()
		if tr := n.Traffic(ip(1), ip(2)); tr.Delivered != (Count{fit, fit * size}) || tr.Lost(LostByQueue).Packets != 300-fit {
			return fmt.Errorf("%+v", tr)
		}
		for range fit { // and what is read makes room again
			if _, _, err := to.ReadFrom(make([]byte, size)); err != nil {
				return err
			}
		}
		fill()
		if tr := n.Traffic(ip(1), ip(2)); tr.Delivered.Packets != 2*fit {
			return fmt.Errorf("after reading: %+v", tr)
		}
		return nil
	})
}
