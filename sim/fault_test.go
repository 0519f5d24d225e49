package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

func hosts(all ...byte) (ips []netip.Addr) {
	for _, n := range all {
		ips = append(ips, ip(n))
	}
	return ips
}

func dialTo(ctx context.Context, n *Network, from, to byte) (transport.Link, error) {
	return n.Host(ip(from)).Dial(ctx, ma.StringCast(fmt.Sprintf("/ip4/%s/tcp/4001", ip(to))), "")
}

// expect reads one byte or an error at a time since began.
func expect(self *actor.Self, c net.Conn, began time.Time, at time.Duration, want error) error {
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, want) {
		return fmt.Errorf("read: got %v, want %v", err, want)
	}
	return took(self, began, at)
}

// A connection over a direction that is cut sends again after 220 ms (a round trip
// and 200 ms), then after 440 and so on: what was written meanwhile arrives 10 ms
// after the first of those that finds the direction healed.
func TestAConnectionStallsInACutAndGoesOnAfterIt(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		began := self.Now()
		heal := n.Cut(hosts(1), hosts(2))
		io.WriteString(a, "x")
		io.WriteString(b, "y") // the other direction is whole
		if err := expect(self, a, began, 10*ms, nil); err != nil {
			return err
		}
		self.Sleep(300 * ms)
		io.WriteString(a, "zz")
		heal()
		for range 3 {
			if err := expect(self, b, began, 670*ms, nil); err != nil { // 220 + 440 + 10
				return err
			}
		}
		tr := n.Traffic(ip(1), ip(2))
		if tr.Lost(LostByCut) != (Count{2, 2}) {
			return fmt.Errorf("%+v", tr)
		}
		a.Close()
		return b.Close()
	})
}

func TestWhatIsUnderWayWhenACutBeginsArrives(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		began := self.Now()
		io.WriteString(a, "x")
		defer n.Cut(nil, nil)()
		if err := expect(self, b, began, 10*ms, nil); err != nil {
			return err
		}
		a.Close() // the end, too, waits for better times
		b.SetReadDeadline(began.Add(time.Minute))
		return expect(self, b, began, time.Minute, os.ErrDeadlineExceeded)
	})
}

func TestAConnectionInALongCutTimesOut(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		defer b.Close()
		began := self.Now()
		n.Cut(hosts(1), hosts(2))
		io.WriteString(a, "x")
		_, err = a.Read(make([]byte, 1))
		if d := self.Now().Sub(began); !errors.Is(err, syscall.ETIMEDOUT) || d < sendPatience || d > sendPatience+maxTimeout {
			return fmt.Errorf("after %v: %w", d, err)
		}
		if _, err := a.Write([]byte{1}); !errors.Is(err, syscall.ETIMEDOUT) {
			return err
		}
		return a.Close()
	})
}

func TestAPartitionHasManySidesAndTheRestReachesEverybody(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: ms}, func(self *actor.Self, n *Network) error {
		const all = 7
		var sockets [all + 1]*PacketConn
		for i := byte(1); i <= all; i++ {
			sockets[i] = socket(t, n, i)
			defer sockets[i].Close()
		}
		reached := func() (got string) {
			for i := byte(1); i <= all; i++ {
				for j := byte(1); j <= all; j++ {
					sockets[i].WriteTo([]byte{i}, sockets[j].LocalAddr())
				}
			}
			for j := 1; j <= all; j++ {
				sockets[j].SetReadDeadline(self.Now().Add(2 * ms))
				for p := make([]byte, 1); ; {
					if _, _, err := sockets[j].ReadFrom(p); err != nil {
						break
					}
					got += fmt.Sprint(p[0])
				}
				got += " "
			}
			return got
		}
		first := n.Partition(hosts(1, 2), hosts(3, 4), hosts(5, 6))
		if got := reached(); got != "127 127 347 347 567 567 1234567 " {
			return fmt.Errorf("under the first one: %s", got)
		}
		second := n.Partition(hosts(1), hosts(2, 7))
		if got := reached(); got != "1 27 347 347 567 567 234567 " {
			return fmt.Errorf("under both: %s", got)
		}
		first()
		first()
		if got := reached(); got != "13456 234567 1234567 1234567 1234567 1234567 234567 " {
			return fmt.Errorf("under the second one: %s", got)
		}
		second()
		if got := reached(); got != "1234567 1234567 1234567 1234567 1234567 1234567 1234567 " {
			return fmt.Errorf("healed: %s", got)
		}
		return nil
	})
}

func TestACrashResetsConnectionsAndRefusesDials(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		s := socket(t, n, 2)
		io.WriteString(b, "x")
		began := self.Now()
		n.Crash(ip(2))
		if _, err := b.Write([]byte{1}); !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("the crashed host writes: %w", err)
		}
		if _, err := l.Accept(self); !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("the crashed host accepts: %w", err)
		}
		if _, _, err := s.ReadFrom(nil); !errors.Is(err, net.ErrClosed) {
			return fmt.Errorf("the crashed host reads: %w", err)
		}
		if err := expect(self, a, began, 10*ms, nil); err != nil { // what came before
			return err
		}
		if err := expect(self, a, began, 10*ms, mem.ErrReset); err != nil {
			return err
		}
		if _, err := a.Write([]byte{1}); !errors.Is(err, mem.ErrReset) {
			return err
		}
		if _, err := dialTo(self, n, 1, 2); !errors.Is(err, transport.ErrRefused) {
			return fmt.Errorf("dial: %w", err)
		}
		if l, err = listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001"); err != nil {
			return err
		}
		defer l.Close()
		link, err := dialTo(self, n, 1, 2)
		if err != nil {
			return err
		}
		return link.Close()
	})
}

// While the power is off nothing comes back. Later the host knows nothing of the
// connection, and says so to the first thing that is sent again.
func TestAPowerCutIsSilentUntilTheHostIsBack(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		began := self.Now()
		n.PowerOff(ip(2))
		if _, err := b.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
			return err
		}
		io.WriteString(a, "x")
		a.SetReadDeadline(began.Add(500 * ms))
		if err := expect(self, a, began, 500*ms, os.ErrDeadlineExceeded); err != nil {
			return err
		}
		ctx, cancel := self.WithTimeout(100 * ms)
		defer cancel()
		if _, err := dialTo(ctx, n, 1, 2); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("dial: %w", err)
		}
		n.PowerOn(ip(2))
		a.SetReadDeadline(time.Time{})
		if err := expect(self, a, began, 680*ms, mem.ErrReset); err != nil { // 220 + 440 + 20
			return err
		}
		_, err = dialTo(self, n, 1, 2)
		if !errors.Is(err, transport.ErrRefused) {
			return fmt.Errorf("dial after it: %w", err)
		}
		return nil
	})
}

func TestWhoSentToAHostAsItsPowerWentHearsOfItLater(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, _, err := connected(self, n)
		if err != nil {
			return err
		}
		idle, _, err := connected(self, n)
		if err != nil {
			return err
		}
		began := self.Now()
		io.WriteString(a, "x")
		self.Sleep(5 * ms)
		n.PowerOff(ip(2))
		self.Sleep(95 * ms)
		n.PowerOn(ip(2))
		if err := expect(self, a, began, 110*ms, mem.ErrReset); err != nil {
			return err
		}
		idle.SetReadDeadline(began.Add(time.Hour)) // who sends nothing hears nothing
		return expect(self, idle, began, time.Hour, os.ErrDeadlineExceeded)
	})
}

func TestDialsCanBeRefusedIgnoredAndReset(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		began := self.Now()
		n.SetDials(ip(2), DialRefuse)
		if _, err := dialTo(self, n, 1, 2); !errors.Is(err, transport.ErrRefused) {
			return fmt.Errorf("refused: %w", err)
		}
		if err := took(self, began, 20*ms); err != nil {
			return err
		}
		n.SetDials(ip(2), DialReset)
		link, err := dialTo(self, n, 1, 2)
		if err != nil {
			return err
		}
		if err := expect(self, link.Pipe, began, 40*ms, mem.ErrReset); err != nil {
			return err
		}
		n.SetDials(ip(2), DialIgnore)
		self.Go("heal", func(self *actor.Self) error {
			self.Sleep(5 * time.Second)
			n.SetDials(ip(2), DialAnswer)
			return nil
		})
		// Asked again after 1, 3 and 7 seconds.
		began = self.Now()
		if link, err = dialTo(self, n, 1, 2); err != nil {
			return err
		}
		defer link.Close()
		return took(self, began, 7*time.Second+20*ms)
	})
}

func TestADialIsAskedSevenTimesAndNoMore(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		n.Host(ip(2))
		n.SetDials(ip(2), DialIgnore)
		ctx, cancel := self.WithTimeout(time.Hour)
		defer cancel()
		if _, err := dialTo(ctx, n, 1, 2); !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		if sent := n.Traffic(ip(1), ip(2)).Sent.Packets; sent != 7 {
			return fmt.Errorf("%d packets were sent", sent)
		}
		return nil
	})
}

// The question comes three times before the answer is back, and opens one
// connection.
func TestADialOverALongWayOpensOneConnection(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 2 * time.Second}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		began := self.Now()
		link, err := dialTo(self, n, 1, 2)
		if err != nil {
			return err
		}
		defer link.Close()
		if err := took(self, began, 4*time.Second); err != nil {
			return err
		}
		first, err := l.Accept(self)
		if err != nil {
			return err
		}
		defer first.Close()
		ctx, cancel := self.WithTimeout(time.Minute)
		defer cancel()
		if _, err := l.Accept(ctx); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("a second one: %w", err)
		}
		return nil
	})
}

func TestAResetEndsTheConnectionsBetweenTwoHostsOnly(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		c, d, err := connectedTo(self, n, 3, 2)
		if err != nil {
			return err
		}
		began := self.Now()
		if ended := n.Reset(ip(2), ip(1)); ended != 2 {
			return fmt.Errorf("%d ends", ended)
		}
		for _, end := range []net.Conn{a, b} {
			if err := expect(self, end, began, 0, mem.ErrReset); err != nil {
				return err
			}
		}
		io.WriteString(c, "x")
		if err := expect(self, d, began, 10*ms, nil); err != nil {
			return err
		}
		c.Close()
		return d.Close()
	})
}

func TestASlowReaderFillsTheWindowAndTheWriterWaits(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms, Window: 10_000}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		defer a.Close()
		defer b.Close()
		n.SlowReader(ip(2), -1)
		began := self.Now()
		a.SetWriteDeadline(began.Add(time.Second))
		if sent, err := a.Write(make([]byte, 50_000)); sent != 10_000 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("wrote %d: %w", sent, err)
		}
		a.SetWriteDeadline(time.Time{})
		b.SetReadDeadline(began.Add(2 * time.Second))
		if err := expect(self, b, began, 2*time.Second, os.ErrDeadlineExceeded); err != nil {
			return err
		}
		b.SetReadDeadline(time.Time{})
		n.SlowReader(ip(2), 1000)
		if _, err := io.ReadFull(b, make([]byte, 5000)); err != nil {
			return err
		}
		if err := took(self, began, 6900*ms); err != nil { // the last 100 at once
			return err
		}
		later := self.Go("as fast as it likes", func(self *actor.Self) error {
			self.Sleep(50 * ms)
			n.SlowReader(ip(2), 0)
			return nil
		})
		if _, err := io.ReadFull(b, make([]byte, 5000)); err != nil {
			return err
		}
		if err := took(self, began, 6950*ms); err != nil {
			return err
		}
		return later.Wait(self)
	})
}

func TestFlippedBitsAreCountedAndEachIsOne(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: ms, Chunk: 100}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		defer a.Close()
		defer b.Close()
		end := n.Disturb(hosts(1), nil, func(c *LinkConfig) { c.Flip = Percent(50) })
		sent := bytes.Repeat([]byte("as it was written"), 1000)
		self.Go("write", func(*actor.Self) error { _, err := a.Write(sent); return err })
		got := make([]byte, len(sent))
		if _, err := io.ReadFull(b, got); err != nil {
			return err
		}
		flipped := int64(0)
		for i := range sent {
			for x := sent[i] ^ got[i]; x != 0; x &= x - 1 {
				flipped++
			}
		}
		if tr := n.Traffic(ip(1), ip(2)); flipped != tr.Flipped || deviates(flipped, int64(len(sent)/100), 500_000, 1) {
			return fmt.Errorf("%d bits differ, %d were turned over", flipped, tr.Flipped)
		}
		end()
		io.WriteString(a, "whole")
		if _, err := io.ReadFull(b, got[:5]); err != nil || string(got[:5]) != "whole" {
			return fmt.Errorf("after it %q: %w", got[:5], err)
		}
		return nil
	})
}

func TestDisturbancesAddUpAndEndInAnyOrder(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		from, to := socket(t, n, 1), socket(t, n, 2)
		defer from.Close()
		defer to.Close()
		latency := func(want time.Duration) error {
			began := self.Now()
			from.WriteTo(nil, to.LocalAddr())
			to.ReadFrom(nil)
			return took(self, began, want)
		}
		slower := func(d time.Duration) func() {
			return n.Disturb(hosts(1), hosts(2), func(c *LinkConfig) { c.Latency += d })
		}
		first, second := slower(ms), slower(10*ms)
		other := n.Disturb(hosts(2), nil, func(c *LinkConfig) { c.Latency = time.Hour })
		defer other()
		steps := []func() error{
			func() error { return latency(21 * ms) },
			func() error { first(); return latency(20 * ms) },
			func() error { n.SetLink(ip(1), ip(2), LinkConfig{Latency: 5 * ms}); return latency(15 * ms) },
			func() error { second(); return latency(5 * ms) },
		}
		for i, step := range steps {
			if err := step(); err != nil {
				return fmt.Errorf("step %d: %w", i, err)
			}
		}
		return nil
	})
}

// What was read during a cut is told when it is over, however long it was, and the
// writer goes on.
func TestTheNewsOfWhatWasReadOutlivesACut(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms, Window: 1000}, func(self *actor.Self, n *Network) error {
		a, b, err := connected(self, n)
		if err != nil {
			return err
		}
		heal := n.Cut(hosts(2), hosts(1))
		writer := self.Go("write", func(*actor.Self) error { _, err := a.Write(make([]byte, 2000)); return err })
		if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
			return err
		}
		self.Sleep(time.Hour)
		heal()
		began := self.Now()
		if _, err := io.ReadFull(b, make([]byte, 1000)); err != nil {
			return err
		}
		if d := self.Now().Sub(began); d > maxTimeout+20*ms {
			return fmt.Errorf("it came after %v", d)
		}
		if err := writer.Wait(self); err != nil {
			return err
		}
		a.Close()
		return b.Close()
	})
}

func TestACrashOfAHostWithoutPowerDoesNotBringItBack(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 10 * ms}, func(self *actor.Self, n *Network) error {
		from := socket(t, n, 1)
		defer from.Close()
		from.WriteTo([]byte{1}, socket(t, n, 2).LocalAddr())
		n.PowerOff(ip(2))
		n.Crash(ip(2))
		self.Sleep(time.Second)
		if tr := n.Traffic(ip(1), ip(2)); tr.Lost(LostByDown) != (Count{1, 1}) {
			return fmt.Errorf("%+v", tr)
		}
		return nil
	})
}

func TestAScheduleChangesTheAccessAtItsTimes(t *testing.T) {
	inWorlds(t, LinkConfig{}, func(self *actor.Self, n *Network) error {
		from, to := socket(t, n, 1), socket(t, n, 2)
		defer from.Close()
		defer to.Close()
		end := n.Schedule(ip(1), Pace{0, Access{Up: 1000}}, Pace{time.Second, Access{Up: 100}}, Pace{2 * time.Second, Access{}}, Pace{3 * time.Second, Access{Up: 1}})
		self.Sleep(ms)
		for i, want := range []time.Duration{10 * ms, 100 * ms, 0, 0} {
			began := self.Now()
			from.WriteTo(make([]byte, 10), to.LocalAddr())
			if _, _, err := to.ReadFrom(make([]byte, 10)); err != nil {
				return err
			}
			if err := took(self, began, want); err != nil {
				return fmt.Errorf("in second %d %w", i, err)
			}
			if i == 2 {
				end()
			}
			self.Sleep(time.Second - want)
		}
		return nil
	})
}
