package sim

import (
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// BenchmarkDatagrams is one datagram of 1 KiB from the Write to the Read, through
// an uplink, a link with jitter and loss switched on, and a downlink.
func BenchmarkDatagrams(b *testing.B) {
	config := LinkConfig{Latency: 10 * ms, Jitter: ms, Loss: 1}
	err := actor.NewScheduler(1, nil).Run(b.Context(), "root", func(self *actor.Self) error {
		n := NewNetwork(self, 1, config)
		for host := byte(1); host <= 2; host++ {
			n.SetAccess(ip(host), Access{Up: 1e9, Down: 1e9})
		}
		from, err := n.Host(ip(1)).ListenPacket(addrPort(1, 9))
		if err != nil {
			return err
		}
		to, err := n.Host(ip(2)).ListenPacket(addrPort(2, 9))
		if err != nil {
			return err
		}
		p := make([]byte, 1024)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			from.WriteTo(p, to.LocalAddr())
			to.SetReadDeadline(self.Now().Add(time.Second))
			to.ReadFrom(p)
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkConnection is 1 KiB from the Write to the Read of a connection.
func BenchmarkConnection(b *testing.B) {
	err := actor.NewScheduler(1, nil).Run(b.Context(), "root", func(self *actor.Self) error {
		n := NewNetwork(self, 1, LinkConfig{Latency: 10 * ms, Jitter: ms, Loss: 1})
		here, there, err := connected(self, n)
		if err != nil {
			return err
		}
		p := make([]byte, 1024)
		b.ReportAllocs()
		b.ResetTimer()
		for range b.N {
			if _, err := here.Write(p); err != nil {
				return err
			}
			if _, err := there.Read(p); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
