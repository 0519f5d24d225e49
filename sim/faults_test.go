package sim

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/transport"
)

// serveEcho is a host that says back what it hears.
func serveEcho(s *Site) error { return s.Serve("/echo/1", echo) }

// two is a world of two sites that are connected, 20 ms apart.
func two(t *testing.T, scenario func(w *World, alice, bob *Site), more ...host.Option) {
	t.Helper()
	world(t, func(w *World) {
		alice, bob := w.Site("alice", nil, more...), w.Site("bob", serveEcho, more...)
		w.Must(alice.Connect(w.Self(), bob.Info()))
		scenario(w, alice, bob)
	})
}

// world plays a scenario that must not fail.
func world(t *testing.T, scenario func(w *World)) {
	t.Helper()
	result, err := Run(t.Context(), Config{Seed: 1, Link: usualLink}, func(w *World) error {
		scenario(w)
		return nil
	})
	if err != nil {
		t.Errorf("%v: %v", result, err)
	}
}

// pinged is how long a ping takes, at most 5 s.
func pinged(w *World, from, to *Site) (time.Duration, error) {
	ctx, cancel := w.Self().WithTimeout(5 * time.Second)
	defer cancel()
	return ping.Ping(ctx, from.Swarm(), to.ID())
}

// reaches fails the test if a ping does not come back within d.
func reaches(t *testing.T, w *World, from, to *Site, least, most time.Duration) {
	t.Helper()
	if took, err := pinged(w, from, to); err != nil || took < least || took > most {
		t.Errorf("%v after %v: a ping takes %v, %v", from.Name(), w.Elapsed(), took, err)
	}
}

func TestAPartitionSilencesAConnectionWhichGoesOnWhenItEnds(t *testing.T) {
	for _, f := range []Fault{
		Partition([]string{"alice"}, []string{"bob"}),
		Partition([]string{"alice"}, []string{"bob"}).OneWay(),
		Partition([]string{"bob"}, []string{"nobody"}, []string{"alice"}).OneWay(),
	} {
		two(t, func(w *World, alice, bob *Site) {
			w.Site("nobody", nil)
			open := alice.Swarm().Conn(bob.ID())
			w.Now(f.For(6 * time.Second))
			if _, err := pinged(w, alice, bob); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v: a ping got through: %v", f, err)
			}
			w.Sleep(20 * time.Second)
			reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond)
			if open.Err() != nil {
				t.Errorf("%v: the connection has ended: %v", f, open.Err())
			}
		})
	}
}

func TestThoseOnNoSideOfAPartitionReachEverybody(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		carol := w.Site("carol", nil)
		w.Must(carol.Connect(w.Self(), alice.Info()))
		w.Must(carol.Connect(w.Self(), bob.Info()))
		w.Now(Partition([]string{"alice"}, []string{"bob"}))
		reaches(t, w, carol, alice, 40*time.Millisecond, 40*time.Millisecond)
		reaches(t, w, carol, bob, 40*time.Millisecond, 40*time.Millisecond)
	})
}

func TestADegradedLinkIsSlowerForItsTime(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		f := Degrade("alice", "bob").For(10 * time.Second)
		f.By = 100 * time.Millisecond
		w.Now(f, f.OneWay()) // they add up
		reaches(t, w, alice, bob, 340*time.Millisecond, 340*time.Millisecond)
		w.Sleep(10 * time.Second)
		reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond)
	})
}

// fetch sends n bytes to the echo and reads them back.
func fetch(w *World, from, to *Site, n int) (time.Duration, error) {
	began := w.Elapsed()
	s, err := from.Open(w.Self(), to.ID(), "/echo/1")
	if err != nil {
		return 0, err
	}
	w.Self().Go("writer", func(*actor.Self) error {
		s.Write(make([]byte, n))
		return s.CloseWrite()
	})
	got, err := io.ReadAll(s)
	if err == nil && (len(got) != n || strings.Trim(string(got), "\x00") != "") {
		err = errors.New("other bytes came back")
	}
	return w.Elapsed() - began, err
}

func TestADegradedLinkIsNarrowerAndLosesForItsTime(t *testing.T) {
	narrow, lossy := Degrade("alice", "bob"), Degrade("alice", "bob")
	narrow.Rate, lossy.Loss = 10_000, Percent(5)
	for f, slower := range map[*Fault]int{&narrow: 200, &lossy: 110} {
		two(t, func(w *World, alice, bob *Site) {
			usual, err := fetch(w, alice, bob, 100_000)
			w.Must(err)
			w.Now(f.For(time.Minute))
			slow, err := fetch(w, alice, bob, 100_000)
			w.Must(err)
			w.Sleep(time.Minute)
			again, err := fetch(w, alice, bob, 100_000)
			w.Must(err)
			if slow*100 < usual*time.Duration(slower) || again > usual {
				t.Errorf("%v: %v, then %v, then %v", f, usual, slow, again)
			}
		})
	}
}

func flipping() Fault {
	f := Degrade("alice", "bob").For(20 * time.Second)
	f.Flip = certain
	return f
}

func TestFlippedBitsUnderNoiseEndTheConnection(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		open := alice.Swarm().Conn(bob.ID())
		w.Now(flipping())
		if _, err := fetch(w, alice, bob, 100_000); err == nil {
			t.Error("nobody noticed")
		}
		if open.Err() == nil {
			t.Error("the connection lives")
		}
		w.Sleep(20 * time.Second)
		w.Must(alice.Connect(w.Self(), bob.Info()))
		_, err := fetch(w, alice, bob, 100_000)
		w.Must(err)
	})
}

// What has no security layer below it checks for itself: here the hashes differ,
// where the muxer has not noticed before.
func TestFlippedBitsOverPlaintextReachTheProtocol(t *testing.T) {
	plain := host.Security(func(k peer.Key) negotiate.Security { return plaintext.New(k) })
	reached := 0
	for seed := range uint64(10) {
		_, err := Run(t.Context(), Config{Seed: seed, Link: usualLink}, func(w *World) error {
			alice, bob := w.Site("alice", nil, plain), w.Site("bob", nil, plain)
			w.Must(alice.Connect(w.Self(), bob.Info()))
			w.Must(bob.Serve("/sum/1", sum))
			s, err := alice.Open(w.Self(), bob.ID(), "/sum/1")
			w.Must(err)
			w.Must(s.Agreed(w.Self()))
			f := flipping().OneWay()
			f.Flip = Percent(10)
			w.Now(f)
			question := make([]byte, 200_000)
			s.SetDeadline(actor.Now(w.Self()).Add(time.Minute)) // a flip may keep the end away
			s.Write(question)
			s.CloseWrite()
			got, err := io.ReadAll(s)
			if right := sha256.Sum256(question); err == nil && len(got) == len(right) && !bytes.Equal(got, right[:]) {
				reached++
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if reached == 0 {
		t.Error("all sums were right, or did not come")
	}
}

func TestDialsAreRefusedForATime(t *testing.T) {
	world(t, func(w *World) {
		alice, bob := w.Site("alice", nil), w.Site("bob", nil)
		w.Now(Refuse("bob").For(30 * time.Second))
		began := w.Elapsed()
		if err := alice.Connect(w.Self(), bob.Info()); !errors.Is(err, transport.ErrRefused) || w.Elapsed()-began > time.Second {
			t.Errorf("after %v: %v", w.Elapsed()-began, err)
		}
		w.Sleep(time.Hour)
		w.Must(alice.Connect(w.Self(), bob.Info()))
	})
}

func TestDialsIntoABlackHoleGetNoAnswerForATime(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		carol := w.Site("carol", nil)
		w.Now(BlackHole("bob").For(30 * time.Second))
		reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond) // those that are open live
		ctx, cancel := w.Self().WithTimeout(20 * time.Second)
		defer cancel()
		if err := carol.Connect(ctx, bob.Info()); err == nil || errors.Is(err, transport.ErrRefused) {
			t.Errorf("got %v", err)
		}
		w.Sleep(time.Hour)
		w.Must(carol.Connect(w.Self(), bob.Info()))
	})
}

func TestAResetEndsTheConnectionsBetweenTwoAndNoOther(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		carol := w.Site("carol", nil)
		w.Must(carol.Connect(w.Self(), bob.Info()))
		a, c := alice.Swarm().Conn(bob.ID()), carol.Swarm().Conn(bob.ID())
		w.Now(Reset("alice", "bob"))
		w.Sleep(time.Second)
		if a.Err() == nil || c.Err() != nil || len(bob.Swarm().Conns(alice.ID())) != 0 {
			t.Errorf("alice's ended with %v, carol's with %v", a.Err(), c.Err())
		}
		w.Must(alice.Connect(w.Self(), bob.Info()))
	})
}

// keeper writes how often it was started onto its disk.
func keeper(s *Site) error {
	before, err := s.Disk().Read("starts")
	if err != nil {
		return err
	}
	return s.Disk().Write("starts", append(before, 'x'))
}

func TestAHostThatCrashedComesBackWithItsDiskUnlessThatIsLost(t *testing.T) {
	for _, f := range []Fault{Crash("bob"), PowerOff("bob"), Stop("bob"), Crash("bob").Forgetting(), PowerOff("bob").Forgetting()} {
		world(t, func(w *World) {
			alice, bob := w.Site("alice", nil), w.Site("bob", keeper)
			w.Must(bob.Connect(w.Self(), alice.Info()))
			w.Sleep(time.Hour) // the address book is written
			id, old, disk := bob.ID(), bob.Host, bob.Disk()
			w.Now(f.For(10 * time.Second))
			w.Sleep(5 * time.Second)
			if bob.Up() {
				t.Errorf("%v: bob is up", f)
			}
			if err := disk.Write("late", []byte("word")); f.Kind != KindStop && !errors.Is(err, ErrNoPower) {
				t.Errorf("%v: a write after the crash: %v", f, err)
			}
			w.Sleep(10 * time.Second)
			if !bob.Up() || bob.ID() != id || bob.Host == old || bob.Starts() != 2 {
				t.Errorf("%v: bob is up: %v, as %v instead of %v", f, bob.Up(), bob.ID(), id)
			}
			want, peers := "xx", 1
			if f.Forgets {
				want, peers = "x", 0
			}
			if starts, _ := bob.Disk().Read("starts"); string(starts) != want || len(bob.Disk().Peers()) != peers {
				t.Errorf("%v: the disk has %q and %d peers", f, starts, len(bob.Disk().Peers()))
			}
			w.Must(alice.Connect(w.Self(), bob.Info()))
		})
	}
}

func TestOthersLearnOfACrashAndHearNothingOfAPowerCut(t *testing.T) {
	for f, told := range map[Kind]bool{KindCrash: true, KindStop: true, KindPowerOff: false} {
		two(t, func(w *World, alice, bob *Site) {
			open := alice.Swarm().Conn(bob.ID())
			w.Now(Fault{Kind: f, Hosts: []string{"bob"}})
			w.Sleep(2 * time.Second)
			if ended := open.Err() != nil; ended != told {
				t.Errorf("%v: the connection's end: %v", f, open.Err())
			}
			_, err := pinged(w, alice, bob)
			if silent := errors.Is(err, context.DeadlineExceeded); silent == told || err == nil {
				t.Errorf("%v: a ping ended with %v", f, err)
			}
		})
	}
}

func TestTwoFaultsKeepAHostAwayUntilBothHaveEnded(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		w.Now(Crash("bob").For(10*time.Second), PowerOff("bob").For(20*time.Second), Stop("bob").For(5*time.Second))
		w.Sleep(15 * time.Second)
		if bob.Up() {
			t.Error("bob came back early")
		}
		w.Sleep(6 * time.Second)
		if !bob.Up() || bob.Starts() != 2 {
			t.Errorf("bob has started %d times", bob.Starts())
		}
	})
}

func TestASlowReaderHoldsUpThoseWhoWriteToItForItsTime(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		usual, err := fetch(w, alice, bob, 200_000)
		w.Must(err)
		w.Now(SlowReader(10_000, "bob").For(time.Minute))
		slow, err := fetch(w, alice, bob, 200_000)
		w.Must(err)
		w.Sleep(time.Minute)
		again, err := fetch(w, alice, bob, 200_000)
		w.Must(err)
		if slow < 15*time.Second || slow > 30*time.Second || again > 2*usual {
			t.Errorf("%v, then %v, then %v", usual, slow, again)
		}
	})
}

func TestAPausedHostAnswersWhenThePauseIsOver(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		w.Now(Pause("bob").For(3 * time.Second))
		reaches(t, w, alice, bob, 3*time.Second, 3*time.Second+40*time.Millisecond)
		reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond)
		w.Now(Pause("bob").For(6*time.Second), Pause("bob").For(2*time.Second))
		if _, err := pinged(w, alice, bob); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("bob answered: %v", err)
		}
		w.Sleep(2 * time.Second)
		reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond)
	})
}

func TestAHostWithASlowCPUTakesItsTime(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		w.Now(SlowCPU(10*time.Millisecond, "bob").For(10 * time.Second))
		reaches(t, w, alice, bob, 60*time.Millisecond, time.Second)
		w.Sleep(11 * time.Second)
		reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond)
	})
}

func TestAClockThatIsWrongIsWrongForItsHostOnly(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		ahead := func() time.Duration { return actor.Now(bob.Self()).Sub(actor.Now(alice.Self())) }
		w.Now(Skew(time.Hour, "bob").For(20*time.Second), Skew(-time.Minute, "bob").For(10*time.Second))
		if d := ahead(); d != 59*time.Minute {
			t.Errorf("bob is %v ahead", d)
		}
		w.Sleep(11 * time.Second)
		if d := ahead(); d != time.Hour {
			t.Errorf("bob is %v ahead after the first has ended", d)
		}
		w.Sleep(10 * time.Second)
		if d := ahead(); d != 0 {
			t.Errorf("bob is %v ahead after both have ended", d)
		}
		reaches(t, w, alice, bob, 40*time.Millisecond, 40*time.Millisecond)
	})
}

func TestWhatLastsForAHostLastsForTheOneThatComesBackToo(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		w.Now(Skew(time.Hour, "bob").For(20*time.Second), Crash("bob").For(time.Second))
		w.Sleep(10 * time.Second)
		if d := actor.Now(bob.Self()).Sub(actor.Now(alice.Self())); d != time.Hour {
			t.Errorf("bob is %v ahead", d)
		}
	})
}

func TestAHostMayCrashWhileItStarts(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		w.Now(Crash("bob").For(time.Millisecond))
		for range 50 {
			w.Sleep(time.Millisecond)
			w.Now(PowerOff("bob").For(time.Millisecond))
		}
		w.Sleep(time.Second)
		w.Must(alice.Connect(w.Self(), bob.Info()))
	})
}

func TestTheWorldHealsAtTheEndAndForgetsWhatWasPlanned(t *testing.T) {
	two(t, func(w *World, alice, bob *Site) {
		w.At(time.Second, Crash("bob"), Partition([]string{"alice"}, []string{"bob"}), Refuse("bob"))
		w.At(time.Hour, Crash("alice"))
		met := w.Elapsed()
		w.Eventually("alice reaches bob", time.Second, func() error {
			met = w.Elapsed()
			return alice.Connect(w.Self(), bob.Info())
		})
		w.Run(10 * time.Second)
		if met < 10*time.Second || met > 11*time.Second || len(w.Faults()) != 4 {
			t.Errorf("they met after %v; %d faults", met, len(w.Faults()))
		}
		w.Sleep(2 * time.Hour)
		if alice.Starts() != 1 {
			t.Error("what was planned for later happened")
		}
	})
}

func TestAFaultForAHostThatIsNotThereEndsTheRun(t *testing.T) {
	_, err := Run(t.Context(), Config{}, func(w *World) error {
		w.At(time.Second, Crash("nobody"))
		return w.Sleep(time.Hour)
	})
	if err == nil || !strings.Contains(err.Error(), `no host named "nobody"`) {
		t.Errorf("got %v", err)
	}
}
