package ping

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/host/swarm/swarmtest"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

func TestAPingIsAnswered(t *testing.T) {
	scenario := func(w *world, change ...func(*swarm.Config)) {
		a, b := w.node(change...), w.node(change...)
		a.knows(b)
		for range 3 {
			if _, err := Ping(w.Self, a.Swarm, b.ID()); err != nil {
				w.Error(err)
			}
		}
		if _, err := Ping(w.Self, b.Swarm, a.ID()); err != nil { // over the same connection
			w.Error(err)
		}
	}
	both(t, func(w *world) { scenario(w) })
	t.Run("TCP", func(t *testing.T) { overTCP(t, func(w *world) { scenario(w, swarmtest.WithTCP) }) })
}

// late answers after a pause, in two pieces, as js-libp2p may.
func late(d time.Duration) stream.Handler {
	return func(self *actor.Self, s *stream.Stream) error {
		var buf [Size]byte
		for {
			if _, err := io.ReadFull(s, buf[:]); err != nil {
				return nil
			}
			if err := self.Sleep(d); err != nil {
				return err
			}
			s.Write(buf[:7])
			self.Sleep(time.Millisecond)
			s.Write(buf[7:])
		}
	}
}

func TestTheTimeIsThatOfTheAnswersLastByte(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.evil(late(70*time.Millisecond))
		a.knows(b)
		if rtt, err := Ping(w.Self, a.Swarm, b.ID()); rtt != 71*time.Millisecond || err != nil {
			w.Errorf("%v, %v", rtt, err)
		}
	})
}

func TestManyPingsUseOneStreamAndKeepTheirPause(t *testing.T) {
	both(t, func(w *world) {
		streams := 0
		answer := late(time.Second - time.Millisecond)
		a, b := w.node(), w.evil(func(self *actor.Self, s *stream.Stream) error { streams++; return answer(self, s) })
		a.knows(b)
		began, n := w.Self.Now(), 0
		for rtt, err := range All(w.Self, a.Swarm, b.ID(), 3*time.Second) {
			if err != nil || rtt != time.Second || w.Self.Now().Sub(began) != time.Duration(n)*3*time.Second+time.Second {
				w.Errorf("ping %d: %v, %v after %v", n, rtt, err, w.Self.Now().Sub(began))
			}
			if n++; n == 5 {
				break
			}
		}
		// Without a pause, the next one follows the answer.
		began, n = w.Self.Now(), 0
		for range All(w.Self, a.Swarm, b.ID(), 0) {
			if n++; n == 5 {
				break
			}
		}
		if took := w.Self.Now().Sub(began); took != 5*time.Second || streams != 2 {
			w.Errorf("it took %v and %d streams", took, streams)
		}
	})
}

func TestAFailureEndsThePingsWithItsError(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.evil(late(4*time.Second))
		a.knows(b)
		ctx, cancel := w.Self.WithTimeout(10 * time.Second)
		defer cancel()
		var good int
		var last error
		for _, err := range All(ctx, a.Swarm, b.ID(), 5*time.Second) {
			if err == nil {
				good++
			}
			last = err
		}
		var failed *Error
		if good != 2 || !errors.Is(last, context.DeadlineExceeded) || !errors.As(last, &failed) || failed.Peer != b.ID() {
			w.Errorf("%d pings, then %v", good, last)
		}
		for _, err := range All(w.Self, a.Swarm, a.ID(), time.Second) {
			if !errors.As(err, &failed) || failed.Stage != StageOpen || !errors.Is(err, swarm.ErrSelf) {
				w.Errorf("to itself: %v", err)
			}
		}
	})
}

func TestABadAnswerIsAnErrorThatSaysWhy(t *testing.T) {
	first := func(answer func(s *stream.Stream, sent []byte) error) stream.Handler {
		return func(self *actor.Self, s *stream.Stream) error {
			var buf [Size]byte
			if _, err := io.ReadFull(s, buf[:]); err != nil {
				return err
			}
			return answer(s, buf[:])
		}
	}
	cases := []struct {
		name  string
		says  stream.Handler
		stage Stage
		is    error
	}{
		{"other bytes", first(func(s *stream.Stream, sent []byte) error {
			sent[31] ^= 1
			_, err := s.Write(sent)
			return err
		}), StageAwait, ErrMismatch},
		{"half of it", first(func(s *stream.Stream, sent []byte) error { _, err := s.Write(sent[:16]); return err }), StageAwait, io.ErrUnexpectedEOF},
		{"nothing and the end", first(func(s *stream.Stream, _ []byte) error { return nil }), StageAwait, io.EOF},
		{"a reset", first(func(*stream.Stream, []byte) error { return stream.Refuse(3) }), StageAwait, &stream.ResetError{}},
		{"silence", func(self *actor.Self, _ *stream.Stream) error { return swarmtest.UntilTold(self) }, StageAwait, context.DeadlineExceeded},
	}
	both(t, func(w *world) {
		a, good := w.node(), w.node()
		for _, c := range cases {
			b := w.evil(c.says)
			a.knows(b)
			began := w.Self.Now()
			_, err := Ping(w.Self, a.Swarm, b.ID())
			var failed *Error
			var reset *stream.ResetError
			is := errors.Is(err, c.is)
			if errors.As(c.is, &reset) {
				is = errors.As(err, &reset)
			}
			if !is || !errors.As(err, &failed) || failed.Stage != c.stage || failed.Peer != b.ID() {
				w.Errorf("%s: %v", c.name, err)
			}
			if took := w.Self.Now().Sub(began); took > Timeout {
				w.Errorf("%s: it took %v", c.name, took)
			}
			if !a.Connected(b.ID()) {
				w.Errorf("%s: the connection was closed", c.name)
			}
		}
		b := w.bare()
		a.knows(b).knows(good)
		var refused *negotiate.RefusedError
		if _, err := Ping(w.Self, a.Swarm, b.ID()); !errors.As(err, &refused) {
			w.Errorf("without ping: %v", err)
		}
		if _, err := Ping(w.Self, a.Swarm, good.ID()); err != nil {
			w.Error(err)
		}
	})
}

func TestAfterAFailureAPingerStaysFailed(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.evil(late(9*time.Second+900*time.Millisecond))
		a.knows(b)
		p, err := Open(w.Self, a.Swarm, b.ID())
		w.Must(err)
		if _, err := p.Ping(w.Self); err != nil {
			w.Error(err)
		}
		ctx, cancel := w.Self.WithTimeout(time.Second)
		defer cancel()
		if _, err := p.Ping(ctx); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("got %v", err)
		}
		var failed *Error
		if _, err := p.Ping(w.Self); !errors.As(err, &failed) {
			w.Errorf("after the failure: %v", err)
		}
	})
}

// raw opens a ping stream to speak for oneself.
func (n *node) raw(to *node) *stream.Stream {
	n.w.Helper()
	s, err := n.Open(n.w.Self, to.ID(), ID)
	n.w.Must(err)
	return s.WithContext(n.w.Self)
}

func TestAListenerEchoesHoweverTheBytesCome(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		a.knows(b)
		s := a.raw(b)
		sent := make([]byte, 10*Size)
		for i := range sent {
			sent[i] = byte(i)
		}
		for i := 0; i < len(sent); i += 5 {
			if _, err := s.Write(sent[i : i+5]); err != nil {
				w.Fatal(err)
			}
		}
		w.Must(s.CloseWrite())
		got, err := io.ReadAll(s)
		if err != nil || !bytes.Equal(got, sent) {
			w.Errorf("%d of %d bytes, %v", len(got), len(sent), err)
		}
	})
}

func TestAnEndInTheMiddleOfAPingResetsTheStream(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		a.knows(b)
		s := a.raw(b)
		if _, err := s.Write(make([]byte, Size+5)); err != nil {
			w.Fatal(err)
		}
		w.Must(s.CloseWrite())
		var reset *stream.ResetError
		if _, err := io.ReadAll(s); !errors.As(err, &reset) || !reset.Remote {
			w.Errorf("got %v", err)
		}
	})
}

func TestAThirdStreamOfAPeerTakesThePlaceOfTheOldest(t *testing.T) {
	both(t, func(w *world) {
		a, b, other := w.node(), w.node(), w.node()
		a.knows(b)
		other.knows(b)
		echo := func(s *stream.Stream) error {
			var got [Size]byte
			if _, err := s.Write(got[:]); err != nil {
				return err
			}
			_, err := io.ReadFull(s, got[:])
			return err
		}
		strangers := other.raw(b)
		one, two := a.raw(b), a.raw(b)
		w.Must(echo(strangers))
		w.Must(echo(one))
		w.Must(echo(two))
		if _, err := Ping(w.Self, a.Swarm, b.ID()); err != nil {
			w.Errorf("the third: %v", err)
		}
		var reset *stream.ResetError
		if err := echo(one); !errors.As(err, &reset) || !reset.Remote {
			w.Errorf("the oldest: %v", err)
		}
		w.Must(echo(two))
		w.Must(echo(strangers))
	})
}

func TestAStreamThatIsSilentOrDoesNotReadIsReset(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		a.knows(b)
		silent := a.raw(b)
		began := w.Self.Now()
		var reset *stream.ResetError
		if _, err := silent.Read(make([]byte, 1)); !errors.As(err, &reset) || w.Self.Now().Sub(began) != idle {
			w.Errorf("silent: %v after %v", err, w.Self.Now().Sub(began))
		}
		// Every ping in time keeps the stream.
		for rtt, err := range All(w.Self, a.Swarm, b.ID(), 20*time.Second) {
			if err != nil {
				w.Errorf("%v, %v", rtt, err)
			}
			if w.Self.Now().Sub(began) > 5*time.Minute {
				break
			}
		}
		// Whoever sends and never reads is stopped, by the answers that pile up.
		greedy := a.raw(b)
		began = w.Self.Now()
		var err error
		for n := 0; err == nil && n < 64<<20; n += 64 << 10 {
			_, err = greedy.Write(make([]byte, 64<<10))
		}
		if !errors.As(err, &reset) || w.Self.Now().Sub(began) > 2*idle {
			w.Errorf("greedy: %v after %v", err, w.Self.Now().Sub(began))
		}
		if _, err := Ping(w.Self, a.Swarm, b.ID()); err != nil {
			w.Error(err)
		}
	})
}

func TestThePingsOfOthersAreNoFailuresOfThisHost(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		a.knows(b)
		s := a.raw(b)
		s.Write(make([]byte, 5))
		s.CloseWrite()
		io.ReadAll(s)
		a.raw(b).Reset(0)
		a.raw(b)
		w.Sleep(time.Second)
		a.Disconnect(b.ID(), nil)
		w.Sleep(time.Minute)
		if failures := w.Self.Tree().Failures; len(failures) > 0 {
			w.Errorf("%v", failures)
		}
	})
}

func TestASecondServiceOfASwarmDoesNotStart(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.node(), w.node()
		var taken *swarm.ProtocolTakenError
		if err := Start(a.Self, a.Swarm); !errors.As(err, &taken) {
			w.Errorf("got %v", err)
		}
		b.knows(a)
		if _, err := Ping(w.Self, b.Swarm, a.ID()); err != nil {
			w.Error(err)
		}
	})
}

func TestAServiceThatIsStoppedServesNoMore(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.bare()
		ref := b.Self.Supervise("ping", actor.Restart{}, func(self *actor.Self) error { return Run(self, b.Swarm) })
		w.Sleep(time.Second)
		a.knows(b)
		if _, err := Ping(w.Self, a.Swarm, b.ID()); err != nil {
			w.Error(err)
		}
		ref.Stop(nil)
		w.Sleep(time.Second)
		var refused *negotiate.RefusedError
		if _, err := Ping(w.Self, a.Swarm, b.ID()); !errors.As(err, &refused) || len(b.Protocols()) != 0 {
			w.Errorf("%v, %v", err, b.Protocols())
		}
	})
}
