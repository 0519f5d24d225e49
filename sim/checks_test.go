package sim

import (
	"errors"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
)

var errWrong = errors.New("wrong")

// failing plays a scenario that must fail, and returns how.
func failingRun(t *testing.T, scenario func(w *World) error) *Failure {
	t.Helper()
	_, err := Run(t.Context(), Config{Seed: 1, Link: usualLink}, scenario)
	if err == nil {
		t.Fatal("nothing failed")
	}
	return FailureOf(err)
}

func TestAnAlwaysIsLookedAtAfterEveryInstant(t *testing.T) {
	looked, wrong := 0, false
	f := failingRun(t, func(w *World) error {
		w.Always("right", func() error {
			looked++
			if wrong {
				return errWrong
			}
			return nil
		})
		w.Host("alice")
		for range 10 {
			w.Sleep(time.Second)
		}
		w.Self().Go("mistake", func(self *actor.Self) error {
			wrong = true
			self.Sleep(time.Millisecond) // and then it is right again
			wrong = false
			return self.Sleep(time.Hour)
		})
		w.Sleep(time.Hour)
		t.Error("the run went on")
		return nil
	})
	if f.Check != "always right" || f.Err != errWrong || f.At != 10*time.Second+time.Millisecond || looked < 10 {
		t.Errorf("looked %d times: %v", looked, f)
	}
}

func TestAnEventuallyHasItsTimeFromTheHealOn(t *testing.T) {
	scenario := func(within time.Duration) func(w *World) error {
		return func(w *World) error {
			w.Host("alice")
			w.Eventually("late", within, func() error {
				if w.Elapsed() < 15*time.Second {
					return errWrong
				}
				return nil
			})
			w.Run(10 * time.Second)
			w.Log("done")
			return nil
		}
	}
	result, err := Run(t.Context(), Config{Seed: 1}, scenario(5*time.Second))
	if err != nil || result.Elapsed < 15*time.Second || result.Elapsed > 16*time.Second {
		t.Errorf("%v: %v", result, err)
	}
	if f := failingRun(t, scenario(4*time.Second)); f.Check != "eventually late" || !errors.Is(f, errWrong) || f.At != 14*time.Second {
		t.Errorf("got %v", f)
	}
}

// Without Run, what a scenario wants to see eventually is waited for at its end.
func TestAnEventuallyIsWaitedForAtTheEnd(t *testing.T) {
	f := failingRun(t, func(w *World) error {
		w.Eventually("never", time.Minute, func() error { return errWrong })
		return nil
	})
	if f.Check != "eventually never" || f.At != time.Minute {
		t.Errorf("got %v", f)
	}
}

func TestAnAtEndIsMadeOnceWhileTheHostsAreThere(t *testing.T) {
	made := 0
	f := failingRun(t, func(w *World) error {
		bob := w.Site("bob", nil)
		w.AtEnd("there", func() error {
			made++
			if !bob.Up() {
				return errors.New("bob has gone")
			}
			return errWrong
		})
		w.At(time.Second, Crash("bob"))
		return w.Sleep(time.Minute)
	})
	// The world has healed, but bob has had no time to start.
	if f.Check != "at the end there" || made != 1 {
		t.Errorf("made %d times: %v", made, f)
	}
}

func TestAPanicOfAnyActorEndsTheRunUnlessItIsExpected(t *testing.T) {
	scenario := func(expect string) func(w *World) error {
		return func(w *World) error {
			if expect != "" {
				w.ExpectPanics(expect)
			}
			w.Host("alice", host.Run("fragile", func(self *actor.Self, _ *host.Host) error {
				self.Sleep(time.Second)
				panic("oh no")
			}))
			return w.Sleep(time.Minute)
		}
	}
	f := failingRun(t, scenario(""))
	if f.Check != "no panic" || f.At != time.Second || !strings.Contains(f.Error(), "world/alice/host/services/fragile: panic: oh no") {
		t.Errorf("got %v", f)
	}
	if want := "no panic: world/alice/host/services/fragile: panic: oh no"; f.Signature() != want {
		t.Errorf("its signature is %q", f.Signature())
	}
	if _, err := Run(t.Context(), Config{}, scenario("alice/host/services/fragile")); err != nil {
		t.Error(err)
	}
}

func TestAHostThatEndsByItselfIsAFailure(t *testing.T) {
	f := failingRun(t, func(w *World) error {
		w.Host("alice", host.RunEssential("vital", func(self *actor.Self, _ *host.Host) error { return errWrong }))
		return w.Sleep(time.Hour)
	})
	if !errors.Is(f, errWrong) {
		t.Errorf("got %v", f)
	}
}

func TestASetupThatFailsEndsTheRunAtTheFirstStartAndAtLaterOnes(t *testing.T) {
	for first := range 2 {
		f := failingRun(t, func(w *World) error {
			w.Site("bob", func(s *Site) error {
				if s.Starts() > first {
					return errWrong
				}
				return nil
			})
			w.Now(Crash("bob").For(time.Second))
			return w.Sleep(time.Minute)
		})
		if !errors.Is(f, errWrong) || f.At > time.Second {
			t.Errorf("after %d good starts: %v", first, f)
		}
	}
}

func TestTheSameFailureHasTheSameSignatureWhateverTheNumbersInIt(t *testing.T) {
	a := &Failure{Check: "the scenario", Err: errors.New("read 17 bytes after 20ms from bob\nmore")}
	b := &Failure{Check: "the scenario", At: time.Hour, Err: errors.New("read 4 bytes after 1.2s from bob")}
	c := &Failure{Check: "the scenario", Err: errors.New("read 17 bytes after 20ms from carol")}
	if a.Signature() != b.Signature() || a.Signature() == c.Signature() {
		t.Errorf("%q, %q, %q", a.Signature(), b.Signature(), c.Signature())
	}
	d := &Failure{Check: "always right", Err: errors.New("x")}
	if d.Signature() != "always right" {
		t.Errorf("%q", d.Signature())
	}
}

func TestAListenerThatIsLeftIsAFailure(t *testing.T) {
	f := failingRun(t, func(w *World) error {
		bob := w.Site("bob", nil)
		_, err := w.Network().Host(bob.IP()).Listen(w.Self(), ma.StringCast("/ip4/10.0.0.1/tcp/99"))
		return err
	})
	if f.Check != "nothing is left" || !strings.Contains(f.Error(), "0 ends of connections, 1 listeners, 0 packets") {
		t.Errorf("got %v", f)
	}
}

func TestAScenarioThatNeverEndsComesToTheEndOfTime(t *testing.T) {
	_, err := Run(t.Context(), Config{Horizon: time.Hour}, func(w *World) error {
		for w.Sleep(time.Minute) == nil {
		}
		return nil
	})
	if err == nil || FailureOf(err).Check != "the end of time" {
		t.Errorf("got %v", err)
	}
}

func TestAnAlwaysIsLookedAtOnThreadsToo(t *testing.T) {
	_, err := Run(t.Context(), Config{Link: usualLink, Shards: 2}, func(w *World) error {
		w.Hosts(2, nil)
		wrong := w.Elapsed() + time.Second
		w.Always("early", func() error {
			if w.Elapsed() >= wrong {
				return errWrong
			}
			return nil
		})
		return w.Sleep(time.Hour)
	})
	if err == nil || FailureOf(err).Check != "always early" || FailureOf(err).At > 1100*time.Millisecond {
		t.Errorf("got %v", err)
	}
}
