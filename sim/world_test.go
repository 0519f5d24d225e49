package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// sum answers with the hash of what it reads.
func sum(_ *actor.Self, s *stream.Stream) error {
	h := sha256.New()
	if _, err := io.Copy(h, s); err != nil {
		return err
	}
	_, err := s.Write(h.Sum(nil))
	return err
}

func echo(_ *actor.Self, s *stream.Stream) error {
	_, err := io.Copy(s, s)
	return err
}

// talk is two hosts that hold several conversations over one connection, each
// with its own protocol, over Noise and the muxer given.
func talk(m muxer.Factory) func(w *World) error {
	return func(w *World) error { return talkOver(w, host.Muxer(m)) }
}

func talkOver(w *World, over host.Option) error {
	alice, bob := w.Host("alice", over), w.Host("bob", over)
	w.Link("alice", "bob", LinkConfig{Latency: 30 * time.Millisecond, Jitter: 5 * time.Millisecond, Bandwidth: 10 << 20})
	bob.Handle(bob.Self(), "/sum/1", sum)
	bob.Handle(bob.Self(), "/echo/1", echo)
	if err := alice.Connect(w.Self(), bob.Info()); err != nil {
		return err
	}
	var talks []*actor.Ref
	for i := range 6 {
		talks = append(talks, w.Self().Go(fmt.Sprint("talk", i), func(self *actor.Self) error {
			protocol := []string{"/sum/1", "/echo/1"}[i%2]
			s, err := alice.Open(self, bob.ID(), "/nobody/1", negotiate.Protocol(protocol))
			if err != nil {
				return err
			}
			s = s.WithContext(self)
			question := bytes.Repeat([]byte{byte(i)}, 20_000*i+1)
			writer := self.Go("writer", func(*actor.Self) error {
				if _, err := s.Write(question); err != nil {
					return err
				}
				return s.CloseWrite()
			})
			answer, err := io.ReadAll(s)
			if err != nil {
				return err
			}
			want := question
			if protocol == "/sum/1" {
				hash := sha256.Sum256(question)
				want = hash[:]
			}
			if !bytes.Equal(answer, want) {
				return fmt.Errorf("%s answered %d bytes", protocol, len(answer))
			}
			w.Log("%d: %d bytes over %s", i, len(answer), s.Protocol())
			if err := writer.Wait(self); err != nil {
				return err
			}
			return s.Close()
		}))
	}
	for _, t := range talks {
		if err := t.Wait(w.Self()); err != nil {
			return err
		}
	}
	if n := len(alice.Swarm().Conns(bob.ID())); n != 1 {
		return fmt.Errorf("there are %d connections", n)
	}
	return nil
}

func run(t *testing.T, seed uint64, scenario func(*World) error) (Result, string) {
	t.Helper()
	var lines strings.Builder
	result, err := Run(context.Background(), Config{Seed: seed, Trace: &lines}, scenario)
	if err != nil {
		t.Fatalf("%v: %v", result, err)
	}
	return result, lines.String()
}

func TestTwentyRunsOfOneSeedGiveOneTraceAndAnotherSeedAnother(t *testing.T) {
	for _, m := range []muxer.Factory{mplex.Factory(mplex.PauseThenReset), yamux.Factory(yamux.Options{})} {
		t.Run(string(m.Protocol), func(t *testing.T) { oneTrace(t, talk(m)) })
	}
}

func oneTrace(t *testing.T, talk func(*World) error) {
	first, trace := run(t, 7, talk)
	if first.Steps < 500 || first.Elapsed < 90*time.Millisecond {
		t.Errorf("that was not much of a conversation: %v", first)
	}
	for range 19 {
		again, lines := run(t, 7, talk)
		if again != first {
			t.Fatalf("%v, then %v; the traces part at %s", first, again, parting(trace, lines))
		}
	}
	if other, _ := run(t, 8, talk); other.Hash == first.Hash {
		t.Error("another seed gave the same trace")
	}
}

// parting is the first line in which two traces differ.
func parting(a, b string) string {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range min(len(as), len(bs)) {
		if as[i] != bs[i] {
			return fmt.Sprintf("%q and %q", as[i], bs[i])
		}
	}
	return "the end of the shorter one"
}

func TestTwoHostsTalkUnderManySeeds(t *testing.T) {
	for seed := range uint64(40) {
		run(t, seed, talk(mplex.Factory(mplex.PauseThenReset)))
	}
}

func TestATestOfAProtocolIsAFewLines(t *testing.T) {
	Test(t, func(w *World) {
		alice, bob := w.Host("alice"), w.Host("bob")
		bob.Handle(bob.Self(), "/echo/1", echo)
		began := w.Self().Now()
		if err := alice.Connect(w.Self(), bob.Info()); err != nil {
			t.Fatal(err)
		}
		s, err := alice.Open(w.Self(), bob.ID(), "/echo/1")
		if err != nil {
			t.Fatal(err)
		}
		s.Write([]byte("hello"))
		s.CloseWrite()
		if got, err := io.ReadAll(s); string(got) != "hello" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		if took := w.Self().Now().Sub(began); took < 200*time.Millisecond || took > 400*time.Millisecond {
			t.Errorf("dial, upgrade and echo took %v of virtual time over 20 ms each way", took)
		}
	})
}

func TestADeadHostIsADialErrorAtItsDeadline(t *testing.T) {
	Test(t, func(w *World) {
		alice, bob := w.Host("alice"), w.Host("bob")
		to := bob.Info()
		if err := bob.Close(); err != nil {
			t.Fatal(err)
		}
		if err := alice.Connect(w.Self(), to); err == nil {
			t.Error("a closed host was reached")
		}
		key, _ := peer.Generate(actor.Entropy(w.Self()))
		if err := alice.Connect(w.Self(), peer.Info{ID: key.Public().ID(), Addrs: alice.Addrs()}); err == nil {
			t.Error("another host passed for the one wanted")
		}
	})
}

func TestAPanicInAScenarioIsAnErrorOfTheRun(t *testing.T) {
	_, err := Run(context.Background(), Config{}, func(w *World) error {
		w.Host("twin")
		w.Host("twin")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), `two hosts named "twin"`) {
		t.Errorf("got %v", err)
	}
}

func TestADeadlockIsReportedWithWhoWaits(t *testing.T) {
	_, err := Run(context.Background(), Config{}, func(w *World) error {
		return actor.NewSignal(w.Self(), "a signal that never comes").Wait(w.Self(), time.Time{})
	})
	var deadlock *actor.DeadlockError
	if !errors.As(err, &deadlock) || !strings.Contains(err.Error(), "a signal that never comes") {
		t.Errorf("got %v", err)
	}
}

func TestAServiceThatCrashesIsStartedAgainInTheSimulationToo(t *testing.T) {
	Test(t, func(w *World) {
		starts := 0
		w.ExpectPanics("/fragile")
		alice := w.Host("alice")
		bob := w.Host("bob", host.Run("fragile", func(self *actor.Self, h *host.Host) error {
			starts++
			h.Handle(self, "/fragile/1", echo)
			if starts == 1 {
				self.Sleep(time.Second)
				panic("on purpose")
			}
			return self.Sleep(time.Hour)
		}))
		if err := alice.Connect(w.Self(), bob.Info()); err != nil {
			t.Fatal(err)
		}
		w.Sleep(5 * time.Second)
		if _, err := alice.Open(w.Self(), bob.ID(), "/fragile/1"); err != nil || starts != 2 {
			t.Errorf("after %d starts: %v", starts, err)
		}
	})
}
