package perf

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/host/swarm/swarmtest"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

func TestWhatIsAskedForGoesUpAndComesBack(t *testing.T) {
	scenario := func(w *world, sizes []uint64, change ...func(*swarm.Config)) {
		a, b := w.bare(change...), w.node(Options{}, change...)
		a.knows(b)
		for _, up := range sizes {
			for _, down := range sizes {
				r, err := Measure(w.Self, a.Swarm, b.ID(), up, down, nil)
				if err != nil || r.Uploaded != up || r.Downloaded != down {
					w.Errorf("%d up, %d down: %+v, %v", up, down, r, err)
				}
			}
		}
	}
	sizes := []uint64{0, 1, 8, blockSize - 1, blockSize, 1<<20 + 1}
	both(t, func(w *world) { scenario(w, sizes) })
	t.Run("mplex", func(t *testing.T) { both(t, func(w *world) { scenario(w, sizes, withMplex) }) })
	t.Run("TCP", func(t *testing.T) {
		overTCP(t, func(w *world) { scenario(w, append(sizes, 32<<20), swarmtest.WithTCP) })
	})
}

// header reads the number at the beginning of a stream.
func header(s *stream.Stream) (uint64, error) {
	var h [headerSize]byte
	_, err := io.ReadFull(s, h[:])
	return binary.BigEndian.Uint64(h[:]), err
}

// drained reads to the end.
func drained(s *stream.Stream) error {
	_, err := io.Copy(io.Discard, s)
	return err
}

// slowly is a listener that reads a block each pause, waits once more, and sends
// a block each pause.
func slowly(pause time.Duration) stream.Handler {
	return func(self *actor.Self, s *stream.Stream) error {
		n, err := header(s)
		if err != nil {
			return err
		}
		block := make([]byte, blockSize)
		for err == nil {
			if err = self.Sleep(pause); err == nil {
				_, err = io.ReadFull(s, block)
			}
		}
		for n > 0 && (err == io.EOF || err == io.ErrUnexpectedEOF || err == nil) {
			if err = self.Sleep(pause); err == nil {
				_, err = s.Write(block[:min(n, blockSize)])
				n -= min(n, blockSize)
			}
		}
		return nil
	}
}

func TestProgressIsToldEverySecondAlsoWhenNothingMoves(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.evil(slowly(3*time.Second))
		a.knows(b)
		const up, down = 20 * blockSize, 5*blockSize + 3
		var sum Progress
		idle := 0
		r, err := Measure(w.Self, a.Swarm, b.ID(), up, down, func(p Progress) {
			if p.Took != time.Second {
				w.Errorf("after %v: an interval of %v", sum.Took, p.Took)
			}
			if p.Uploaded+p.Downloaded == 0 {
				idle++
			}
			sum.Took, sum.Uploaded, sum.Downloaded = sum.Took+p.Took, sum.Uploaded+p.Uploaded, sum.Downloaded+p.Downloaded
		})
		if err != nil {
			w.Fatalf("%+v, %v", r, err)
		}
		if sum.Took > r.Streaming() || r.Streaming()-sum.Took >= time.Second {
			w.Errorf("%v were told of %v", sum.Took, r.Streaming())
		}
		if sum.Uploaded != up || sum.Downloaded > down || sum.Downloaded < 5*blockSize || idle == 0 {
			w.Errorf("told: %+v, %d times nothing", sum, idle)
		}
	})
}

func TestTheTimesAreThoseOfTheAnswersBeginAndEnd(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.evil(func(self *actor.Self, s *stream.Stream) error {
			if _, err := header(s); err != nil {
				return err
			}
			if err := drained(s); err != nil {
				return err
			}
			self.Sleep(300 * time.Millisecond)
			s.Write([]byte{1})
			self.Sleep(50 * time.Millisecond)
			s.Write([]byte{2})
			self.Sleep(4 * time.Millisecond)
			return nil
		})
		a.knows(b)
		r, err := Measure(w.Self, a.Swarm, b.ID(), 1000, 2, nil)
		want := Result{Uploaded: 1000, Downloaded: 2, Upload: 300 * time.Millisecond, Download: 54 * time.Millisecond}
		if r != want || err != nil || r.Streaming() != 354*time.Millisecond {
			w.Errorf("%+v, %v", r, err)
		}
	})
}

func TestABadListenerIsAnErrorThatSaysWhy(t *testing.T) {
	answer := func(f func(self *actor.Self, s *stream.Stream, n uint64) error) stream.Handler {
		return func(self *actor.Self, s *stream.Stream) error {
			n, err := header(s)
			if err != nil {
				return err
			}
			if err := drained(s); err != nil {
				return err
			}
			return f(self, s, n)
		}
	}
	send := func(more int) stream.Handler {
		return answer(func(_ *actor.Self, s *stream.Stream, n uint64) error {
			_, err := s.Write(make([]byte, int(n)+more))
			return err
		})
	}
	silent := func(self *actor.Self, _ *stream.Stream) error { return swarmtest.UntilTold(self) }
	refuse := func(code uint32) stream.Handler {
		return func(*actor.Self, *stream.Stream) error { return stream.Refuse(code) }
	}
	cases := []struct {
		name     string
		says     stream.Handler
		up, down uint64
		stage    Stage
		is       error
		got      uint64
	}{
		{"one byte less", send(-1), 5, 1000, StageDownload, ErrShort, 999},
		{"one byte more", send(1), 5, 1000, StageDownload, ErrLong, 1001},
		{"a byte where none is wanted", send(1), 5, 0, StageDownload, ErrLong, 1},
		{"nothing and the end", send(-1000), 5, 1000, StageAwait, ErrShort, 0},
		{"no end", answer(func(self *actor.Self, s *stream.Stream, n uint64) error {
			s.Write(make([]byte, n))
			return swarmtest.UntilTold(self)
		}), 5, 1000, StageDownload, ErrSlow, 1000},
		{"no answer", silent, 5, 1000, StageAwait, ErrSlow, 0},
		{"nobody reads", silent, 64 << 20, 0, StageUpload, ErrSlow, 0},
		{"a reset in between", answer(func(_ *actor.Self, s *stream.Stream, n uint64) error { return stream.Refuse(7) }),
			5, 1000, StageAwait, &stream.ResetError{}, 0},
		{"a refusal of small things", refuse(stream.CodeResourceLimit), 5, 5, "", &RefusedError{}, 0},
		{"a refusal of large things", refuse(stream.CodeGated), 64 << 20, 5, "", &RefusedError{}, 0},
	}
	both(t, func(w *world) {
		a, good := w.bare(), w.node(Options{})
		a.knows(good)
		for _, c := range cases {
			b := w.evil(c.says)
			a.knows(b)
			r, err := Measure(w.Self, a.Swarm, b.ID(), c.up, c.down, nil)
			var failed *Error
			if !errors.As(err, &failed) || failed.Peer != b.ID() || c.stage != "" && failed.Stage != c.stage {
				w.Errorf("%s: %v", c.name, err)
			}
			var reset *stream.ResetError
			var refused *RefusedError
			is := errors.Is(err, c.is)
			switch c.is.(type) {
			case *stream.ResetError:
				is = errors.As(err, &reset) && reset.Remote && !errors.As(err, &refused)
			case *RefusedError:
				is = errors.As(err, &refused) && errors.As(err, &reset) && refused.Code == reset.Code
			}
			if !is || r.Downloaded != c.got {
				w.Errorf("%s: %+v, %v", c.name, r, err)
			}
			if !a.Connected(b.ID()) {
				w.Errorf("%s: the connection was closed", c.name)
			}
		}
		var refused *negotiate.RefusedError
		b := w.bare()
		a.knows(b)
		if _, err := Measure(w.Self, a.Swarm, b.ID(), 1, 1, nil); !errors.As(err, &refused) {
			w.Errorf("without perf: %v", err)
		}
		if _, err := Measure(w.Self, a.Swarm, a.ID(), 1, 1, nil); !errors.Is(err, swarm.ErrSelf) {
			w.Errorf("with itself: %v", err)
		}
		if _, err := Measure(w.Self, a.Swarm, good.ID(), 1, 1, nil); err != nil {
			w.Error(err)
		}
	})
}

func TestAListenerThatSendsTooMuchIsToldWhatItDidWrong(t *testing.T) {
	both(t, func(w *world) {
		ends := make(chan error, 1)
		a, b := w.bare(), w.evil(func(_ *actor.Self, s *stream.Stream) error {
			var heard error
			for heard == nil {
				_, heard = s.Write(make([]byte, blockSize))
			}
			ends <- heard
			return nil
		})
		a.knows(b)
		_, err := Measure(w.Self, a.Swarm, b.ID(), 1, 10, nil)
		w.Sleep(time.Second)
		var heard error
		select {
		case heard = <-ends:
		default:
		}
		if !errors.Is(err, ErrLong) || code(heard) != stream.CodeProtocolViolation {
			w.Errorf("%v; the listener heard %v", err, heard)
		}
	})
}

func TestOnlyResetsOfTheRemoteAreRefusals(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{&stream.ResetError{Remote: true, Code: stream.CodeResourceLimit}, true},
		{&stream.ResetError{Remote: true, Code: stream.CodeRateLimited}, true},
		{&stream.ResetError{Remote: true, Code: stream.CodeGated}, true},
		{&stream.ResetError{Remote: true, Code: stream.CodeShutdown}, false},
		{&stream.ResetError{Remote: false, Code: stream.CodeResourceLimit}, false},
		{ErrSlow, false},
	} {
		var r *RefusedError
		if err := refusedBy(tt.err); errors.As(err, &r) != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%v became %v", tt.err, err)
		}
	}
}

func TestAMeasurementByTimeEndsWithItsContext(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.bare(), w.evil(slowly(100*time.Millisecond))
		a.knows(b)
		for _, up := range []uint64{0, math.MaxUint64} {
			ctx, cancel := w.Self.WithTimeout(20 * time.Second)
			told := 0
			r, err := Measure(ctx, a.Swarm, b.ID(), up, math.MaxUint64, func(Progress) { told++ })
			cancel()
			var failed *Error
			if !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &failed) || failed.Stage == StageAwait {
				w.Errorf("got %v", err)
			}
			if moved := r.Uploaded + r.Downloaded; moved < 150*blockSize || r.Streaming() != 20*time.Second || told < 19 {
				w.Errorf("%d bytes in %v, told %d times", moved, r.Streaming(), told)
			}
		}
	})
}

func TestOnlyTheDeadlineThatWasAskedForIsNoError(t *testing.T) {
	both(t, func(w *world) {
		t := &transfer{ctx: w.Self, pace: paceMachine{period: time.Minute, least: 1}}
		w.Must(t.step(paceEvent{kind: paceBegin}))
		if err := t.moved(0, 0, os.ErrDeadlineExceeded); err != os.ErrDeadlineExceeded {
			w.Errorf("a deadline before its time: %v", err)
		}
		w.Sleep(time.Second)
		w.Must(t.moved(1, 0, nil))
		w.Sleep(59 * time.Second)
		why := fmt.Errorf("write to the socket: %w", os.ErrDeadlineExceeded)
		if err := t.moved(0, 0, why); err != why {
			w.Errorf("the end of the connection by a deadline of its own: %v", err)
		}
		w.Sleep(time.Second)
		if err := t.moved(0, 0, os.ErrDeadlineExceeded); err != ErrSlow {
			w.Errorf("the deadline: %v", err)
		}
	})
}

func TestAnErrorSaysWhoWhereAndWhy(t *testing.T) {
	text := (&Error{Peer: "x", Stage: StageUpload, Cause: ErrSlow}).Error()
	if want := fmt.Sprintf("perf with %s: upload: %v", peer.ID("x").Short(), ErrSlow); text != want {
		t.Errorf("got %q", text)
	}
	gated := &RefusedError{Code: stream.CodeGated}
	busy := &RefusedError{Code: stream.CodeResourceLimit}
	if gated.Error() == busy.Error() {
		t.Errorf("both say %q", busy)
	}
}
