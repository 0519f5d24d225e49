package sim

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// gossip is a protocol by which hosts tell each other which numbers they know:
// every three seconds each one asks a neighbour, and both know what either knew.
type gossip struct {
	hosts int
	known []map[byte]bool // by host
	infos []peer.Info
}

func (g *gossip) start(w *World) {
	g.known, g.infos = make([]map[byte]bool, g.hosts), make([]peer.Info, g.hosts)
	for i := range g.hosts {
		s := w.Site(fmt.Sprint("h", i), func(s *Site) error {
			known := map[byte]bool{byte(i): true} // it forgets the rest when it crashes
			g.known[i] = known
			s.Self().Go("ask", func(self *actor.Self) error { return g.ask(self, s, i, known) })
			return s.Serve("/gossip/1", func(_ *actor.Self, st *stream.Stream) error {
				st.SetDeadline(actor.Now(st.Context()).Add(5 * time.Second))
				return g.exchange(st, known)
			})
		}, plain())
		g.infos[i] = s.Info()
	}
}

func (g *gossip) ask(self *actor.Self, s *Site, i int, known map[byte]bool) error {
	h := s.Host
	for self.Sleep(3*time.Second+time.Duration(self.Rand().IntN(100))*time.Millisecond) == nil {
		to := g.infos[(i+[]int{1, 7}[self.Rand().IntN(2)])%g.hosts]
		ctx, cancel := self.WithTimeout(5 * time.Second)
		if h.Connect(ctx, to) == nil {
			if st, err := h.Open(ctx, to.ID, "/gossip/1"); err == nil {
				st.SetDeadline(actor.Now(self).Add(5 * time.Second))
				g.exchange(st.WithContext(ctx), known)
				st.Close()
			}
		}
		cancel()
	}
	return nil
}

// exchange writes what is known and adds what is read: a number of numbers, and
// those.
func (g *gossip) exchange(st *stream.Stream, known map[byte]bool) error {
	message := []byte{0}
	for n := range g.hosts {
		if known[byte(n)] {
			message = append(message, byte(n))
		}
	}
	message[0] = byte(len(message) - 1)
	if _, err := st.Write(message); err != nil {
		return err
	}
	answer := make([]byte, 256)
	if _, err := io.ReadFull(st, answer[:1]); err != nil {
		return err
	}
	answer = answer[:answer[0]]
	if _, err := io.ReadFull(st, answer); err != nil {
		return err
	}
	for _, n := range answer {
		if int(n) < g.hosts {
			known[n] = true
		}
	}
	return nil
}

// complete reports who does not know everything.
func (g *gossip) complete() error {
	for i, known := range g.known {
		if len(known) < g.hosts {
			return fmt.Errorf("h%d knows %d of %d", i, len(known), g.hosts)
		}
	}
	return nil
}

// chaos is the scenario: 50 hosts, 40 faults in 20 s, all healed after 30 s.
func chaos(w *World) error {
	g := &gossip{hosts: 50}
	g.start(w)
	w.Chaos(Chaos{Faults: 40, From: 2 * time.Second, Until: 22 * time.Second})
	w.Eventually("everybody knows everything", 5*time.Minute, g.complete)
	w.Run(30 * time.Second)
	return nil
}

var chaosConfig = Config{Link: LinkConfig{Latency: 20 * time.Millisecond, Jitter: 5 * time.Millisecond}, Horizon: time.Hour}

func TestEverybodyKnowsEverythingAfterAnyChaosOnAnyNumberOfThreads(t *testing.T) {
	for seed := range uint64(4) { // 3 has a host that starts again while its connections linger
		var traces [2]Trace
		var results [2]Result
		for i, shards := range []int{0, 2} {
			c := chaosConfig
			c.Seed, c.Shards, c.Record = seed, shards, &traces[i]
			var err error
			if results[i], err = Run(t.Context(), c, chaos); err != nil {
				t.Errorf("%d shards: %v: %v", shards, results[i], err)
			}
		}
		if results[0] != results[1] {
			t.Errorf("%v in turns, %v on two threads: %v", results[0], results[1], Compare(&traces[0], &traces[1]))
		}
		if perEvent := float64(traces[0].Size()) / float64(traces[0].Len()); perEvent > 12 {
			t.Errorf("a trace takes %.1f bytes an event", perEvent)
		}
	}
}

// BenchmarkChaos reports how many seeds of the chaos scenario one core plays in a
// second of its time.
func BenchmarkChaos(b *testing.B) {
	var steps uint64
	for seed := range uint64(b.N) {
		c := chaosConfig
		c.Seed = seed
		result, err := Run(b.Context(), c, chaos)
		if err != nil {
			b.Errorf("%v: %v", result, err)
		}
		steps += result.Steps
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "seeds/s")
	b.ReportMetric(float64(steps)/float64(b.N), "steps/seed")
}
