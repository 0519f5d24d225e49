package actor

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOnStopAndOnEndAreCalledOnceAndInTheirOrder(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var order record[string]
		note := func(s string) func() { return func() { order.add(s) } }
		run(thenStop(func(self *Self) error {
			var child *Self
			ref := self.Supervise("child", Restart{}, func(self *Self) error {
				child = self
				self.OnEnd(note("end 1"))
				self.OnEnd(func() {
					order.add("end 2")
					self.OnEnd(note("end 3, registered by end 2"))
				})
				told := NewSignal(self, "the stop")
				self.OnStop(note("stop 1"))
				self.OnStop(func() {
					order.add("stop 2")
					told.Set()
				})
				told.Wait(context.WithoutCancel(self), time.Time{})
				self.OnStop(note("stop 3, already told"))
				return nil
			})
			self.Sleep(time.Second)
			ref.Stop(nil)
			ref.Stop(nil)
			if err := ref.Wait(self); err != nil {
				return err
			}
			child.OnEnd(note("end 4, already ended"))
			return nil
		}))
		want := []string{"stop 1", "stop 2", "stop 3, already told", "end 2", "end 3, registered by end 2", "end 1", "end 4, already ended"}
		if diff := cmp.Diff(want, order.all()); diff != "" {
			t.Errorf("called (-want +got):\n%s", diff)
		}
	})
}

func TestOnEndIsCalledAfterAPanicAndAFailure(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var ends atomic.Int32
		run(func(self *Self) error {
			for _, f := range []Func{
				func(*Self) error { return errBoom },
				func(*Self) error { return thisPanics() },
				func(*Self) error { return nil },
			} {
				self.Supervise("child", Restart{}, func(self *Self) error {
					self.OnEnd(func() { ends.Add(1) })
					return f(self)
				})
			}
			return nil
		})
		if ends.Load() != 3 {
			t.Errorf("called %d times for 3 actors", ends.Load())
		}
	})
}

func TestAPanicOfAHookIsTheActorsFailureAndTheOtherHooksRun(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var others atomic.Int32
		run(thenStop(func(self *Self) error {
			var p *PanicError
			atEnd := self.Supervise("at end", Restart{}, func(self *Self) error {
				self.OnEnd(func() { others.Add(1) })
				self.OnEnd(func() { thisPanics() })
				return nil
			})
			atEnd.Wait(self)
			if !errors.As(atEnd.Err(), &p) || p.Value != "ouch" {
				t.Errorf("with a panic in OnEnd it ended with %v", atEnd.Err())
			}
			atStop := self.Supervise("at stop", Restart{}, func(self *Self) error {
				self.OnStop(func() { thisPanics() })
				self.OnStop(func() { others.Add(1) })
				return untilTold(self)
			})
			self.Sleep(time.Second)
			atStop.Stop(nil)
			atStop.Wait(self)
			if !errors.As(atStop.Err(), &p) || p.Value != "ouch" {
				t.Errorf("with a panic in OnStop it ended with %v", atStop.Err())
			}
			return nil
		}))
		if others.Load() != 2 {
			t.Errorf("%d of 2 other hooks ran", others.Load())
		}
	})
}
