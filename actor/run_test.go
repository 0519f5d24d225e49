package actor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

var errBoom = errors.New("boom")

// untilTold waits until the actor is told to end, in a way both carriers know.
func untilTold(self *Self) error {
	NewSignal(self, "a stop").Wait(self, time.Time{})
	return nil
}

func TestANormalEndOfTheBodyWaitsForTheChildren(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		finished := false
		err := run(func(self *Self) error {
			self.Go("child", func(self *Self) error {
				if err := self.Sleep(time.Second); err != nil {
					return err
				}
				finished = true
				return nil
			})
			return nil
		})
		if err != nil || !finished {
			t.Errorf("err %v, child finished %v", err, finished)
		}
	})
}

func TestTheFailureOfOnePartEndsTheOthersAndNamesItsPath(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var cause error
		err := run(func(self *Self) error {
			self.Go("bystander", func(self *Self) error {
				untilTold(self)
				cause = context.Cause(self)
				return nil
			})
			self.Go("group", func(self *Self) error {
				self.Sleep(time.Second)
				self.Go("bad", func(self *Self) error { return errBoom })
				return untilTold(self)
			})
			return untilTold(self)
		})
		var exit *ExitError
		if !errors.As(err, &exit) || exit.Path != "root/group/bad" || !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		if !errors.Is(cause, errBoom) {
			t.Errorf("the bystander saw the cause %v", cause)
		}
	})
}

func TestAPanicBecomesAFailureWithTheOriginalStack(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			self.Go("bad", func(self *Self) error { return thisPanics() })
			return untilTold(self)
		})
		var p *PanicError
		if !errors.As(err, &p) || p.Value != "ouch" || !strings.Contains(string(p.Stack), "thisPanics") {
			t.Errorf("got %v with stack %s", err, p.Stack)
		}
	})
}

func thisPanics() error { panic("ouch") }

func TestGoexitIsAFailureThatIsNotRestarted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		starts := 0
		err := Run(t.Context(), "root", func(self *Self) error {
			self.Supervise("bad", Restart{When: Always}, func(*Self) error {
				starts++
				runtime.Goexit()
				return nil
			})
			return untilTold(self)
		})
		if !errors.Is(err, ErrGoexit) || starts != 1 {
			t.Errorf("err %v after %d starts", err, starts)
		}
	})
}

func TestStopGoesInReverseOrderOfStart(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var order record[string]
		noted := func(self *Self) error {
			untilTold(self)
			order.add(self.Name())
			return nil
		}
		err := run(func(self *Self) error {
			self.Go("part 1", noted)
			self.Go("part 2", noted)
			self.Supervise("service 1", Restart{When: Always}, noted)
			self.Supervise("service 2", Restart{When: Always}, func(self *Self) error {
				self.Supervise("below", Restart{When: Always}, noted)
				return noted(self)
			})
			self.Sleep(time.Second)
			self.Ref().Stop(nil)
			return noted(self)
		})
		want := []string{"below", "service 2", "service 1", "root", "part 2", "part 1"}
		if diff := cmp.Diff(want, order.all()); diff != "" || err != nil {
			t.Errorf("err %v, order (-want +got):\n%s", err, diff)
		}
	})
}

func TestATemporaryChildsFailureGoesNoFurtherAndIsRemembered(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var tree Node
		err := run(func(self *Self) error {
			ref := self.Supervise("bad", Restart{When: Never}, func(*Self) error { return thisPanics() })
			if err := ref.Wait(self); err != nil {
				return err
			}
			var p *PanicError
			if !errors.As(ref.Err(), &p) {
				t.Errorf("the reference says %v", ref.Err())
			}
			tree = self.Tree()
			return nil
		})
		if err != nil {
			t.Errorf("the root failed: %v", err)
		}
		if len(tree.Failures) != 1 || tree.Failures[0].Path != "root/bad" {
			t.Errorf("the tree remembers %v", tree.Failures)
		}
	})
}

func TestAnActorIsRestartedUntilItsBudgetIsUsedUp(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var starts record[time.Duration]
		var began time.Time
		err := run(func(self *Self) error {
			began = self.Now()
			r := Restart{When: OnFailure, Max: 3, Within: time.Hour, Backoff: time.Second}
			self.Supervise("bad", r, func(self *Self) error {
				starts.add(self.Now().Sub(began))
				return errBoom
			})
			return untilTold(self)
		})
		var budget *BudgetError
		if !errors.As(err, &budget) || budget.Max != 3 || !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		if starts.len() != 4 {
			t.Fatalf("started at %v", starts.all())
		}
		for i, pause := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			if d := starts.at(i+1) - starts.at(i); d > pause || d < pause*3/4 {
				t.Errorf("pause %d was %v, want %v less at most a quarter", i, d, pause)
			}
		}
	})
}

func TestAnOptionalActorThatUsedUpItsBudgetStaysDownAndShowsInTheTree(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var failures []Failure
		err := run(func(self *Self) error {
			bad := self.Supervise("bad", Restart{When: OnFailure, Max: 1, Optional: true}, func(self *Self) error {
				return errBoom
			})
			if err := bad.Wait(self); err != nil {
				return err
			}
			failures = self.Tree().Failures
			return nil
		})
		if err != nil {
			t.Errorf("the parent failed too: %v", err)
		}
		var budget *BudgetError
		if len(failures) != 3 || failures[2].Path != "root/bad" || !errors.As(failures[2].Err, &budget) {
			t.Errorf("the tree shows %v", failures)
		}
	})
}

func TestJoinWaitsNoLongerThanItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ref := Start(t.Context(), "root", untilTold)
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errBoom)
		if err := ref.JoinContext(ctx); err != errBoom {
			t.Errorf("while it runs: %v", err)
		}
		ref.Stop(nil)
		if err := ref.Join(); err != nil {
			t.Errorf("after its stop: %v", err)
		}
	})
}

func TestARestartedActorHasAFreshMailboxAndTheOldOneSaysWhy(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var boxes record[*Mailbox[string]]
		err := run(func(self *Self) error {
			self.Supervise("service", Restart{When: OnFailure}, func(self *Self) error {
				box := NewMailbox[string](self, 4)
				boxes.add(box)
				for v := range box.All() {
					if v == "crash" {
						return errBoom
					}
				}
				return nil
			})
			self.Sleep(time.Second)
			if err := boxes.at(0).Put(self, "crash"); err != nil {
				return err
			}
			self.Sleep(time.Second)
			var gone *GoneError
			if err := boxes.at(0).Put(self, "late"); !errors.As(err, &gone) || !errors.Is(err, errBoom) {
				t.Errorf("the old mailbox says %v", err)
			}
			if boxes.len() != 2 {
				t.Fatalf("%d incarnations", boxes.len())
			}
			err := boxes.at(1).Put(self, "fine")
			self.Ref().Stop(nil)
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAStuckActorIsNamedWithItsStackAndHoldsUpNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stopped := false
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		tree := Start(ctx, "root", func(self *Self) error {
			self.Supervise("good", Restart{When: Always}, func(self *Self) error {
				untilTold(self)
				stopped = true
				return nil
			})
			self.Supervise("stuck", Restart{When: Always, Grace: 2 * time.Second}, func(self *Self) error {
				self.State("copying")
				<-release
				return nil
			})
			self.Sleep(time.Second)
			cancel()
			return untilTold(self)
		})
		err := tree.Join()
		var overdue *OverdueError
		if !errors.As(err, &overdue) || len(overdue.Overdue) != 1 {
			t.Fatalf("got %v", err)
		}
		o := overdue.Overdue[0]
		if o.Path != "root/stuck" || o.State != "copying" || !strings.Contains(o.Stack, "TestAStuckActor") {
			t.Errorf("reported %+v", o)
		}
		if took := time.Since(began); took < 3*time.Second || took > 9*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if !stopped {
			t.Error("the sibling was not stopped")
		}
		if seen, ok := tree.Tree().Find("root/stuck"); !ok || !seen.Overdue {
			t.Error("the stuck actor is not in the tree as overdue")
		}
		close(release)
		<-tree.Done()
	})
}

func TestAStuckPartOfAFailedGroupIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		tree := Start(t.Context(), "root", func(self *Self) error {
			self.Go("stuck", func(self *Self) error { <-release; return nil })
			self.Go("bad", func(self *Self) error { self.Sleep(time.Second); return errBoom })
			return untilTold(self)
		})
		err := tree.Join()
		var overdue *OverdueError
		if !errors.As(err, &overdue) || overdue.Overdue[0].Path != "root/stuck" || !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		close(release)
		<-tree.Done()
	})
}

func TestAPoolOfTemporaryChildrenStopsTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		began := time.Now()
		Run(ctx, "root", func(self *Self) error {
			for i := range 50 {
				self.Supervise(fmt.Sprint(i), Restart{}, func(self *Self) error {
					untilTold(self)
					time.Sleep(time.Second)
					return nil
				})
			}
			self.Sleep(time.Second)
			cancel()
			return untilTold(self)
		})
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("stopping 50 children that need a second each took %v", took)
		}
	})
}

func TestNothingStartsUnderAnActorThatIsTold(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		ran := false
		run(func(self *Self) error {
			self.Ref().Stop(nil)
			untilTold(self)
			ref := self.Supervise("late", Restart{When: Always}, func(*Self) error { ran = true; return nil })
			var gone *GoneError
			if err := ref.Wait(context.WithoutCancel(self)); err != nil || !errors.As(ref.Err(), &gone) {
				t.Errorf("waited with %v for %v", err, ref.Err())
			}
			return nil
		})
		if ran {
			t.Error("the late child ran")
		}
	})
}

func TestAnErrorReturnedAfterAStopIsAnOrderlyEnd(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			self.Ref().Stop(nil)
			untilTold(self)
			return fmt.Errorf("leaving: %w", context.Cause(self))
		})
		if err != nil {
			t.Errorf("got %v", err)
		}
	})
}

func TestAContextErrorOfSomethingElseIsAFailure(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			return NewSignal(self, "a stop").Wait(ctx, time.Time{})
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnActorThatReturnsTakesItsSupervisedChildrenWithIt(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var ends record[string]
		err := run(func(self *Self) error {
			for _, name := range []string{"first", "second"} {
				self.Supervise(name, Restart{When: Always}, func(self *Self) error {
					untilTold(self)
					ends.add(name)
					return nil
				})
			}
			return self.Sleep(time.Second)
		})
		if diff := cmp.Diff([]string{"second", "first"}, ends.all()); diff != "" || err != nil {
			t.Errorf("err %v, ends (-want +got):\n%s", err, diff)
		}
	})
}
