package actor

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// crew makes the children of a group that note when they start and end. Those in
// fail end with an error at the given times of their first incarnation.
func crew(order *record[string], when When, fail map[string]time.Duration, names ...string) []Child {
	var children []Child
	for _, name := range names {
		var starts atomic.Int32
		children = append(children, Child{Name: name, When: when, Run: func(self *Self) error {
			order.add("+" + name)
			defer order.add("-" + name)
			if d, ok := fail[name]; ok && starts.Add(1) == 1 {
				if err := self.Sleep(d); err != nil {
					return nil
				}
				return errBoom
			}
			return untilTold(self)
		}})
	}
	return children
}

func TestAGroupRestartsWhatItsStrategySaysInStartOrder(t *testing.T) {
	for _, c := range []struct {
		strategy Strategy
		want     string
	}{
		{OneForOne, "-b +b"},
		{RestForOne, "-b -d -c +b +c +d"},
		{OneForAll, "-b -d -c -a +a +b +c +d"},
	} {
		t.Run(fmt.Sprint(c.strategy), func(t *testing.T) {
			both(t, func(t *testing.T, run func(Func) error) {
				var order record[string]
				err := run(thenStop(func(self *Self) error {
					self.SuperviseGroup("group", c.strategy, Restart{}, crew(&order, OnFailure, map[string]time.Duration{"b": time.Second}, "a", "b", "c", "d")...)
					return self.Sleep(3 * time.Second)
				}))
				started := order.all()
				if len(started) < 4 {
					t.Fatalf("the order is %v", started)
				}
				// Four goroutines started in order may run their first line in any.
				slices.Sort(started[:4])
				restarted := started[len("abcd") : len(started)-4]
				wantStarts := slices.Sorted(slices.Values(filter(strings.Fields(c.want), "+")))
				if diff := cmp.Diff(filter(strings.Fields(c.want), "-"), filter(restarted, "-")); diff != "" {
					t.Errorf("ended in the round (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(wantStarts, slices.Sorted(slices.Values(filter(restarted, "+")))); diff != "" {
					t.Errorf("started in the round (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{"-d", "-c", "-b", "-a"}, started[len(started)-4:]); diff != "" {
					t.Errorf("stopped at the end (-want +got):\n%s", diff)
				}
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func filter(list []string, prefix string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.HasPrefix(s, prefix) })
}

func TestAGroupWhoseBudgetIsUsedUpFailsItsParent(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var order record[string]
		var starts atomic.Int32
		err := run(func(self *Self) error {
			children := crew(&order, Always, nil, "good")
			children = append(children, Child{Name: "bad", When: OnFailure, Run: func(self *Self) error {
				starts.Add(1)
				self.Sleep(time.Second)
				return errBoom
			}})
			self.SuperviseGroup("group", OneForAll, Restart{Max: 2, Within: time.Hour}, children...)
			return untilTold(self)
		})
		var budget *BudgetError
		var exit *ExitError
		if !errors.As(err, &budget) || budget.Max != 2 || !errors.Is(err, errBoom) || !errors.As(err, &exit) || exit.Path != "root/group" {
			t.Errorf("got %v", err)
		}
		if starts.Load() != 3 {
			t.Errorf("the bad one started %d times", starts.Load())
		}
		if got := order.all(); len(got) == 0 || got[len(got)-1] != "-good" {
			t.Errorf("the good one is left: %v", got)
		}
	})
}

func TestAGroupEndsWhenNoChildIsLeft(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			brief := func(self *Self) error { return self.Sleep(time.Second) }
			failing := func(*Self) error { return errBoom }
			ref := self.SuperviseGroup("group", OneForAll, Restart{}, Child{"a", OnFailure, brief}, Child{"b", Never, failing})
			began := self.Now()
			if err := ref.Wait(self); err != nil || ref.Err() != nil {
				t.Errorf("waited with %v for %v", err, ref.Err())
			}
			if took := self.Now().Sub(began); took != time.Second {
				t.Errorf("after %v", took)
			}
			empty := self.SuperviseGroup("empty", RestForOne, Restart{})
			return empty.Wait(self)
		}))
	})
}

func TestAGroupWaitsOutItsBackoffAndStopsInIt(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var starts record[time.Duration]
		run(thenStop(func(self *Self) error {
			began := self.Now()
			ref := self.SuperviseGroup("group", RestForOne, Restart{Backoff: time.Second, Max: 100, Within: time.Hour},
				Child{"flaky", Always, func(self *Self) error {
					starts.add(self.Now().Sub(began))
					return errBoom
				}},
				Child{"dependent", Always, untilTold})
			self.Sleep(10 * time.Second)
			stopped := self.Now()
			ref.Stop(nil)
			if err := ref.Wait(self); err != nil {
				return err
			}
			if took := self.Now().Sub(stopped); took != 0 {
				t.Errorf("its stop took %v", took)
			}
			return nil
		}))
		// Pauses of 1, 2, 4 and 8 seconds, less at most a quarter.
		if n := starts.len(); n < 4 || n > 5 {
			t.Errorf("started at %v", starts.all())
		}
	})
}

func TestAChildThatDoesNotStopEndsItsGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var order record[string]
		began := time.Now()
		tree := Start(t.Context(), "root", func(self *Self) error {
			self.SuperviseGroup("group", RestForOne, Restart{Grace: time.Second},
				append(crew(&order, Always, map[string]time.Duration{"bad": time.Second}, "first", "bad"),
					Child{"stuck", Always, func(*Self) error { <-release; return nil }})...)
			return untilTold(self)
		})
		err := tree.Join()
		var overdue *OverdueError
		if !errors.As(err, &overdue) || overdue.Overdue[0].Path != "root/group/stuck" || !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff("-first", order.at(order.len()-1)); diff != "" {
			t.Errorf("the last thing is (-want +got):\n%s", diff)
		}
		if took := time.Since(began); took > 2*time.Second+2*DefaultGrace {
			t.Errorf("it took %v", took)
		}
		if node, ok := tree.Tree().Find("root/group/stuck"); !ok || !node.Overdue {
			t.Errorf("the tree is\n%v", tree.Tree())
		}
		close(release)
		<-tree.Done()
		if !errors.Is(tree.Err(), errBoom) {
			t.Errorf("in the end: %v", tree.Err())
		}
	})
}

// A child of a group may need the graces of those below it for its stop.
func TestAChildOfAGroupIsNotLateWhileThoseBelowItAreInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slow := func(self *Self) error {
			untilTold(self)
			time.Sleep(900 * time.Millisecond)
			return nil
		}
		err := Run(t.Context(), "root", thenStop(func(self *Self) error {
			self.SuperviseGroup("group", OneForAll, Restart{Grace: time.Second},
				Child{"fails", OnFailure, func(self *Self) error {
					if self.Sleep(time.Second) != nil {
						return nil
					}
					return errBoom
				}},
				Child{"deep", OnFailure, func(self *Self) error {
					for i := range 3 {
						self.Supervise(fmt.Sprint(i), Restart{When: OnFailure, Grace: time.Second}, slow)
					}
					return untilTold(self)
				}})
			return self.Sleep(time.Minute / 2)
		}))
		var overdue *OverdueError
		if errors.As(err, &overdue) {
			t.Errorf("got %v", err)
		}
		var budget *BudgetError
		if !errors.As(err, &budget) {
			t.Errorf("the failing child did not use up the budget: %v", err)
		}
	})
}

func TestAGoexitOfAGroupsChildIsTheGroupsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var order record[string]
		err := Run(t.Context(), "root", func(self *Self) error {
			self.SuperviseGroup("group", OneForOne, Restart{},
				append(crew(&order, Always, nil, "good"), Child{"bad", Always, func(self *Self) error {
					self.Sleep(time.Second)
					runtime.Goexit()
					return nil
				}})...)
			return untilTold(self)
		})
		if !errors.Is(err, ErrGoexit) {
			t.Errorf("got %v", err)
		}
		if diff := cmp.Diff([]string{"+good", "-good"}, order.all()); diff != "" {
			t.Errorf("the sibling (-want +got):\n%s", diff)
		}
	})
}

func TestAFailedFateGroupEndsEverybodyBelowItAtOnce(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var ended record[time.Duration]
		var causes record[error]
		err := run(func(self *Self) error {
			began := self.Now()
			note := func(self *Self) error {
				untilTold(self)
				ended.add(self.Now().Sub(began))
				causes.add(context.Cause(self))
				return nil
			}
			self.Go("part", func(self *Self) error {
				self.Go("nested", note)
				self.Supervise("service", Restart{When: Always}, func(self *Self) error {
					self.Supervise("temporary", Restart{}, note)
					return note(self)
				})
				self.SuperviseGroup("group", OneForOne, Restart{}, Child{"member", Always, note})
				return note(self)
			})
			self.Sleep(time.Second)
			return errBoom
		})
		if !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		if ended.len() != 5 {
			t.Errorf("%d of 5 were told", ended.len())
		}
		for i, at := range ended.all() {
			if at != time.Second || !errors.Is(causes.at(i), errBoom) {
				t.Errorf("one was told after %v because of %v", at, causes.at(i))
			}
		}
	})
}
