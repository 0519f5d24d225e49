package host

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport/mem"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errBoom = errors.New("boom")

const echoID negotiate.Protocol = "/echo/1"

// world is a network in memory with hosts on it.
type world struct {
	*testing.T
	ctx   context.Context // of the scenario
	net   *mem.Network
	hosts []*Host
}

// both runs a scenario as a program does, on goroutines in virtual time with
// hosts that are trees of their own, and inside a simulation, where hosts are
// children of the scenario's actor.
func both(t *testing.T, scenario func(w *world)) {
	t.Helper()
	run := func(t *testing.T, ctx context.Context) {
		w := &world{T: t, ctx: ctx, net: mem.NewNetwork()}
		scenario(w)
		for i := len(w.hosts) - 1; i >= 0; i-- {
			if err := w.hosts[i].Close(); err != nil {
				t.Errorf("close host %d: %v", i, err)
			}
		}
	}
	t.Run("goroutines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { run(t, t.Context()) })
	})
	t.Run("simulation", func(t *testing.T) {
		for seed := range uint64(5) {
			err := actor.NewScheduler(seed, nil).Run(context.Background(), "test", func(self *actor.Self) error {
				run(t, self)
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		}
	})
}

// host starts a host in the world: plaintext and mplex in memory, and no address
// unless one is given.
func (w *world) host(opts ...Option) *Host {
	w.Helper()
	h := w.unkept(opts...)
	w.hosts = append(w.hosts, h)
	return h
}

// unkept is a host that the test closes itself.
func (w *world) unkept(opts ...Option) *Host {
	w.Helper()
	return w.start(append([]Option{NoUsualServices()}, opts...)...)
}

// meeting is a host with the usual services.
func (w *world) meeting(opts ...Option) *Host {
	w.Helper()
	h := w.start(opts...)
	w.hosts = append(w.hosts, h)
	return h
}

func (w *world) start(opts ...Option) *Host {
	w.Helper()
	usual := []Option{
		Transport(w.net.Transport()),
		Security(func(k peer.Key) negotiate.Security { return plaintext.New(k) }),
	}
	h, err := New(w.ctx, append(usual, opts...)...)
	w.must(err)
	return h
}

// echoing starts a host that listens and serves echo.
func (w *world) echoing(opts ...Option) *Host {
	w.Helper()
	h := w.host(append(opts, Listen("/memory/0"))...)
	w.must(h.Handle(h.Self(), echoID, echo))
	return h
}

func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

func (w *world) sleep(d time.Duration) {
	actor.NewSignal(w.ctx, "a pause").Wait(w.ctx, actor.Now(w.ctx).Add(d))
}

func echo(_ *actor.Self, s *stream.Stream) error {
	_, err := io.Copy(s, s)
	return err
}

// talk sends a text over a stream and reads it back.
func talk(s *stream.Stream, text string) error {
	if _, err := s.Write([]byte(text)); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	got, err := io.ReadAll(s)
	if err != nil {
		return err
	}
	if string(got) != text {
		return fmt.Errorf("got %q instead of %q", got, text)
	}
	return nil
}

// untilTold is a service that does nothing.
func untilTold(self *actor.Self, _ *Host) error { return untilStopped(self) }
