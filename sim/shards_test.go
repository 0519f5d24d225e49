package sim

import (
	"context"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
)

// A mesh is a number of hosts in a ring with chords, each connected with some
// neighbours on both sides, that send them messages.
type mesh struct {
	hosts   int
	degree  int // connections of each host; even
	noise   bool
	size    int           // of a message
	every   time.Duration // how often a host sends one
	got     []int         // messages, by host
	all     []*host.Host
	options []host.Option
}

// plain is the usual host without a secure channel.
func plain() host.Option {
	return host.Security(func(key peer.Key) negotiate.Security { return plaintext.New(key) })
}

// start makes the hosts.
func (m *mesh) start(w *World) {
	m.got, m.all = make([]int, m.hosts), make([]*host.Host, m.hosts)
	options := append([]host.Option{host.Muxer(yamux.Factory(yamux.Options{}))}, m.options...)
	if !m.noise {
		options = append(options, plain())
	}
	for i := range m.hosts {
		h := w.Host(fmt.Sprint("host", i), options...)
		m.all[i] = h
		h.Handle(h.Self(), "/mesh/1", func(_ *actor.Self, s *stream.Stream) error {
			for p := make([]byte, m.size); ; m.got[i]++ {
				if _, err := io.ReadFull(s, p); err != nil {
					return nil
				}
			}
		})
	}
}

// neighbours are those that a host dials: half of its connections.
func (m *mesh) neighbours(i int) (list []int) {
	step := 1
	for range m.degree / 2 {
		list = append(list, (i+step)%m.hosts)
		step = step*3 + 1
	}
	return list
}

// connect has each host dial its neighbours, all at once, and waits until all
// have.
func (m *mesh) connect(w *World) error {
	infos := make([]peer.Info, m.hosts)
	for i, h := range m.all {
		infos[i] = h.Info()
	}
	return m.each(w, "dial", func(self *actor.Self, i int) error {
		for _, to := range m.neighbours(i) {
			if err := m.all[i].Connect(self, infos[to]); err != nil {
				return err
			}
		}
		return nil
	})
}

// each runs f at each host, and sleeps until all are done.
func (m *mesh) each(w *World, name string, f func(self *actor.Self, i int) error) error {
	var refs []*actor.Ref
	for i, h := range m.all {
		refs = append(refs, actor.Start(h.Self(), name, func(self *actor.Self) error { return f(self, i) }))
	}
	for _, r := range refs {
		for {
			select { // a look from time to time lets the hosts go on by themselves
			case <-r.Done():
			default:
				if err := w.Sleep(50 * time.Millisecond); err != nil {
					return err
				}
				continue
			}
			break
		}
		if err := r.Err(); err != nil {
			return err
		}
	}
	return nil
}

// talk has each host send to all its neighbours in turn, over a stream with each,
// for so long.
func (m *mesh) talk(w *World, d time.Duration) error {
	for i, h := range m.all {
		actor.Start(h.Self(), "talk", func(self *actor.Self) error {
			var streams []*stream.Stream
			for _, c := range h.Swarm().Peers() {
				s, err := h.Open(self, c, "/mesh/1")
				if err != nil {
					return err
				}
				streams = append(streams, s.WithContext(self))
			}
			self.Sleep(time.Duration(self.Rand().Int64N(int64(m.every))))
			p := make([]byte, m.size)
			for k := i; ; k++ {
				if _, err := streams[k%len(streams)].Write(p); err != nil {
					return nil
				}
				if err := self.Sleep(m.every); err != nil {
					return nil
				}
			}
		})
	}
	return w.Sleep(d)
}

func TestAMeshTakesTheSameStepsOnAnyNumberOfShards(t *testing.T) {
	for seed := range uint64(3) {
		for _, noise := range []bool{false, true} {
			var first Result
			for _, shards := range []int{1, 2, 4} {
				m := &mesh{hosts: 12, degree: 4, noise: noise, size: 1024, every: 50 * ms}
				r, err := Run(context.Background(), Config{Seed: seed, Shards: shards, Link: LinkConfig{Latency: 10 * ms, Jitter: 2 * ms}}, func(w *World) error {
					m.start(w)
					if err := m.connect(w); err != nil {
						return err
					}
					return m.talk(w, 2*time.Second)
				})
				if err != nil {
					t.Fatalf("seed %d, %d shards: %v", seed, shards, err)
				}
				sum := 0
				for _, n := range m.got {
					sum += n
				}
				if sum < 400 {
					t.Errorf("only %d messages have come", sum)
				}
				if shards == 1 {
					first = r
				} else if r != first {
					t.Errorf("%v with one shard, %v with %d", first, r, shards)
				}
			}
		}
	}
}
