package actor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAStopDuringAPauseBeforeARestartEndsAtOnce(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			var starts atomic.Int32
			ref := self.Supervise("flaky", Restart{When: OnFailure, Backoff: time.Hour, BackoffMax: time.Hour}, func(*Self) error {
				starts.Add(1)
				return errBoom
			})
			self.Sleep(time.Second)
			if node, _ := self.Tree().Find("root/flaky"); node.State != "waiting to restart" || node.Waits != "its restart" || !errors.Is(node.LastErr, errBoom) {
				t.Errorf("in its pause the tree shows %+v", node)
			}
			began := self.Now()
			ref.Stop(nil)
			if err := ref.Wait(self); err != nil {
				return err
			}
			if took := self.Now().Sub(began); took != 0 || starts.Load() != 1 || ref.Err() != nil {
				t.Errorf("it took %v and %d starts, and ended with %v", took, starts.Load(), ref.Err())
			}
			return nil
		}))
	})
}

func TestAStopAtTheMomentOfTheRestartLeavesNothingRunning(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var running atomic.Int32
		run(thenStop(func(self *Self) error {
			for i := range 10 {
				r := Restart{When: Always, Max: 1000, Backoff: time.Second, BackoffMax: time.Second}
				ref := self.Supervise(fmt.Sprint(i), r, func(self *Self) error {
					running.Add(1)
					defer running.Add(-1)
					return self.Sleep(time.Second)
				})
				AfterFunc(self, time.Duration(i)*250*time.Millisecond, func() { ref.Stop(nil) })
			}
			return self.Sleep(5 * time.Second)
		}))
		if running.Load() != 0 {
			t.Errorf("%d bodies are left", running.Load())
		}
	})
}

func TestAStopOfAnActorThatHasNotStartedYetKeepsItFromRunningOrEndsIt(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			for i, r := range []Restart{{When: Never}, {When: Always}} {
				ref := self.Supervise(fmt.Sprint(i), r, untilTold)
				ref.Stop(nil)
				if err := ref.Wait(self); err != nil || ref.Err() != nil {
					t.Errorf("waited with %v for %v", err, ref.Err())
				}
				ref.Stop(nil) // once more does nothing
			}
			part := self.Go("part", untilTold)
			part.Stop(nil)
			return part.Wait(self)
		}))
	})
}

func TestAStoppedActorStopsItsPartsInReverseOrderAfterItsBody(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var order record[string]
		noted := func(self *Self) error {
			untilTold(self)
			self.Sleep(time.Second) // returns at once: it has been told
			order.add(self.Name())
			return nil
		}
		run(thenStop(func(self *Self) error {
			ref := self.Supervise("group", Restart{}, func(self *Self) error {
				self.Go("first", noted)
				self.Go("second", noted)
				untilTold(self)
				runs := NewSignal(self, "the third part")
				self.Go("third", func(self *Self) error { // to say goodbye with
					runs.Set()
					return noted(self)
				})
				runs.Wait(context.WithoutCancel(self), time.Time{})
				return noted(self)
			})
			self.Sleep(time.Second)
			ref.Stop(nil)
			return ref.Wait(self)
		}))
		if diff := cmp.Diff([]string{"group", "third", "second", "first"}, order.all()); diff != "" {
			t.Errorf("the order is (-want +got):\n%s", diff)
		}
	})
}

func TestAStopAfterTheBodyHasReturnedEndsThePartsThatGoOn(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			ref := self.Supervise("group", Restart{}, func(self *Self) error {
				self.Go("part", func(part *Self) error {
					untilTold(part)
					if late := self.Go("late", untilTold); late.Err() == nil {
						t.Error("a part started under an actor that is over")
					}
					return nil
				})
				return nil
			})
			self.Sleep(time.Second)
			if ref.node.ended.isOpen() {
				t.Error("it ended before its part")
			}
			ref.Stop(nil)
			return ref.Wait(self)
		}))
	})
}

func TestAPartMayStartAnotherAfterTheBodyHasReturned(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var ran atomic.Bool
		run(func(self *Self) error {
			self.Go("listener", func(*Self) error {
				self.Sleep(time.Second)
				self.Supervise("conn", Restart{}, func(*Self) error {
					ran.Store(true)
					return nil
				})
				return nil
			})
			return nil
		})
		if !ran.Load() {
			t.Error("it did not run")
		}
	})
}

// The cause of a stop may be somebody else's panic. Handing it on is no crash.
func TestAnActorThatIsToldToEndMayReturnTheCause(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var bystander *Ref
		err := run(func(self *Self) error {
			bystander = self.Go("bystander", func(self *Self) error {
				untilTold(self)
				return fmt.Errorf("leaving: %w", context.Cause(self))
			})
			self.Go("bad", func(self *Self) error {
				self.Sleep(time.Second)
				return thisPanics()
			})
			return untilTold(self)
		})
		if exit := new(ExitError); !errors.As(err, &exit) || exit.Path != "root/bad" {
			t.Errorf("the tree ended with %v", err)
		}
		if bystander.Err() != nil {
			t.Errorf("the bystander is said to have failed: %v", bystander.Err())
		}
	})
}

func TestAPanicOnTheWayDownIsAFailure(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		for _, when := range []When{Never, OnFailure, Always} {
			run(thenStop(func(self *Self) error {
				ref := self.Supervise("bad", Restart{When: when}, func(self *Self) error {
					untilTold(self)
					return thisPanics()
				})
				self.Sleep(time.Second)
				ref.Stop(nil)
				ref.Wait(self)
				var p *PanicError
				if !errors.As(ref.Err(), &p) {
					t.Errorf("restarted %v: it ended with %v", when, ref.Err())
				}
				if tree := self.Tree(); len(tree.Failures) != 1 || tree.Failures[0].Path != "root/bad" {
					t.Errorf("restarted %v: the tree remembers %v", when, tree.Failures)
				}
				return nil
			}))
		}
	})
}

func TestAFailureIsRememberedOnceWhereItHappened(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			self.Supervise("service", Restart{When: Always}, func(self *Self) error {
				self.Go("group", func(self *Self) error {
					self.Go("part", func(self *Self) error {
						self.Sleep(time.Minute)
						return errBoom
					})
					return untilTold(self)
				})
				return untilTold(self)
			})
			self.Sleep(90 * time.Second)
			tree := self.Tree()
			if len(tree.Failures) != 1 || tree.Failures[0].Path != "root/service/group/part" {
				t.Errorf("the tree remembers %v", tree.Failures)
			}
			if service, _ := tree.Find("root/service"); service.Restarts != 1 || !errors.Is(service.LastErr, errBoom) {
				t.Errorf("the service shows %+v", service)
			}
			return nil
		}))
	})
}

// What one incarnation leaves behind must not pile up.
func TestManyRestartsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		Run(t.Context(), "root", thenStop(func(self *Self) error {
			ref := self.Supervise("flaky", Restart{When: Always, Max: 1 << 20}, func(self *Self) error {
				self.Go("part", untilTold)
				self.Sleep(time.Second)
				return errBoom
			})
			self.Sleep(1000 * time.Second)
			ref.node.mu.Lock()
			hooks := ref.node.atEnd
			ref.node.mu.Unlock()
			if hooks != nil {
				t.Error("hooks are left after 1000 restarts")
			}
			if n := len(self.Tree().Failures); n != maxFailures {
				t.Errorf("the tree remembers %d failures", n)
			}
			return nil
		}))
	})
}

func TestAStuckServiceIsReportedByItsOwnStopAndStaysInTheTree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		Run(t.Context(), "root", thenStop(func(self *Self) error {
			for _, child := range []string{"", "child"} {
				ref := self.Supervise("stuck", Restart{Grace: time.Second}, func(self *Self) error {
					if child != "" {
						self.Supervise(child, Restart{}, untilTold)
					}
					<-release
					return nil
				})
				self.Sleep(time.Second)
				ref.Stop(nil)
				self.Sleep(2 * time.Second)
				node, ok := self.Tree().Find("root/stuck")
				if !ok || !node.Overdue || !node.Stopping {
					t.Errorf("with child %q the tree shows %+v, %v", child, node, ok)
				}
				release <- struct{}{}
				ref.Wait(self)
			}
			return nil
		}))
	})
}

func TestAServiceThatDoesNotStopWhenTheRootHasReturnedIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		tree := Start(t.Context(), "root", func(self *Self) error {
			self.Supervise("stuck", Restart{When: Always}, func(*Self) error { <-release; return nil })
			return self.Sleep(time.Second)
		})
		var overdue *OverdueError
		if err := tree.Join(); !errors.As(err, &overdue) || overdue.Overdue[0].Path != "root/stuck" {
			t.Errorf("got %v", err)
		}
		close(release)
		<-tree.Done()
	})
}

func TestThePartOfAStoppedActorThatIsStuckIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		tree := Start(t.Context(), "root", func(self *Self) error {
			self.Supervise("group", Restart{}, func(self *Self) error {
				self.Go("stuck", func(*Self) error { <-release; return nil })
				return untilTold(self)
			})
			return untilTold(self)
		})
		synctest.Wait()
		tree.Stop(nil)
		err := tree.Join()
		var overdue *OverdueError
		if !errors.As(err, &overdue) || len(overdue.Overdue) != 1 || overdue.Overdue[0].Path != "root/group/stuck" {
			t.Errorf("got %v", err)
		}
		if !strings.Contains(overdue.Overdue[0].Stack, "TestThePartOfAStoppedActorThatIsStuckIsNamed") {
			t.Errorf("its stack is %s", overdue.Overdue[0].Stack)
		}
		close(release)
		<-tree.Done()
	})
}

// An actor that stops itself lends its profile label to nobody: the stack of a
// stuck one is its own.
func TestTheStackOfAStuckActorIsNotThatOfWhoStopsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		tree := Start(t.Context(), "root", func(self *Self) error {
			self.Supervise("below", Restart{}, untilTold)
			self.Ref().Stop(nil)
			waitsHere(release)
			return nil
		})
		err := tree.Join()
		var overdue *OverdueError
		if !errors.As(err, &overdue) || !strings.Contains(overdue.Overdue[0].Stack, "waitsHere") {
			t.Errorf("got %v", err)
		}
		close(release)
		<-tree.Done()
	})
}

//go:noinline
func waitsHere(c chan struct{}) { <-c }

// A child that ends by itself while its pool is stopped must not be waited for.
func TestAPoolWhoseChildrenLeaveDuringTheStopIsStopped(t *testing.T) {
	for range 100 {
		Run(context.Background(), "root", thenStop(func(self *Self) error {
			for i := range 20 {
				self.Supervise(fmt.Sprint(i), Restart{}, func(self *Self) error {
					self.Supervise("below", Restart{}, func(*Self) error { return nil })
					return nil
				})
			}
			return nil
		}))
	}
}

// Starting children races with the stop of their parent: whatever started ends.
func TestStartsThatRaceWithAStopLeaveNothingRunning(t *testing.T) {
	for round := range 100 {
		var running, ended atomic.Int32
		body := func(self *Self) error {
			running.Add(1)
			defer running.Add(-1)
			self.OnEnd(func() { ended.Add(1) })
			return untilTold(self)
		}
		root := Start(context.Background(), "root", func(self *Self) error {
			var starters [3]*Self
			ready := NewMailbox[int](self, len(starters))
			for i := range starters {
				self.Supervise(fmt.Sprint(i), Restart{}, func(self *Self) error {
					starters[i] = self
					ready.TryPut(i)
					return body(self)
				})
			}
			for range starters {
				ready.Recv()
			}
			// Children that start children of their siblings, until all are refused.
			self.Supervise("starter", Restart{When: Always}, func(self *Self) error {
				for n := 0; ; n++ {
					under := starters[n%len(starters)]
					refs := []*Ref{under.Go("part", body), under.Supervise("temporary", Restart{}, body), under.Supervise("permanent", Restart{When: Always}, body)}
					refused := 0
					for _, ref := range refs {
						if gone := new(GoneError); errors.As(ref.Err(), &gone) {
							refused++
						}
					}
					if refused == len(refs) || n > 100 {
						return untilTold(self)
					}
				}
			})
			if round%2 == 0 {
				return errBoom // a failure stops them as well
			}
			return untilTold(self)
		})
		root.Stop(nil)
		err := root.Join()
		if overdue := new(OverdueError); errors.As(err, &overdue) || err != nil && !errors.Is(err, errBoom) {
			t.Fatalf("round %d: %v", round, err)
		}
		if running.Load() != 0 {
			t.Fatalf("round %d: %d bodies are left", round, running.Load())
		}
		if tree := root.Tree(); tree.Count() != 1 {
			t.Fatalf("round %d: the tree is\n%v", round, tree)
		}
	}
}

func TestAnActorThatTwoReportAsOverdueAtOnceIsNamed(t *testing.T) {
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			var stuck *Ref
			release := make(chan struct{})
			ready := make(chan struct{})
			root := Start(t.Context(), "root", func(self *Self) error {
				self.Supervise("stuck", Restart{}, func(self *Self) error {
					stuck = self.Ref()
					close(ready)
					<-release
					return nil
				})
				return untilTold(self)
			})
			<-ready
			stuck.Stop(nil)
			root.Stop(nil)
			var late *OverdueError
			if err := root.Join(); !errors.As(err, &late) || len(late.Overdue) != 1 || late.Overdue[0].Path != "root/stuck" {
				t.Errorf("got %v", err)
			}
			close(release)
			<-root.Done()
		})
	}
}
