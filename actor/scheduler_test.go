package actor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

// traced runs f in a simulation and returns its steps.
func traced(seed uint64, f Func) (steps []Step, err error) {
	err = NewScheduler(seed, func(s Step) { steps = append(steps, s) }).Run(context.Background(), "root", f)
	return steps, err
}

// busy is a small world in which a good deal happens: mailboxes, timers,
// restarts, backoff with jitter, a group, calls and stops.
func busy(self *Self) error {
	inbox := NewMailbox[int](self, 2)
	for i := range 3 {
		self.Supervise(fmt.Sprint("worker ", i), Restart{When: OnFailure, Backoff: time.Second}, func(self *Self) error {
			for {
				d := time.Duration(self.Rand().IntN(1000)) * time.Millisecond
				if err := self.Sleep(d); err != nil {
					return err
				}
				if err := inbox.Put(self, i); err != nil {
					return err
				}
				if self.Rand().IntN(4) == 0 {
					return errBoom
				}
			}
		})
	}
	self.SuperviseGroup("group", RestForOne, Restart{Max: 100},
		Child{"a", Always, func(self *Self) error { return self.Sleep(time.Second) }},
		Child{"b", Always, untilTold})
	for range 12 {
		inbox.Recv()
	}
	self.Ref().Stop(nil)
	return nil
}

func TestOneSeedGivesOneListOfSteps(t *testing.T) {
	want, err := traced(7, busy)
	if err != nil || len(want) < 50 {
		t.Fatalf("%d steps, %v", len(want), err)
	}
	for range 20 {
		got, _ := traced(7, busy)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("the same seed gave other steps (-want +got):\n%s", diff)
		}
	}
	if other, _ := traced(8, busy); slices.Equal(want, other) {
		t.Error("another seed gave the same steps")
	}
}

// fanIn returns the order in which the messages of some senders arrived.
func fanIn(seed uint64, senders, each int) string {
	var order strings.Builder
	NewScheduler(seed, nil).Run(context.Background(), "root", func(self *Self) error {
		box := NewMailbox[int](self, 2)
		for i := range senders {
			self.Go(fmt.Sprint(i), func(self *Self) error {
				for range each {
					box.Put(self, i)
				}
				return nil
			})
		}
		for range senders * each {
			v, _ := box.Recv()
			fmt.Fprint(&order, v)
		}
		return nil
	})
	return order.String()
}

func TestManySeedsGiveManyOrdersAndEachCanBeRepeated(t *testing.T) {
	orders := map[string]uint64{}
	for seed := range uint64(200) {
		order := fanIn(seed, 4, 4)
		if again := fanIn(seed, 4, 4); again != order {
			t.Fatalf("seed %d gave %s, then %s", seed, order, again)
		}
		orders[order] = seed
	}
	if len(orders) < 190 {
		t.Errorf("200 seeds gave %d orders", len(orders))
	}
}

func TestADeadlockIsReportedByPathAndLeavesNoGoroutine(t *testing.T) {
	for seed := range uint64(20) {
		err := NewScheduler(seed, nil).Run(context.Background(), "root", func(self *Self) error {
			_, box := withBox(self, "full", 1, func(self *Self, _ *Mailbox[question]) error {
				return NewSignal(self, "news that never come").Wait(self, time.Time{})
			})
			box.TryPut(question{})
			self.Go("sender", func(self *Self) error { return box.Put(self, question{}) })
			_, calm := withBox(self, "calm", 1, func(_ *Self, box *Mailbox[question]) error {
				for range box.All() {
				}
				return nil
			})
			self.Go("caller", func(self *Self) error {
				_, err := Call(self, calm, asQuestion, 1)
				return err
			})
			self.Go("watcher", func(self *Self) error {
				defer self.Sleep(time.Second) // a wait on the way out of a world that ended
				return self.Ref().Wait(context.WithoutCancel(context.Background()))
			})
			return nil
		})
		var dead *DeadlockError
		if !errors.As(err, &dead) {
			t.Fatalf("seed %d: got %v", seed, err)
		}
		want := []string{
			"root waits for its children to end",
			"root/caller waits for an answer of root/calm",
			"root/calm waits for a message",
			"root/full waits for news that never come",
			"root/sender waits for room in the mailbox of root/full",
			"root/watcher waits for something that the runtime does not know",
		}
		if diff := cmp.Diff(want, dead.Waiting); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
	}
	goleak.VerifyNone(t)
}

func TestAnActorThatIsLateInASimulationIsNamedAndEnded(t *testing.T) {
	s := NewScheduler(1, nil)
	err := s.Run(context.Background(), "root", thenStop(func(self *Self) error {
		self.Supervise("stuck", Restart{Grace: time.Second}, func(self *Self) error {
			self.State("copying")
			return NewSignal(self, "a lock").Wait(context.WithoutCancel(self), time.Time{})
		})
		return self.Sleep(time.Second)
	}))
	var overdue *OverdueError
	if !errors.As(err, &overdue) {
		t.Fatalf("got %v", err)
	}
	want := []Overdue{{Path: "root/stuck", State: "copying", Grace: time.Second}}
	if diff := cmp.Diff(want, overdue.Overdue); diff != "" {
		t.Errorf("overdue (-want +got):\n%s", diff)
	}
	goleak.VerifyNone(t)
}

func TestVirtualTimeIsExactAndCostsNothing(t *testing.T) {
	s := NewScheduler(1, nil)
	var at []time.Duration
	err := s.Run(context.Background(), "root", func(self *Self) error {
		began := self.Now()
		if !began.Equal(simStart) || Now(self) != began {
			t.Errorf("it begins at %v", began)
		}
		for _, d := range []time.Duration{time.Nanosecond, time.Hour, 365 * 24 * time.Hour} {
			self.Sleep(d)
			at = append(at, self.Now().Sub(began))
		}
		self.Sleep(-time.Hour) // does not turn the clock back
		at = append(at, self.Now().Sub(began))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	year := 365*24*time.Hour + time.Hour + 1
	if diff := cmp.Diff([]time.Duration{1, time.Hour + 1, year, year}, at); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if s.Elapsed() != year {
		t.Errorf("elapsed: %v", s.Elapsed())
	}
}

func TestAWaitOutsideOfAnActorSaysWhatIsWrong(t *testing.T) {
	var box *Mailbox[int]
	try := func(what string, wait func()) {
		defer func() {
			text := fmt.Sprint(recover())
			if !strings.Contains(text, "ordinary goroutine") || !strings.Contains(text, "simulation") {
				t.Errorf("%s: %s", what, text)
			}
		}()
		wait()
	}
	NewScheduler(1, nil).Run(context.Background(), "root", func(self *Self) error {
		box = NewMailbox[int](self, 1)
		AfterFunc(self, time.Second, func() {
			try("a timer's call", func() { box.Put(context.Background(), 1) })
			try("a timer's call", func() { self.Sleep(time.Second) })
		})
		return self.Sleep(2 * time.Second)
	})
	try("an ordinary goroutine", func() { box.Recv() })
}

func TestACrashInASimulationIsAFailureLikeAnyOther(t *testing.T) {
	restarts := 0
	err := NewScheduler(1, nil).Run(context.Background(), "root", thenStop(func(self *Self) error {
		self.Supervise("fragile", Restart{When: OnFailure, Backoff: time.Minute}, func(self *Self) error {
			if restarts = self.Restarts(); restarts < 3 {
				return thisPanics()
			}
			return untilTold(self)
		})
		return self.Sleep(time.Hour)
	}))
	if err != nil || restarts != 3 {
		t.Errorf("%d restarts, %v", restarts, err)
	}
}

// As t.FailNow in an actor does: the test ends, with everything in it.
func TestAGoexitInASimulationEndsTheWholeSimulation(t *testing.T) {
	returned, cleaned := make(chan bool, 1), false
	go func() {
		defer close(returned)
		NewScheduler(1, nil).Run(context.Background(), "root", func(self *Self) error {
			self.Go("other", func(self *Self) error {
				defer func() { cleaned = true }()
				return untilTold(self)
			})
			self.Sleep(time.Second)
			runtime.Goexit()
			return nil
		})
		returned <- true
	}()
	if <-returned || !cleaned {
		t.Errorf("it returned, or the other was not ended: %v", cleaned)
	}
}

func TestChanceInASimulationComesFromTheSeedAndThePath(t *testing.T) {
	draw := func(seed uint64) (list []string) {
		NewScheduler(seed, nil).Run(context.Background(), "root", thenStop(func(self *Self) error {
			for _, name := range []string{"a", "b"} {
				self.Supervise(name, Restart{When: OnFailure}, func(self *Self) error {
					key := make([]byte, 8)
					io.ReadFull(Entropy(context.WithoutCancel(self)), key)
					list = append(list, fmt.Sprintf("%s %x %x", self.Name(), key, self.Rand().Uint64()))
					if self.Restarts() == 0 {
						return errBoom
					}
					return nil
				})
			}
			return self.Sleep(time.Second)
		}))
		slices.Sort(list)
		return list
	}
	first := draw(1)
	if diff := cmp.Diff(first, draw(1)); diff != "" {
		t.Errorf("the same seed drew (-first +second):\n%s", diff)
	}
	seen := map[string]bool{}
	for _, line := range append(first, draw(2)...) {
		for _, number := range strings.Fields(line)[1:] {
			if seen[number] {
				t.Errorf("%s was drawn twice", number)
			}
			seen[number] = true
		}
	}
	if len(seen) != 16 {
		t.Errorf("%d numbers were drawn", len(seen))
	}
}

func TestChanceInProductionIsNeverTheSame(t *testing.T) {
	seen := map[uint64]bool{}
	for range 3 {
		Run(t.Context(), "root", func(self *Self) error {
			seen[self.Rand().Uint64()] = true
			var key [8]byte
			io.ReadFull(Entropy(self), key[:])
			io.ReadFull(Entropy(context.Background()), key[:])
			return nil
		})
	}
	if len(seen) != 3 {
		t.Errorf("three actors drew %d numbers", len(seen))
	}
}

func TestAContextThatEndsWithoutTheRuntimeIsHeeded(t *testing.T) {
	var order []string
	err := NewScheduler(1, nil).Run(context.Background(), "root", func(self *Self) error {
		ctx, cancel := context.WithCancelCause(context.Background())
		stop := AfterDone(self, func() { t.Error("the root was told to end") })
		AfterDone(withSelf{ctx, self}, func() { order = append(order, "after done") })
		undone := AfterDone(withSelf{ctx, self}, func() { t.Error("it was stopped") })
		self.Go("waiter", func(self *Self) error {
			order = append(order, fmt.Sprint("waiter: ", NewSignal(self, "news").Wait(ctx, time.Time{})))
			return nil
		})
		self.Sleep(time.Second)
		if !undone() || undone() || !stop() {
			t.Error("an AfterDone was not stopped once")
		}
		cancel(errBoom)
		self.Sleep(time.Second)
		order = append(order, "a second later")
		return nil
	})
	slices.Sort(order[:2])
	if diff := cmp.Diff([]string{"after done", "waiter: boom", "a second later"}, order); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// withSelf is a context with the values of an actor and an end of its own.
type withSelf struct {
	context.Context
	self *Self
}

func (c withSelf) Value(key any) any { return c.self.Value(key) }
