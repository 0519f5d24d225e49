package actor

import (
	"context"
	"errors"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestATimerIsAMessageToOneself(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			box := NewMailbox[string](self, 1)
			began := self.Now()
			After(self, box, 2*time.Second, "second")
			After(self, box, time.Second, "first")
			stopped := After(self, box, 1500*time.Millisecond, "never")
			if !stopped.Stop() {
				t.Error("the timer was not stopped in time")
			}
			var got []string
			var at []time.Duration
			for range 2 {
				v, _ := box.Recv()
				got = append(got, v)
				at = append(at, self.Now().Sub(began))
			}
			if stopped.Stop() {
				t.Error("the timer was stopped twice")
			}
			if diff := cmp.Diff([]string{"first", "second"}, got); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, at); diff != "" {
				t.Errorf("at (-want +got):\n%s", diff)
			}
			return nil
		})
	})
}

func TestATimerOfAnActorThatHasEndedFiresIntoNothing(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			ref, _ := withBox(self, "child", 1, func(self *Self, box *Mailbox[int]) error {
				After(self, box, time.Second, 1)
				return nil
			})
			ref.Wait(self)
			return self.Sleep(2 * time.Second)
		})
	})
}

func TestTheZeroTimerIsStoppedAlready(t *testing.T) {
	if new(Timer).Stop() {
		t.Error("it was running")
	}
}

func TestAnAlarmGoesOffAtTheTimeItWasSetToLast(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			box := NewMailbox[string](self, 1)
			alarm := NewAlarm(self, box, "alarm")
			alarm.Set(time.Time{}) // nothing to switch off
			began := self.Now()
			at := func() time.Duration {
				if v, ok := box.Recv(); v != "alarm" || !ok {
					t.Errorf("received %q, %v", v, ok)
				}
				return self.Now().Sub(began)
			}
			alarm.Set(began.Add(time.Second))
			alarm.Set(began.Add(3 * time.Second))
			alarm.Set(began.Add(2 * time.Second))
			alarm.Set(began.Add(2 * time.Second))
			if d := at(); d != 2*time.Second {
				t.Errorf("the first went off after %v", d)
			}
			alarm.Set(began.Add(2 * time.Second)) // it has gone off for this one
			self.Sleep(time.Second)
			if n := len(box.Drain(nil)); n != 0 {
				t.Errorf("%d more alarms", n)
			}
			alarm.Rearm()
			alarm.Set(began.Add(2 * time.Second)) // in the past: at once
			if d := at(); d != 3*time.Second {
				t.Errorf("the second went off after %v", d)
			}
			alarm.Set(began.Add(5 * time.Second))
			alarm.Set(time.Time{})
			self.Sleep(5 * time.Second)
			if len(box.Drain(nil)) != 0 {
				t.Error("an alarm that was switched off went off")
			}
			alarm.Set(began.Add(time.Hour)) // the end of the actor switches it off
			return nil
		})
	})
}

func TestWatchTellsOfAnEndWithItsReason(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			box := NewMailbox[error](self, 1)
			as := func(err error) error { return err }
			for _, end := range []error{errBoom, nil} {
				ref := self.Supervise("child", Restart{}, func(self *Self) error {
					self.Sleep(time.Second)
					return end
				})
				Watch(box, ref, as)
				forget := Watch(box, ref, func(error) error { return errors.New("forgotten") })
				forget()
				if err, _ := box.Recv(); !errors.Is(err, end) || (end == nil) != (err == nil) {
					t.Errorf("got %v, want %v", err, end)
				}
				Watch(box, ref, as)() // it has ended: the message comes at once
				if err, _ := box.Recv(); !errors.Is(err, end) {
					t.Errorf("got %v, want %v", err, end)
				}
			}
			stopped := self.Supervise("stopped", Restart{When: Always}, untilTold)
			Watch(box, stopped, as)
			stopped.Stop(errBoom)
			if err, _ := box.Recv(); err != nil {
				t.Errorf("an actor that was stopped ended with %v", err)
			}
			if n := len(box.Drain(nil)); n != 0 {
				t.Errorf("%d more messages", n)
			}
			return nil
		})
	})
}

func TestASleepEndsWithTheCauseOfTheStop(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			began := self.Now()
			if err := self.Sleep(time.Second); err != nil {
				t.Errorf("an undisturbed sleep returned %v", err)
			}
			AfterFunc(self, time.Second, func() { self.Ref().Stop(errBoom) })
			if err := self.Sleep(time.Hour); err != errBoom {
				t.Errorf("got %v", err)
			}
			if d := self.Now().Sub(began); d != 2*time.Second {
				t.Errorf("slept for %v", d)
			}
			if err := self.Sleep(0); err != errBoom {
				t.Errorf("a sleep after the stop returned %v", err)
			}
			return nil
		})
	})
}

func TestATimeoutEndsOnTheActorsClockAndTellsItsDeadline(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			began := self.Now()
			outer, cancel := self.WithTimeout(time.Minute)
			defer cancel()
			inner, cancelInner := WithTimeout(outer, time.Hour)
			defer cancelInner()
			for _, ctx := range []context.Context{outer, inner} {
				if at, ok := ctx.Deadline(); !ok || !at.Equal(began.Add(time.Minute)) {
					t.Errorf("the deadline is %v, %v", at.Sub(began), ok)
				}
				if ctx.Err() != nil {
					t.Errorf("it has ended: %v", ctx.Err())
				}
			}
			if err := NewSignal(self, "nothing").Wait(inner, time.Time{}); err != context.DeadlineExceeded {
				t.Errorf("the wait ended with %v", err)
			}
			if d := self.Now().Sub(began); d != time.Minute {
				t.Errorf("after %v", d)
			}
			for _, ctx := range []context.Context{outer, inner} {
				if ctx.Err() != context.DeadlineExceeded || context.Cause(ctx) != context.DeadlineExceeded {
					t.Errorf("it ended with %v because of %v", ctx.Err(), context.Cause(ctx))
				}
			}
			over, cancel := self.WithTimeout(-1)
			defer cancel()
			if over.Err() != context.DeadlineExceeded {
				t.Errorf("a timeout in the past says %v", over.Err())
			}
			cancelled, cancel := self.WithTimeout(time.Hour)
			cancel()
			if cancelled.Err() != context.Canceled {
				t.Errorf("a cancelled timeout says %v", cancelled.Err())
			}
			return nil
		})
	})
}

func TestASignalKeepsOneSetForTheNextWho(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			s := NewSignal(self, "news")
			s.Set()
			s.Set()
			if err := s.Wait(self, time.Time{}); err != nil {
				t.Errorf("the first wait: %v", err)
			}
			if err := s.Wait(self, self.Now().Add(time.Second)); err != os.ErrDeadlineExceeded {
				t.Errorf("the second wait: %v", err)
			}
			s.Set()
			if err := s.Wait(self, self.Now().Add(-time.Second)); err != nil {
				t.Errorf("a set signal, with the time over: %v", err)
			}
			if err := s.Wait(self, self.Now().Add(-time.Second)); err != os.ErrDeadlineExceeded {
				t.Errorf("with the time over: %v", err)
			}
			return nil
		})
	})
}

func TestAContextsEndAndASetAtTheSameTimeLoseNeither(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		for _, setFirst := range []bool{true, false} {
			run(func(self *Self) error {
				s := NewSignal(self, "news")
				ctx, cancel := context.WithCancelCause(self)
				self.Go("setter", func(self *Self) error {
					self.Sleep(time.Second)
					if setFirst {
						s.Set()
						cancel(errBoom)
					} else {
						cancel(errBoom)
						s.Set()
					}
					return nil
				})
				first := s.Wait(ctx, time.Time{})
				second := s.Wait(self, self.Now())
				third := s.Wait(ctx, time.Time{})
				if (first == nil) == (second == nil) {
					t.Errorf("one set woke %v and %v", first, second)
				}
				if third != errBoom {
					t.Errorf("after the set the context's end is %v", third)
				}
				return nil
			})
		}
	})
}

func TestOneSetWakesOneWaiterAndIsNotLostToOneWhoLeaves(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var woken, late record[string]
		run(func(self *Self) error {
			s := NewSignal(self, "news")
			began := self.Now()
			for _, name := range []string{"a", "b", "c"} {
				self.Go(name, func(self *Self) error {
					// All leave at the moment of the second Set.
					if s.Wait(self, began.Add(2*time.Second)) == nil {
						woken.add(name)
					} else if s.Wait(self, self.Now().Add(time.Second)) == nil {
						late.add(name)
					}
					return nil
				})
			}
			self.Sleep(time.Second)
			s.Set()
			self.Sleep(time.Second)
			s.Set()
			return nil
		})
		if n := woken.len() + late.len(); n != 2 {
			t.Errorf("two sets woke %v, and %v after their time", woken.all(), late.all())
		}
	})
}
