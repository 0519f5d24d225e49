package perf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// raw opens a perf stream to speak for oneself.
func (n *node) raw(to *node) *stream.Stream {
	n.w.Helper()
	s, err := n.Open(n.w.Self, to.ID(), ID)
	n.w.Must(err)
	return s.WithContext(n.w.Self)
}

// asks opens a perf stream that has asked for n bytes, and not ended its half.
func (n *node) asks(to *node, count uint64) *stream.Stream {
	n.w.Helper()
	s := n.raw(to)
	if _, err := s.Write(binary.BigEndian.AppendUint64(nil, count)); err != nil {
		n.w.Fatal(err)
	}
	return s
}

// code is the code of a reset by the remote; 0xffff when err is none.
func code(err error) uint32 {
	var reset *stream.ResetError
	if !errors.As(err, &reset) || !reset.Remote {
		return 0xffff
	}
	return reset.Code
}

// gauge is a gauge of the service of a node.
func (n *node) gauge(name string) int64 {
	n.w.Helper()
	for _, c := range n.Self.Tree().Children {
		if c.Name == "perf" {
			for _, d := range c.Details {
				if d.Key == name {
					v, err := strconv.ParseInt(d.Value, 10, 64)
					n.w.Must(err)
					return v
				}
			}
		}
	}
	n.w.Fatalf("perf has no gauge %s", name)
	return 0
}

func TestAListenerAnswersAfterTheEndHoweverTheBytesCome(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.node(Options{})
		a.knows(b)
		s := a.raw(b)
		for _, p := range binary.BigEndian.AppendUint64(nil, 1000) { // byte by byte
			if _, err := s.Write([]byte{p}); err != nil {
				w.Fatal(err)
			}
			w.Sleep(time.Millisecond)
		}
		if _, err := s.Write(bytes.Repeat([]byte{0xab}, 100000)); err != nil {
			w.Fatal(err)
		}
		s.SetReadDeadline(w.Self.Now().Add(10 * time.Second))
		if n, err := s.Read(make([]byte, 1)); n > 0 {
			w.Errorf("an answer before the end of the upload: %d, %v", n, err)
		}
		s.SetReadDeadline(time.Time{})
		w.Must(s.CloseWrite())
		if got, err := io.ReadAll(s); err != nil || !bytes.Equal(got, make([]byte, 1000)) {
			w.Errorf("not 1000 zeros, but %d bytes, %v", len(got), err)
		}
		if up, down := b.gauge("received"), b.gauge("sent"); up != 100000 || down != 1000 {
			w.Errorf("the service has counted %d and %d", up, down)
		}
	})
}

func TestAStreamWithoutItsFirstEightBytesIsReset(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.node(Options{})
		a.knows(b)
		for _, n := range []int{0, 1, 7} {
			s := a.raw(b)
			if _, err := s.Write(make([]byte, n)); err != nil {
				w.Fatal(err)
			}
			w.Must(s.CloseWrite())
			if got, err := io.ReadAll(s); code(err) != stream.CodeProtocolViolation {
				w.Errorf("after %d bytes: %d bytes, %v", n, len(got), err)
			}
		}
	})
}

func TestAStreamThatHardlyMovesEndsOnTime(t *testing.T) {
	const idle = 10 * time.Second
	both(t, func(w *world) {
		a, b := w.bare(), w.node(Options{Idle: idle})
		a.knows(b)
		trickle := func(s *stream.Stream, every time.Duration, bytes int) (err error) {
			for err == nil {
				if _, err = s.Write(make([]byte, bytes)); err == nil {
					err = w.Self.Sleep(every)
				}
			}
			return err
		}
		cases := []struct {
			name string
			do   func() error
		}{
			{"it says nothing", func() error { return drained(a.raw(b)) }},
			{"it stops in the header", func() error {
				s := a.raw(b)
				s.Write(make([]byte, 4))
				return drained(s)
			}},
			{"it stops in the upload", func() error { return drained(a.asks(b, 5)) }},
			{"it uploads a byte now and then", func() error { return trickle(a.asks(b, 5), time.Second, 1) }},
			{"it uploads nearly enough", func() error { return trickle(a.asks(b, 5), time.Second, blockSize/10-100) }},
			{"it does not read", func() error {
				s := a.asks(b, 64<<20)
				w.Must(s.CloseWrite())
				w.Sleep(idle + time.Second)
				return drained(s)
			}},
			{"it reads a byte now and then", func() error {
				s := a.asks(b, 64<<20)
				w.Must(s.CloseWrite())
				for {
					if _, err := s.Read(make([]byte, 1)); err != nil {
						return err
					}
					w.Sleep(time.Second)
				}
			}},
		}
		for i, c := range cases {
			began := w.Self.Now()
			err := c.do()
			if took := w.Self.Now().Sub(began); code(err) != stream.CodeGarbageCollected || took < idle || took > idle+time.Second {
				w.Errorf("%s: %v after %v", c.name, err, took)
			}
			w.Sleep(time.Second)
			if n, refused := b.gauge("streams"), b.gauge("refused"); n != 0 || refused != int64(i+1) {
				w.Errorf("%s: %d streams, %d refused", c.name, n, refused)
			}
		}
		if _, err := Measure(w.Self, a.Swarm, b.ID(), 1<<20, 1<<20, nil); err != nil {
			w.Error(err)
		}
	})
}

func TestAStreamThatMovesEnoughEndsWhenItHasTakenLong(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.node(Options{Longest: time.Minute})
		a.knows(b)
		s, began := a.asks(b, 0), w.Self.Now()
		var err error
		for err == nil {
			if _, err = s.Write(make([]byte, blockSize)); err == nil {
				err = w.Self.Sleep(time.Second)
			}
		}
		if took := w.Self.Now().Sub(began); code(err) != stream.CodeGarbageCollected || took < time.Minute || took > time.Minute+2*time.Second {
			w.Errorf("%v after %v", err, took)
		}
	})
}

func TestMoreBytesThanAListenerIsReadyForResetTheStream(t *testing.T) {
	scenario := func(w *world, codes bool, change ...func(*swarm.Config)) {
		a, b := w.bare(change...), w.node(Options{MaxUpload: 1 << 20, MaxDownload: 1<<20 + 5}, change...)
		a.knows(b)
		for _, c := range []struct {
			up, down uint64
			ok       bool
		}{
			{1 << 20, 1<<20 + 5, true},
			{1<<20 + 1, 1, false},
			{64 << 20, 1, false},
			{1, 1<<20 + 6, false},
			{0, math.MaxUint64, false},
		} {
			r, err := Measure(w.Self, a.Swarm, b.ID(), c.up, c.down, nil)
			var refused *RefusedError
			var reset *stream.ResetError
			ok := err == nil
			if ok != c.ok || !ok && !errors.As(err, &reset) || !ok && codes && !errors.As(err, &refused) {
				w.Errorf("%d up, %d down: %v", c.up, c.down, err)
			}
			if r.Downloaded > 1<<20+5 {
				w.Errorf("%d bytes came", r.Downloaded)
			}
		}
		// Three of the streams came to their download, and none got more than the cap.
		if sent := b.gauge("sent"); sent != 3*(1<<20+5) {
			w.Errorf("it has sent %d bytes", sent)
		}
	}
	both(t, func(w *world) { scenario(w, true) })
	t.Run("mplex", func(t *testing.T) { both(t, func(w *world) { scenario(w, false, withMplex) }) })
}

func TestAnAbsurdCountAllocatesNothing(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.node(Options{})
		a.knows(b)
		blocks := buf.Live()
		if _, err := Measure(w.Self, a.Swarm, b.ID(), 0, 1<<20, nil); err != nil {
			w.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s := a.asks(b, math.MaxUint64)
		w.Must(s.CloseWrite())
		if _, err := io.CopyN(io.Discard, s, 1<<20); err != nil {
			w.Fatal(err)
		}
		s.Reset(0)
		w.Sleep(time.Second)
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 8<<20 {
			w.Errorf("%d bytes were allocated for 1 MiB", grown)
		}
		if n := b.gauge("streams"); n != 0 {
			w.Errorf("%d streams are left", n)
		}
		a.Disconnect(b.ID(), nil)
		w.Sleep(time.Second)
		if kept := buf.Live() - blocks; kept > 0 {
			w.Errorf("%d blocks are kept", kept)
		}
	})
}

func TestAStreamTooManyIsRefusedUntilAnotherEnds(t *testing.T) {
	both(t, func(w *world) {
		b := w.node(Options{PeerStreams: 2, Streams: 3})
		one, two := w.bare().knows(b), w.bare().knows(b)
		refused := func(who string, n *node, why uint32) {
			w.Helper()
			_, err := Measure(w.Self, n.Swarm, b.ID(), 1, 1, nil)
			var r *RefusedError
			if !errors.As(err, &r) || r.Code != why {
				w.Errorf("%s: %v", who, err)
			}
		}
		first := one.asks(b, 0)
		one.asks(b, 0)
		w.Sleep(time.Second)
		refused("the third of a peer", one, stream.CodeResourceLimit)
		held := two.asks(b, 0)
		w.Sleep(time.Second)
		refused("the fourth in all", two, stream.CodeResourceLimit)
		if n, refused := b.gauge("streams"), b.gauge("refused"); n != 3 || refused != 2 {
			w.Errorf("%d streams, %d refused", n, refused)
		}
		first.Reset(0)
		w.Sleep(time.Second)
		if _, err := Measure(w.Self, one.Swarm, b.ID(), 1, 1, nil); err != nil {
			w.Errorf("after the first was reset: %v", err)
		}
		one.Disconnect(b.ID(), nil)
		w.Must(held.CloseWrite())
		w.Must(drained(held))
		w.Sleep(time.Second)
		if n := b.gauge("streams"); n != 0 {
			w.Errorf("%d streams are left", n)
		}
	})
}

func TestWhoIsNotAllowedIsRefused(t *testing.T) {
	both(t, func(w *world) {
		friend, stranger := w.bare(), w.bare()
		b := w.node(Options{Allow: func(id peer.ID) bool { return id == friend.ID() }})
		friend.knows(b)
		stranger.knows(b)
		if _, err := Measure(w.Self, friend.Swarm, b.ID(), 1, 1, nil); err != nil {
			w.Error(err)
		}
		var r *RefusedError
		if _, err := Measure(w.Self, stranger.Swarm, b.ID(), 1, 1, nil); !errors.As(err, &r) || r.Code != stream.CodeGated {
			w.Errorf("got %v", err)
		}
	})
}

func TestWhatOthersDoIsNoFailureOfThisHost(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.node(Options{MaxUpload: 10, Idle: time.Second})
		a.knows(b)
		s := a.raw(b)
		s.Write(make([]byte, 5))
		s.CloseWrite()
		drained(s)
		a.asks(b, 5).Reset(0)
		Measure(w.Self, a.Swarm, b.ID(), 11, 11, nil)
		a.raw(b)
		w.Sleep(time.Minute)
		late := a.asks(b, math.MaxUint64)
		late.CloseWrite()
		w.Sleep(100 * time.Millisecond)
		a.Disconnect(b.ID(), nil)
		w.Sleep(time.Minute)
		if failures := w.Self.Tree().Failures; len(failures) > 0 {
			w.Errorf("%v", failures)
		}
	})
}

func TestASecondServiceOfASwarmDoesNotStart(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.bare()
		first := a.Self.Supervise("first", actor.Restart{}, func(self *actor.Self) error { return Run(self, a.Swarm, Options{}) })
		w.Sleep(time.Second)
		var taken *swarm.ProtocolTakenError
		if err := Start(a.Self, a.Swarm, Options{}); !errors.As(err, &taken) {
			w.Errorf("got %v", err)
		}
		b.knows(a)
		if _, err := Measure(w.Self, b.Swarm, a.ID(), 1, 1, nil); err != nil {
			w.Error(err)
		}
		// It does not take the place of the first later on either.
		first.Stop(nil)
		w.Sleep(time.Minute)
		if left := a.Protocols(); len(left) > 0 {
			w.Errorf("%v are served", left)
		}
	})
}

func TestOfPeersThatHaveLeftNothingIsKept(t *testing.T) {
	l := &listener{Options: Options{PeerStreams: 2, Streams: 3}, of: make(map[peer.ID]int)}
	for i := range 1000 {
		id := peer.ID(strconv.Itoa(i))
		if err := errors.Join(l.enter(id), l.enter(id)); err != nil {
			t.Fatal(err)
		}
		l.leave(id)
		l.leave(id)
	}
	if l.total != 0 || len(l.of) != 0 {
		t.Errorf("%d streams, %d peers", l.total, len(l.of))
	}
}

func TestAServiceThatIsStoppedServesNoMore(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.bare()
		ref := b.Self.Supervise("perf", actor.Restart{}, func(self *actor.Self) error { return Run(self, b.Swarm, Options{}) })
		w.Sleep(time.Second)
		a.knows(b)
		if _, err := Measure(w.Self, a.Swarm, b.ID(), 1, 1, nil); err != nil {
			w.Error(err)
		}
		during := a.asks(b, 5)
		w.Sleep(time.Second)
		ref.Stop(nil)
		w.Sleep(time.Second)
		if err := drained(during); code(err) != stream.CodeShutdown {
			w.Errorf("a stream that was served: %v", err)
		}
		var refused *negotiate.RefusedError
		if _, err := Measure(w.Self, a.Swarm, b.ID(), 1, 1, nil); !errors.As(err, &refused) || len(b.Protocols()) != 0 {
			w.Errorf("%v, %v", err, b.Protocols())
		}
	})
}
