package sim

import (
	"fmt"
	"math/big"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// onScheduler runs a scenario on the scheduler, with one seed.
func onScheduler(t *testing.T, seed uint64, config LinkConfig, f func(self *actor.Self, n *Network) error) {
	t.Helper()
	err := actor.NewScheduler(seed, nil).Run(t.Context(), "root", func(self *actor.Self) error {
		return f(self, NewNetwork(self, seed, config))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// socket opens one at a host.
func socket(t *testing.T, n *Network, host byte) *PacketConn {
	t.Helper()
	c, err := n.Host(ip(host)).ListenPacket(addrPort(host, 9))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// within reports whether got is within a thousandth of want.
func within(got, want int64) bool { return max(got-want, want-got)*1000 <= want }

// Ten seconds of datagrams at one and a half times what the path carries: each of
// its three wires in turn is the narrow one.
func TestDatagramsGetTheBandwidthOfTheNarrowestWire(t *testing.T) {
	const wide, narrow, size = 4_000_000, 1_000_003, 1000
	for name, c := range map[string]struct{ up, own, down int64 }{
		"the uplink":   {narrow, 0, 0},
		"the link":     {wide, narrow, wide},
		"the downlink": {wide, wide, narrow},
	} {
		t.Run(name, func(t *testing.T) {
			onScheduler(t, 1, LinkConfig{Latency: 20 * ms, Bandwidth: c.own}, func(self *actor.Self, n *Network) error {
				n.SetAccess(ip(1), Access{Up: c.up})
				n.SetAccess(ip(2), Access{Down: c.down})
				from, to := socket(t, n, 1), socket(t, n, 2)
				var times []time.Time
				self.Go("read", func(self *actor.Self) error {
					for p := make([]byte, size); ; {
						if _, _, err := to.ReadFrom(p); err != nil {
							return nil
						}
						times = append(times, self.Now())
					}
				})
				began := self.Now()
				for i := range time.Duration(18_000) {
					self.Sleep(began.Add(i * 2 * ms / 3).Sub(self.Now()))
					from.WriteTo(make([]byte, size), to.LocalAddr())
				}
				self.Sleep(time.Second)
				to.Close()
				first := times[0] // from then on the wire is busy for 12 seconds
				got := int64(0)
				for _, at := range times[1:] {
					if at.Sub(first) <= 10*time.Second {
						got += size
					}
				}
				if !within(got, 10*narrow) {
					t.Errorf("%d bytes came in 10 s, want %d", got, 10*narrow)
				}
				tr := n.Traffic(ip(1), ip(2))
				if lost := tr.Lost(LostByQueue); lost.Packets == 0 || tr.OnTheWay() != (Count{}) {
					t.Errorf("lost %v, on the way %v", lost, tr.OnTheWay())
				}
				return nil
			})
		})
	}
}

func TestAConnectionGetsTheBandwidthOfTheNarrowestWire(t *testing.T) {
	const wide, narrow = 40_000_000, 5_000_011
	for name, c := range map[string]struct{ up, own, down int64 }{
		"the uplink":   {narrow, 0, 0},
		"the link":     {wide, narrow, wide},
		"the downlink": {wide, wide, narrow},
	} {
		t.Run(name, func(t *testing.T) {
			config := LinkConfig{Latency: 20 * ms, Bandwidth: c.own, Chunk: 1460}
			onScheduler(t, 1, config, func(self *actor.Self, n *Network) error {
				n.SetAccess(ip(1), Access{Up: c.up})
				n.SetAccess(ip(2), Access{Down: c.down})
				a, b, err := connected(self, n)
				if err != nil {
					return err
				}
				self.Go("write", func(*actor.Self) error {
					for p := make([]byte, 64<<10); ; {
						if _, err := a.Write(p); err != nil {
							return nil
						}
					}
				})
				p := make([]byte, 64<<10)
				_, err = b.Read(p)
				first := self.Now()
				got := 0
				b.SetReadDeadline(first.Add(10 * time.Second))
				for err == nil {
					var k int
					k, err = b.Read(p)
					got += k
				}
				if !within(int64(got), 10*narrow) {
					t.Errorf("%d bytes came in 10 s, want %d", got, 10*narrow)
				}
				a.Close()
				return b.Close()
			})
		})
	}
}

func TestTheLatencyIsExactBetweenAllRegions(t *testing.T) {
	regions := Regions8()
	inWorlds(t, LinkConfig{}, func(self *actor.Self, n *Network) error {
		n.UseRegions(regions)
		var sockets []net.PacketConn
		for i, name := range regions.Names() {
			if err := n.Place(ip(byte(i+1)), name); err != nil {
				return err
			}
			c, err := n.Host(ip(byte(i + 1))).ListenPacket(addrPort(byte(i+1), 9))
			if err != nil {
				return err
			}
			defer c.Close()
			sockets = append(sockets, c)
		}
		for i, from := range sockets {
			for j, to := range sockets {
				want, _ := regions.Latency(regions.Names()[i], regions.Names()[j])
				began := self.Now()
				from.WriteTo([]byte{1}, to.LocalAddr())
				_, source, err := to.ReadFrom(make([]byte, 1))
				if err != nil || source.String() != from.LocalAddr().String() {
					return fmt.Errorf("from %v: %w", source, err)
				}
				if err := took(self, began, want); err != nil {
					return fmt.Errorf("from %s to %s %w", regions.Names()[i], regions.Names()[j], err)
				}
			}
		}
		return nil
	})
}

func TestAnOverlongDatagramNeverBlocksTheNext(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms, Bandwidth: 1_000_000}, func(self *actor.Self, n *Network) error {
		from, to := socket(t, n, 1), socket(t, n, 2)
		defer from.Close()
		defer to.Close()
		began := self.Now()
		for _, size := range []int{1473, 1000, 65_536, 1472} {
			if sent, err := from.WriteTo(make([]byte, size), to.LocalAddr()); sent != size || err != nil {
				return fmt.Errorf("wrote %d: %w", sent, err)
			}
		}
		for _, want := range []struct {
			size int
			at   time.Duration
		}{{1000, 11 * ms}, {1472, 12*ms + 472*time.Microsecond}} {
			got, _, err := to.ReadFrom(make([]byte, 2000))
			if err != nil || got != want.size {
				return fmt.Errorf("read %d: %w", got, err)
			}
			if err := took(self, began, want.at); err != nil {
				return err
			}
		}
		if lost := n.Traffic(ip(1), ip(2)).Lost(LostByMTU); lost != (Count{2, 1473 + 65_536}) {
			return fmt.Errorf("lost %+v", lost)
		}
		return nil
	})
}

// deviates reports whether got of n trials is more than three standard deviations
// from what a probability of p parts per million makes of them. The variance is
// taken times spread, for trials that hang together.
func deviates(got, n, p, spread int64) bool {
	million := int64(certain)
	d := got*million - n*p
	d2 := new(big.Int).Mul(big.NewInt(d), big.NewInt(d))
	v := new(big.Int).Mul(big.NewInt(9*n*p), big.NewInt((million-p)*spread))
	return d2.Cmp(v) > 0
}

func TestLossesAreAsManyAsWasSaid(t *testing.T) {
	const n = 200_000
	for _, p := range []PPM{100, 10_000, 250_000, 999_000} {
		m := newLinkMachine(LinkConfig{Loss: p}, uint64(p), noUplink())
		lost := int64(0)
		for range n {
			if m.Step(epoch, linkEvent{kind: linkDatagram, n: 1}, nil)[0].kind == linkLost {
				lost++
			}
		}
		if deviates(lost, n, int64(p), 1) {
			t.Errorf("of %d datagrams %d are lost, with a chance of %d in a million", n, lost, p)
		}
	}
}

// A burst begins with 1 % and lasts 20 packets on average, in which all is lost:
// 1/6 of all, in runs.
func TestBurstsAreAsLongAndAsManyAsWasSaid(t *testing.T) {
	const n = 400_000
	m := newLinkMachine(LinkConfig{Burst: Burst{Begin: Percent(1), End: Percent(5)}}, 1, noUplink())
	var lost, bursts int64
	in := false
	for range n {
		gone := m.Step(epoch, linkEvent{kind: linkDatagram, n: 1}, nil)[0].kind == linkLost
		if gone {
			lost++
			if !in {
				bursts++
			}
		}
		in = gone
	}
	// Losses that hang together over r = 1 - 0.01 - 0.05 from one to the next vary
	// (1+r)/(1-r) times as much: 32.3.
	if deviates(lost, n, 166_667, 33) {
		t.Errorf("%d of %d are lost", lost, n)
	}
	// A burst is geometric: its length varies by 20 * 19, and the mean of all by
	// that divided by their number.
	mean := lost * 1000 / bursts
	if d := mean - 20_000; d*d > 9*1_000_000*380/bursts {
		t.Errorf("%d bursts of %d thousandths of a packet each", bursts, mean)
	}
}

func TestDuplicatesComeTwiceAndLateOnesAreOvertaken(t *testing.T) {
	config := LinkConfig{Latency: 10 * ms, Duplicate: Percent(20), Reorder: Percent(20)}
	inWorlds(t, config, func(self *actor.Self, n *Network) error {
		from, to := socket(t, n, 1), socket(t, n, 2)
		defer from.Close()
		const sent = 200
		for i := range byte(sent) {
			from.WriteTo([]byte{i}, to.LocalAddr())
			self.Sleep(ms)
		}
		self.Sleep(time.Second)
		to.SetReadDeadline(self.Now().Add(ms))
		var times [256]int
		last, overtaken, got := 0, 0, int64(0)
		for p := make([]byte, 1); ; got++ {
			if _, _, err := to.ReadFrom(p); err != nil {
				break
			}
			times[p[0]]++
			if int(p[0]) < last {
				overtaken++
			}
			last = max(last, int(p[0]))
		}
		tr := n.Traffic(ip(1), ip(2))
		if slices.Contains(times[:sent], 0) || slices.Max(times[:]) != 2 || got != sent+tr.Duplicated || tr.Delivered.Packets != got {
			return fmt.Errorf("%d came, each so often: %v; %+v", got, times[:sent], tr)
		}
		if deviates(tr.Duplicated, sent, 200_000, 1) || overtaken < sent/10 {
			return fmt.Errorf("%d came twice, %d were overtaken", tr.Duplicated, overtaken)
		}
		return to.Close()
	})
}

// Twenty runs of a link that gets twice what it can carry, from two hosts, with
// jitter and loss: what arrives, and when, is the same in each, on both carriers.
func TestACongestedLinkDoesTheSameForTheSameSeed(t *testing.T) {
	play := func(self *actor.Self, n *Network) (trace []string) {
		n.SetAccess(ip(3), Access{Down: 1_000_000, DownQueue: 20_000})
		to := socket(t, n, 3)
		began := self.Now()
		for _, host := range []byte{1, 2} {
			from := socket(t, n, host)
			self.Go(fmt.Sprint("sender ", host), func(self *actor.Self) error {
				defer from.Close()
				for i := range 500 {
					from.WriteTo([]byte(fmt.Sprintf("%1000d", i)), to.LocalAddr())
					self.Sleep(ms + time.Duration(host)) // never at the same time
				}
				return nil
			})
		}
		to.SetReadDeadline(began.Add(time.Second))
		for p := make([]byte, 2000); ; {
			n, from, err := to.ReadFrom(p)
			if err != nil {
				break
			}
			trace = append(trace, fmt.Sprintf("%v %v %s", self.Now().Sub(began), from, p[n-4:n]))
		}
		to.Close()
		return append(trace, fmt.Sprint(n.Traffic(ip(1), ip(3)), n.Traffic(ip(2), ip(3))))
	}
	config := LinkConfig{Latency: 10 * ms, Jitter: 3 * ms, Loss: Percent(1)}
	var first []string
	same := func(trace []string) {
		t.Helper()
		if first == nil {
			first = trace
		}
		if !slices.Equal(trace, first) {
			t.Fatalf("%d lines, then %d", len(first), len(trace))
		}
	}
	for range 10 {
		onScheduler(t, 5, config, func(self *actor.Self, n *Network) error { same(play(self, n)); return nil })
		synctest.Test(t, func(t *testing.T) {
			err := actor.Run(t.Context(), "root", func(self *actor.Self) error {
				same(play(self, NewNetwork(self, 5, config)))
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	if len(first) < 400 || len(first) > 900 {
		t.Errorf("%d of 1000 came", len(first)-1)
	}
}
