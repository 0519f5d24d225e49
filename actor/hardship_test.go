package actor

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"
)

// onIsland runs f as a tree on an island of its own, and scenario in the world.
func onIsland(t *testing.T, f Func, scenario func(self *Self, i *Island, ref *Ref) error) {
	t.Helper()
	for _, shards := range []int{0, 1} {
		err := NewSimulation(Options{Seed: 1, Shards: shards}).Run(context.Background(), "world", func(self *Self) error {
			LookAhead(self, hop)
			i := NewIsland(self, "isle")
			return scenario(self, i, Start(i.Context(self), "isle", f))
		})
		if err != nil {
			t.Errorf("%d shards: %v", shards, err)
		}
	}
}

func TestPowerOffEndsEverybodyWhereTheyStandAndFailsWhoWaits(t *testing.T) {
	var box *Mailbox[question]
	var ended []string
	body := func(self *Self) error {
		box = NewMailbox[question](self, 1)
		self.Go("part", func(self *Self) error {
			self.OnEnd(func() { ended = append(ended, "by OnEnd") })
			defer func() {
				NewCrossing(self, self).At(WorldNow(self).Add(time.Second), func() { ended = append(ended, "sent") })
				if err := self.Sleep(time.Second); err == nil {
					ended = append(ended, "slept")
				}
			}()
			return self.Sleep(time.Hour)
		})
		defer func() { ended = append(ended, "deferred") }()
		return self.Sleep(time.Hour)
	}
	onIsland(t, body, func(self *Self, i *Island, ref *Ref) error {
		ended = nil
		self.Sleep(time.Second)
		asker := Start(self, "asker", func(self *Self) error {
			_, err := Call(self, box, asQuestion, 1)
			if !errors.Is(err, ErrPowerOff) {
				t.Errorf("the asker got %v", err)
			}
			if err := box.Put(self, question{}); err == nil {
				_, err = Call(self, box, asQuestion, 1)
				if !errors.Is(err, ErrPowerOff) {
					t.Errorf("the second time the asker got %v", err)
				}
			}
			return nil
		})
		self.Sleep(time.Second)
		i.PowerOff()
		if err := ref.Wait(self); err != nil || !errors.Is(ref.Err(), ErrPowerOff) || !i.Off() {
			t.Errorf("it ended: %v, %v", err, ref.Err())
		}
		asker.Wait(self)
		self.Sleep(time.Hour)
		if !slices.Equal(ended, []string{"deferred"}) {
			t.Errorf("%v", ended)
		}
		again := NewIsland(self, "isle")
		if a, b := i.random("x").Uint64(), again.random("x").Uint64(); a == b {
			t.Error("the machine started again has the chance of the first one")
		}
		return nil
	})
}

func TestAPausedMachineIsLateAndASlowOneTakesItsTime(t *testing.T) {
	var at []time.Duration
	ticks := func(self *Self) error {
		for range 4 {
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			at = append(at, self.Now().Sub(simStart))
		}
		return nil
	}
	want := func(list ...time.Duration) {
		t.Helper()
		if !slices.Equal(at, list) {
			t.Errorf("got %v, want %v", at, list)
		}
		at = nil
	}
	onIsland(t, ticks, func(self *Self, i *Island, ref *Ref) error {
		self.Sleep(1500 * time.Millisecond)
		i.Pause(2 * time.Second)
		ref.Wait(self)
		want(time.Second, 3500*time.Millisecond, 4500*time.Millisecond, 5500*time.Millisecond)
		return nil
	})
	onIsland(t, ticks, func(self *Self, i *Island, ref *Ref) error {
		i.Slow(100 * time.Millisecond)
		ref.Wait(self)
		want(1200*time.Millisecond, 2300*time.Millisecond, 3400*time.Millisecond, 4500*time.Millisecond)
		return nil
	})
}

func TestASkewedClockRunsByItself(t *testing.T) {
	body := func(self *Self) error {
		for range 3 {
			self.Sleep(10 * time.Second)
		}
		return self.Sleep(time.Hour)
	}
	onIsland(t, body, func(self *Self, i *Island, ref *Ref) error {
		i.Skew(-time.Hour, time.Second/10) // 10 % fast
		self.Sleep(10 * time.Second)
		here, there, world := self.Now().Sub(simStart), Now(ref.node.self.Load()).Sub(simStart), WorldNow(ref.node.self.Load())
		if here != 10*time.Second || there != 11*time.Second-time.Hour || !world.Equal(self.Now()) {
			t.Errorf("here it is %v, there %v, and %v", here, there, world)
		}
		for _, d := range []time.Duration{1, 7, time.Second - 1, time.Second, 333 * time.Hour} {
			for _, drift := range []time.Duration{-time.Second / 2, -1, 1, time.Second / 3} {
				i.Skew(0, drift)
				took := i.lasts(d)
				if run := took + scale(took, drift); run < d || run > d+2 {
					t.Errorf("%v at a drift of %v takes %v, in which the clock runs %v", d, drift, took, run)
				}
			}
		}
		ref.Stop(nil)
		return ref.Wait(self)
	})
}

func TestAHundredThousandCrashesLeaveNothing(t *testing.T) {
	before := runtime.NumGoroutine()
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc + m.StackInuse
	}
	rounds := 100_000
	if raceDetector || testing.Short() {
		rounds = 2000
	}
	err := NewScheduler(1, nil).Run(context.Background(), "world", func(self *Self) error {
		var first uint64
		for k := range rounds {
			if k == rounds/10 {
				first = heap()
			}
			i := NewIsland(self, "isle")
			Start(i.Context(self), "isle", func(self *Self) error {
				box := NewMailbox[int](self, 1)
				self.Go("a", untilTold)
				self.Supervise("b", Restart{When: Always}, untilTold)
				_, _ = box.Recv()
				return nil
			})
			self.Sleep(time.Second)
			i.PowerOff()
		}
		if n := runtime.NumGoroutine(); n > before+10 {
			t.Errorf("%d goroutines are left of %d crashes", n-before, rounds)
		}
		if grown := int64(heap() - first); grown > 1<<20 {
			t.Errorf("%d crashes left %d bytes", rounds*9/10, grown)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
