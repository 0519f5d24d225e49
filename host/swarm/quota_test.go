package swarm

import (
	"errors"
	"fmt"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
)

func TestAPeerThatOpensTooManyStreamsIsRefusedAndOthersAreNot(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening(func(c *Config) { c.Limits.StreamsPerPeer, c.Limits.Streams = 3, 8 })
		a, other := w.node(), w.node()
		var held []*stream.Stream
		var reset *stream.ResetError
		for range 5 {
			_, err := a.Connect(w.self, b.info())
			w.must(err)
			s, err := a.Open(w.self, b.ID(), echoID)
			if err != nil {
				if !errors.As(err, &reset) || !reset.Remote {
					w.Errorf("got %v", err)
				}
				continue
			}
			held = append(held, s)
		}
		if len(held) != 3 || reset == nil {
			w.Errorf("%d streams, and %v", len(held), reset)
		}
		_, err := other.Connect(w.self, b.info())
		w.must(err)
		s, err := other.Open(w.self, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "hello"))
		r := b.Refusals()
		if len(r) != 1 || r[0].Limit != LimitStreamsPerPeer || r[0].Count != 2 || r[0].Last.Of != a.ID().String() {
			w.Errorf("refused: %+v", r)
		}
		// What has ended does not count any more.
		for _, s := range held {
			w.must(talk(s.WithContext(w.self), "bye"))
		}
		w.sleep(10 * time.Second)
		s, err = a.Open(w.self, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.self), "again"))
	})
}

func TestAStreamTooManyOfOursSaysWhoHoldsThem(t *testing.T) {
	both(t, func(w *world) {
		b := w.listening()
		a := w.node(func(c *Config) { c.Limits.Streams = 2 })
		_, err := a.Connect(w.self, b.info())
		w.must(err)
		for range 2 {
			_, err := a.Open(w.self, b.ID(), echoID)
			w.must(err)
		}
		_, err = a.Open(w.self, b.ID(), echoID)
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Limit != LimitStreams || len(limit.Holders) != 1 ||
			limit.Holders[0] != (Holder{b.ID().String(), 2}) {
			w.Errorf("got %v", err)
		}
		// The end of the connection gives all places back.
		a.Disconnect(b.ID(), nil)
		w.sleep(10 * time.Second)
		_, err = a.Connect(w.self, b.info())
		w.must(err)
		for range 2 {
			_, err := a.Open(w.self, b.ID(), echoID)
			w.must(err)
		}
	})
}

func TestStreamsOfAConnectionThatEndsAtAnyMomentAreGivenBack(t *testing.T) {
	interleaved(t, func(w *world) {
		b := w.listening(func(c *Config) { c.Limits.Streams = 4 })
		a := w.node()
		c, err := a.Connect(w.self, b.info())
		w.must(err)
		w.together(5, func(self *actor.Self, i int) error {
			if i == 4 {
				c.Close(nil)
				return nil
			}
			a.Open(self, b.ID(), echoID) // it ends, whatever becomes of the connection
			return nil
		})
		a.Disconnect(b.ID(), nil)
		w.sleep(time.Minute)
		_, err = a.Connect(w.self, b.info())
		w.must(err)
		for range 4 {
			_, err := a.Open(w.self, b.ID(), echoID)
			w.must(err)
		}
	})
}

func TestDialsWaitForTheirTurnAndLeaveTheQueue(t *testing.T) {
	both(t, func(w *world) {
		a := w.node(func(c *Config) { c.Limits.Dials = 1 })
		silent := w.raw(func(self *actor.Self, link transport.Link) { never(self, link) })
		slow, b, c := w.node().ID(), w.listening(), w.listening()
		began := w.self.Now()
		took := make([]time.Duration, 3)
		for i, err := range w.together(3, func(self *actor.Self, i int) error {
			self.Sleep(time.Duration(i) * time.Millisecond)
			defer func() { took[i] = self.Now().Sub(began) }()
			switch i {
			case 0:
				_, err := a.Connect(self, peer.Info{ID: slow, Addrs: []ma.Multiaddr{silent}})
				return err
			case 1: // gives up while it waits
				ctx, cancel := self.WithTimeout(time.Second)
				defer cancel()
				_, err := a.Connect(ctx, c.info())
				return err
			}
			_, err := a.Connect(self, b.info())
			return err
		}) {
			if (err == nil) != (i == 2) {
				w.Errorf("%d: %v", i, err)
			}
		}
		if took[0] < 5*time.Second || took[1] > 2*time.Second || took[2] < took[0] {
			w.Errorf("they took %v", took)
		}
		if a.Connected(c.ID()) {
			w.Errorf("somebody who has left was dialed for")
		}
		w.sleep(time.Second)
		if d := a.details()["dials"]; d != "0" {
			w.Errorf("%s dials are left", d)
		}
	})
}

func TestAnInboundConnectionServesThoseWhoseDialHasNotBegun(t *testing.T) {
	both(t, func(w *world) {
		a := w.listening(func(c *Config) { c.Limits.Dials = 1 })
		silent := w.raw(func(self *actor.Self, link transport.Link) { never(self, link) })
		slow, b := w.node().ID(), w.listening()
		began := w.self.Now()
		for i, err := range w.together(3, func(self *actor.Self, i int) error {
			self.Sleep(time.Duration(i) * 100 * time.Millisecond)
			switch i {
			case 0:
				_, err := a.Connect(self, peer.Info{ID: slow, Addrs: []ma.Multiaddr{silent}})
				return err
			case 1:
				_, err := a.Connect(self, b.info())
				if took := self.Now().Sub(began); took > time.Second {
					return fmt.Errorf("it took %v", took)
				}
				return err
			}
			_, err := b.Connect(self, a.info())
			return err
		}) {
			if (err == nil) != (i > 0) {
				w.Errorf("%d: %v", i, err)
			}
		}
	})
}

func TestOutboundConnectionsAreLimitedAndInboundOnesTakeNoneOfTheirPlaces(t *testing.T) {
	both(t, func(w *world) {
		a := w.listening(func(c *Config) { c.Limits.Outbound, c.Limits.Inbound = 1, 2 })
		for range 2 {
			_, err := w.node().Connect(w.self, a.info())
			w.must(err)
		}
		_, err := a.Connect(w.self, w.listening().info())
		w.must(err)
		_, err = a.Connect(w.self, w.listening().info())
		var limit *LimitError
		if !errors.As(err, &limit) || limit.Limit != LimitOutbound || limit.Value != 1 {
			w.Errorf("got %v", err)
		}
	})
}
