package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// An archipelago is a number of islands whose actors send each other letters.
type archipelago struct {
	islands []*Island
	boxes   []*Mailbox[int]
	refs    []*Ref
	got     [][]string // by island
}

const hop = 10 * time.Millisecond

// settle makes the islands, each with an actor that hears letters, passes them
// on, and has some work of its own.
func settle(self *Self, count int) *archipelago {
	a := &archipelago{boxes: make([]*Mailbox[int], count), got: make([][]string, count)}
	LookAhead(self, hop)
	for k := range count {
		island := NewIsland(self, fmt.Sprint("isle", k))
		a.islands = append(a.islands, island)
		up := NewPromise(self, "the start")
		a.refs = append(a.refs, Start(island.Context(self), island.name, func(self *Self) error {
			a.boxes[k] = NewMailbox[int](self, 4)
			up.Keep(nil)
			for i := range 3 {
				self.Supervise(fmt.Sprint("worker", i), Restart{}, func(self *Self) error {
					for self.Sleep(time.Duration(1+self.Rand().IntN(30))*time.Millisecond) == nil {
						a.boxes[k].Put(self, -1)
					}
					return nil
				})
			}
			for m := range a.boxes[k].All() {
				a.got[k] = append(a.got[k], fmt.Sprint(self.Now().Sub(simStart), " ", m))
				if m < 0 {
					continue
				}
				to := (k + 1 + self.Rand().IntN(count-1)) % count
				NewCrossing(self, a.refs[to].node.self.Load()).At(WorldNow(self).Add(hop+time.Duration(self.Rand().IntN(20))*time.Millisecond),
					func() { a.boxes[to].push(m + 1) })
			}
			return nil
		}))
		up.Wait(self)
	}
	return a
}

// voyage plays letters between islands for a virtual second or so.
func voyage(t *testing.T, seed uint64, shards int) (hash, steps uint64, got [][]string) {
	t.Helper()
	s := NewSimulation(Options{Seed: seed, Shards: shards})
	err := s.Run(context.Background(), "world", func(self *Self) error {
		a := settle(self, 9)
		for k := range a.boxes {
			a.boxes[k].push(0)
			a.boxes[k].push(1000)
		}
		for range 10 {
			self.Sleep(100 * time.Millisecond)
			if err := a.boxes[3].Put(self, 5000); err != nil { // the tree of Run reaches everywhere
				return err
			}
		}
		for _, r := range a.refs {
			r.Stop(nil)
			if err := r.Wait(self); err != nil {
				return err
			}
		}
		got = a.got
		return nil
	})
	if err != nil {
		t.Fatalf("seed %d, %d shards: %v", seed, shards, err)
	}
	return s.Hash(), s.Steps(), got
}

func TestIslandsTakeTheSameStepsOnAnyNumberOfShards(t *testing.T) {
	hashes := map[uint64]bool{}
	for seed := range uint64(30) {
		hash, steps, got := voyage(t, seed, 0)
		if steps < 2000 || len(got[3]) < 100 {
			t.Fatalf("that was not much: %d steps", steps)
		}
		for _, shards := range []int{1, 2, 4} {
			h, n, g := voyage(t, seed, shards)
			if h != hash || n != steps {
				t.Errorf("seed %d: %x after %d steps with %d shards, %x after %d without", seed, h, n, shards, hash, steps)
			}
			for k := range g {
				if !slices.Equal(g[k], got[k]) {
					t.Fatalf("seed %d: island %d saw something else with %d shards", seed, k, shards)
				}
			}
		}
		hashes[hash] = true
	}
	if len(hashes) != 30 {
		t.Errorf("30 seeds gave %d traces", len(hashes))
	}
}

func TestWindowsAreOpenedAtAll(t *testing.T) {
	s := NewSimulation(Options{Shards: 2})
	windows := 0
	s.options.OnStep = func(Step) {
		if s.parallel && s.running == nil {
			windows++
		}
	}
	s.options.Shards = 1
	s.Run(context.Background(), "world", func(self *Self) error {
		a := settle(self, 3)
		self.Sleep(time.Second)
		for _, r := range a.refs {
			r.Stop(nil)
			r.Wait(self)
		}
		return nil
	})
	if windows < 50 {
		t.Errorf("%d steps were taken in windows", windows)
	}
}

func TestActorsOfTwoIslandsThatMeetArePlayedInLockstep(t *testing.T) {
	for _, shards := range []int{0, 1, 2} {
		var answers []string
		s := NewSimulation(Options{Seed: 3, Shards: shards})
		err := s.Run(context.Background(), "world", func(self *Self) error {
			LookAhead(self, hop)
			one, two := NewIsland(self, "one"), NewIsland(self, "two")
			var box *Mailbox[question]
			up := NewPromise(self, "the start")
			a := Start(one.Context(self), "one", func(self *Self) error {
				box = NewMailbox[question](self, 1)
				up.Keep(nil)
				for q := range box.All() {
					self.Sleep(time.Millisecond)
					q.Answer(q.Q*2, nil)
				}
				return nil
			})
			up.Wait(self)
			b := Start(two.Context(self), "two", func(self *Self) error {
				for k := range 5 {
					self.Sleep(3 * time.Millisecond)
					n, err := Call(self, box, asQuestion, k)
					answers = append(answers, fmt.Sprint(n, err))
				}
				return nil
			})
			self.Sleep(time.Second)
			a.Stop(nil)
			a.Wait(self)
			return b.Wait(self)
		})
		if want := "0 <nil> 2 <nil> 4 <nil> 6 <nil> 8 <nil>"; err != nil || strings.Join(answers, " ") != want {
			t.Errorf("%d shards: %v, %v", shards, answers, err)
		}
	}
}

func TestPathsGoOnAcrossIslands(t *testing.T) {
	err := NewScheduler(1, nil).Run(context.Background(), "world", func(self *Self) error {
		island := NewIsland(self, "isle")
		ref := Start(island.Context(self), "isle", func(self *Self) error {
			inner := Start(self, "inner", untilTold)
			if inner.Path() != "world/isle/inner" || len(self.Tree().Children) != 1 {
				t.Errorf("got %s, %v", inner.Path(), self.Tree())
			}
			return untilTold(self)
		})
		self.Sleep(time.Second)
		ref.Stop(nil)
		return ref.Wait(self)
	})
	if err != nil {
		t.Error(err)
	}
	if NewIsland(t.Context(), "none") != nil {
		t.Error("an island was made outside of a simulation")
	}
}

func TestALivelockAndALeakAndAHorizonAreReportedByPath(t *testing.T) {
	err := NewScheduler(1, nil).Run(context.Background(), "root", func(self *Self) error {
		a, b := NewSignal(self, "a"), NewSignal(self, "b")
		self.Go("ping", func(self *Self) error {
			for a.Wait(self, time.Time{}) == nil {
				b.Set()
			}
			return nil
		})
		self.Go("pong", func(self *Self) error {
			for a.Set(); b.Wait(self, time.Time{}) == nil; a.Set() {
			}
			return nil
		})
		return nil
	})
	var live *LivelockError
	if !errors.As(err, &live) || len(live.Actors) == 0 {
		t.Errorf("got %v", err)
	}
	err = NewScheduler(1, nil).Run(context.Background(), "root", func(self *Self) error {
		Start(NewIsland(self, "isle").Context(context.WithoutCancel(self)), "isle", func(self *Self) error {
			return self.Sleep(time.Hour)
		})
		return self.Sleep(time.Second)
	})
	var leak *LeakError
	if !errors.As(err, &leak) || !slices.Equal(leak.Actors, []string{"root/isle waits for its sleep to end"}) {
		t.Errorf("got %v", err)
	}
	err = NewSimulation(Options{Horizon: time.Minute}).Run(context.Background(), "root", func(self *Self) error {
		self.Go("clock", func(self *Self) error {
			for self.Sleep(time.Second) == nil {
			}
			return nil
		})
		return NewSignal(self, "news that never come").Wait(self, time.Time{})
	})
	var horizon *HorizonError
	if !errors.As(err, &horizon) || !strings.Contains(err.Error(), "root waits for news that never come") {
		t.Errorf("got %v", err)
	}
	goleak.VerifyNone(t)
}

func TestAnActorThatComputesTooLongIsNamedWithItsStack(t *testing.T) {
	told := make(chan SlowActor, 1)
	err := NewSimulation(Options{OnSlow: func(a SlowActor) { told <- a }}).Run(context.Background(), "root", func(self *Self) error {
		self.Go("endless", func(*Self) error { return computeUntil(told) })
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// computeUntil computes until somebody has noticed.
func computeUntil(told chan SlowActor) error {
	for len(told) == 0 {
	}
	if a := <-told; a.Path != "root/endless" || !strings.Contains(a.Stack, "computeUntil") {
		return fmt.Errorf("told of %+v", a)
	}
	return nil
}

func TestACheckedSimulationCatchesEveryCallOfAnOrdinaryGoroutine(t *testing.T) {
	NewSimulation(Options{Check: true}).Run(context.Background(), "root", func(self *Self) error {
		box, signal := NewMailbox[int](self, 1), NewSignal(self, "news")
		for _, c := range []struct {
			name string
			call func()
		}{
			{"wait", func() { signal.Wait(self, time.Time{}) }},
			{"set", func() { signal.Set() }},
			{"put", func() { box.Put(self, 1) }},
			{"try", func() { box.TryPut(1) }},
			{"sleep", func() { self.Sleep(time.Second) }},
			{"start", func() { self.Go("child", untilTold) }},
			{"timer", func() { AfterFunc(self, time.Second, func() {}) }},
			{"end", func() { self.Ref().Stop(nil) }},
		} {
			caught := make(chan any)
			go func() {
				defer func() { caught <- recover() }()
				c.call()
			}()
			if text := fmt.Sprint(<-caught); !strings.Contains(text, "ordinary goroutine") {
				t.Errorf("%s: %s", c.name, text)
			}
			self.Sleep(time.Millisecond)
		}
		return nil
	})
}
