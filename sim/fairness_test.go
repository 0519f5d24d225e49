package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

const (
	megabits100 = 100_000_000 / 8 // bytes per second
	smallSize   = 100
	smallEvery  = 10 * ms
	smallOnes   = 50 // streams
	smallRounds = 50 // messages of each
)

// homeLink is 100 Mbit/s with a round trip of 10 ms. It queues little itself, as
// a system does that hands a socket's bytes to the network when it is free: what
// is measured is what waits above it.
var homeLink = LinkConfig{Latency: 5 * ms, Bandwidth: megabits100, Chunk: 1500, Queue: 16 << 10}

// A traffic is what two hosts say to each other while many streams between them
// carry small messages.
type traffic struct {
	muxer muxer.Factory
	bulk  bool // one stream sends as much as it can
	slow  bool // one sends as much as it can to a handler that hardly reads
}

// A reception is what the receiving host saw of a traffic.
type reception struct {
	median, p99, worst time.Duration // from the Write of a small message to its Read
	bulk               int64         // bytes per second
}

// receive plays a traffic in virtual time.
func (c traffic) receive(t *testing.T) (r reception) {
	t.Helper()
	var times []time.Duration
	var bulk int64
	_, err := Run(t.Context(), Config{Seed: 1, Link: homeLink}, func(w *World) error {
		self := w.Self()
		from, to := w.Host("from", host.Muxer(c.muxer)), w.Host("to", host.Muxer(c.muxer))
		to.Handle(to.Self(), "/small/1", func(self *actor.Self, s *stream.Stream) error {
			var p [smallSize]byte
			for {
				if _, err := io.ReadFull(s, p[:]); err != nil {
					return err
				}
				times = append(times, self.Now().Sub(epoch)-time.Duration(binary.BigEndian.Uint64(p[:])))
			}
		})
		to.Handle(to.Self(), "/bulk/1", func(_ *actor.Self, s *stream.Stream) error {
			p := make([]byte, 64<<10)
			for {
				n, err := s.Read(p)
				if bulk += int64(n); err != nil {
					return err
				}
			}
		})
		to.Handle(to.Self(), "/slow/1", func(self *actor.Self, s *stream.Stream) error {
			for {
				if _, err := s.Read(make([]byte, 10)); err != nil {
					return err
				}
				if err := self.Sleep(smallEvery); err != nil {
					return err
				}
			}
		})
		if err := from.Connect(self, to.Info()); err != nil {
			return err
		}
		if c.bulk {
			self.Go("bulk", func(self *actor.Self) error { return flood(self, from, to, "/bulk/1") })
		}
		if c.slow {
			self.Go("slow", func(self *actor.Self) error { return flood(self, from, to, "/slow/1") })
		}
		// Until the windows have grown, and the slow one's is used up.
		if err := w.Sleep(time.Second); err != nil {
			return err
		}
		began := self.Now()
		bulk = 0
		var all []*actor.Ref
		for i := range smallOnes {
			all = append(all, self.Go(fmt.Sprint("small", i), func(self *actor.Self) error {
				return chatter(self, from, to, time.Duration(i)*smallEvery/smallOnes)
			}))
		}
		for _, ref := range all {
			if err := ref.Wait(self); err != nil {
				return err
			}
		}
		r.bulk = int64(float64(bulk) / self.Now().Sub(began).Seconds())
		return nil
	})
	// What the last messages took is not waited for.
	if err != nil || len(times) < (smallRounds-5)*smallOnes {
		t.Fatalf("%d messages have come: %v", len(times), err)
	}
	slices.Sort(times)
	n := len(times)
	r.median, r.p99, r.worst = times[n/2], times[n*99/100], times[n-1]
	return r
}

// flood writes until it is stopped.
func flood(self *actor.Self, from, to *host.Host, protocol negotiate.Protocol) error {
	s, err := from.Open(self, to.ID(), protocol)
	if err != nil {
		return err
	}
	s = s.WithContext(self)
	p := make([]byte, 64<<10)
	for err == nil {
		_, err = s.Write(p)
	}
	return nil
}

// chatter writes a message at fixed times, each with the time in it.
func chatter(self *actor.Self, from, to *host.Host, offset time.Duration) error {
	s, err := from.Open(self, to.ID(), "/small/1")
	if err != nil {
		return err
	}
	s = s.WithContext(self)
	defer s.Close()
	// From here on all are in step, however long the opening took.
	next := epoch.Add(2*time.Second + offset)
	for range smallRounds {
		self.Sleep(next.Sub(self.Now()))
		var p [smallSize]byte
		binary.BigEndian.PutUint64(p[:], uint64(self.Now().Sub(epoch)))
		if _, err := s.Write(p[:]); err != nil {
			return err
		}
		next = next.Add(smallEvery)
	}
	return nil
}

func TestBulkDoesNotHoldUpSmallMessages(t *testing.T) {
	for _, m := range []muxer.Factory{yamux.Factory(yamux.Options{}), mplex.Factory(mplex.PauseThenReset)} {
		alone := traffic{muxer: m}.receive(t)
		beside := traffic{muxer: m, bulk: true}.receive(t)
		t.Logf("%s: alone %v, beside bulk %v", m.Protocol, alone, beside)
		if beside.p99 >= 3*alone.p99 {
			t.Errorf("%s: small messages take %v beside bulk, and %v alone", m.Protocol, beside.p99, alone.p99)
		}
		if beside.bulk < megabits100*9/10 {
			t.Errorf("%s: the bulk gets %d bytes per second of the link's %d", m.Protocol, beside.bulk, megabits100)
		}
	}
}

// mplex has no credit: there a slow reader holds up the others, until its stream
// is reset.
func TestASlowReaderCostsTheOtherStreamsOfYamuxNothing(t *testing.T) {
	without := traffic{muxer: yamux.Factory(yamux.Options{}), bulk: true}
	with := without
	with.slow = true
	a, b := without.receive(t), with.receive(t)
	t.Logf("without %v, with %v", a, b)
	for name, pair := range map[string][2]int64{
		"median": {int64(a.median), int64(b.median)},
		"p99":    {int64(a.p99), int64(b.p99)},
		"worst":  {int64(a.worst), int64(b.worst)},
		"bulk":   {-a.bulk, -b.bulk},
	} {
		if cost := pair[1] - pair[0]; cost > max(pair[0], -pair[0])/100 {
			t.Errorf("%s: %d without a slow reader, %d with one", name, pair[0], pair[1])
		}
	}
}
