package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// withBox starts a child that makes a mailbox and goes on as serve says, and
// returns both.
func withBox[M any](self *Self, name string, limit int, serve func(*Self, *Mailbox[M]) error, options ...MailboxOption[M]) (*Ref, *Mailbox[M]) {
	made := make(chan *Mailbox[M], 1)
	ready := NewSignal(self, "a mailbox")
	ref := self.Supervise(name, Restart{}, func(self *Self) error {
		box := NewMailbox(self, limit, options...)
		made <- box
		ready.Set()
		return serve(self, box)
	})
	ready.Wait(context.WithoutCancel(self), time.Time{})
	return ref, <-made
}

// idle serves nothing until it is told to end.
func idle[M any](self *Self, _ *Mailbox[M]) error { return untilTold(self) }

func TestAFullMailboxRefusesTryPutAndMakesPutWait(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			ref, box := withBox(self, "slow", 2, func(self *Self, box *Mailbox[int]) error {
				self.Sleep(time.Second)
				for range box.All() {
				}
				return nil
			})
			began := self.Now()
			if !box.TryPut(1) || !box.TryPut(2) {
				t.Error("an empty mailbox of two refused two messages")
			}
			if box.TryPut(3) {
				t.Error("a full mailbox took a message")
			}
			if load := box.Load(); load.Waiting != 2 || load.Limit != 2 || load.Full != 1 {
				t.Errorf("its load is %+v", load)
			}
			if err := box.Put(self, 4); err != nil {
				t.Errorf("put: %v", err)
			}
			if waited := self.Now().Sub(began); waited != time.Second {
				t.Errorf("put waited %v for room that came after a second", waited)
			}
			ref.Stop(nil)
			return ref.Wait(self)
		}))
	})
}

func TestAMailboxHasRoomForAtLeastOneMessage(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			box := NewMailbox[int](self, 0)
			if !box.TryPut(1) || box.TryPut(2) || box.Load().Limit != 1 {
				t.Errorf("a mailbox of limit 0 holds %+v", box.Load())
			}
			return nil
		}))
	})
}

func TestTheMessagesOfOneSenderArriveInTheirOrder(t *testing.T) {
	const senders, each = 4, 30
	both(t, func(t *testing.T, run func(Func) error) {
		next := [senders]int{}
		err := run(thenStop(func(self *Self) error {
			box := NewMailbox[[2]int](self, 3)
			for i := range senders {
				self.Go(fmt.Sprint(i), func(self *Self) error {
					for n := range each {
						if err := box.Put(self, [2]int{i, n}); err != nil {
							return err
						}
					}
					return nil
				})
			}
			for range senders * each {
				v, _ := box.Recv()
				if v[1] != next[v[0]] {
					t.Errorf("sender %d: got %d, want %d", v[0], v[1], next[v[0]])
				}
				next[v[0]]++
			}
			return nil
		}))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestTheRuntimesOwnMessagesComeAheadAndNeedNoRoom(t *testing.T) {
	const timers = 20
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			box := NewMailbox[int](self, 2)
			for i := range timers {
				After(self, box, time.Duration(i)*time.Millisecond, i)
			}
			child := self.Supervise("child", Restart{}, func(self *Self) error { return self.Sleep(30 * time.Millisecond) })
			Watch(box, child, func(error) int { return timers })
			box.TryPut(100)
			box.TryPut(101)
			if box.TryPut(102) {
				t.Error("the mailbox is not full")
			}
			self.Sleep(time.Second)
			var got []int
			for range timers + 3 {
				v, ok := box.Recv()
				if !ok {
					t.Error("the mailbox ended")
				}
				got = append(got, v)
			}
			var want []int
			for i := range timers + 1 {
				want = append(want, i)
			}
			want = append(want, 100, 101)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
			return nil
		}))
	})
}

func TestAStopEndsTheMailboxAfterWhatWaitedAlready(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			var got []int
			after := NewSignal(self, "what comes after the stop")
			ref, box := withBox(self, "child", 4, func(self *Self, box *Mailbox[int]) error {
				after.Wait(context.WithoutCancel(self), time.Time{})
				got = slices.Collect(box.All())
				if _, ok := box.Recv(); ok {
					t.Error("a mailbox that had ended gave a message")
				}
				return nil
			})
			box.TryPut(1)
			box.TryPut(2)
			ref.Stop(nil)
			box.TryPut(9)
			after.Set()
			if err := ref.Wait(self); err != nil {
				return err
			}
			if diff := cmp.Diff([]int{1, 2}, got); diff != "" {
				t.Errorf("received after the stop (-want +got):\n%s", diff)
			}
			return nil
		}))
	})
}

func TestASenderThatNeverPausesDoesNotHoldUpAStop(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			ref, box := withBox(self, "busy", 2, func(_ *Self, box *Mailbox[int]) error {
				for range box.All() {
					box.TryPut(0) // as a sender that always finds room at once
				}
				return nil
			})
			box.Put(self, 0)
			ref.Stop(nil)
			ctx, cancel := self.WithTimeout(DefaultGrace)
			defer cancel()
			if err := ref.Wait(ctx); err != nil {
				t.Errorf("it had not ended within its grace: %v", err)
			}
			return nil
		}))
	})
}

func TestStopAsTurnsAStopIntoTheLastMessage(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			var got record[string]
			ref, box := withBox(self, "polite", 2, func(_ *Self, box *Mailbox[string]) error {
				for v := range box.All() {
					got.add(v)
					if v == "stop" {
						box.TryPut("said goodbye")
						v, _ := box.Recv()
						got.add(v)
						return nil
					}
				}
				t.Error("the mailbox ended")
				return nil
			}, StopAs("stop"))
			box.Put(self, "hello")
			self.Sleep(time.Second)
			ref.Stop(nil)
			if err := ref.Wait(self); err != nil {
				return err
			}
			if diff := cmp.Diff([]string{"hello", "stop", "said goodbye"}, got.all()); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
			return nil
		}))
	})
}

func TestTheMessageOfAStopComesAfterWhatWaitedAlready(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			var got []string
			after := NewSignal(self, "what comes after the stop")
			ref, box := withBox(self, "child", 4, func(self *Self, box *Mailbox[string]) error {
				after.Wait(context.WithoutCancel(self), time.Time{})
				for range 5 {
					v, _ := box.Recv()
					got = append(got, v)
				}
				return nil
			}, StopAs("stop"))
			box.TryPut("last words")
			box.TryPut("of others")
			ref.Stop(nil)
			box.TryPut("too late")
			box.TryPut("to be heard before it")
			Reserve(box, 1).Put("own")
			after.Set()
			if err := ref.Wait(self); err != nil {
				return err
			}
			want := []string{"own", "last words", "of others", "stop", "too late"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("received (-want +got):\n%s", diff)
			}
			return nil
		}))
	})
}

func TestAMailboxMadeAfterTheStopKnowsOfIt(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			self.Ref().Stop(nil)
			untilTold(self)
			box := NewMailbox(self, 1, StopAs("stop"))
			if v, ok := box.Recv(); v != "stop" || !ok {
				t.Errorf("received %q, %v", v, ok)
			}
			return nil
		}))
	})
}

func TestASecondMailboxIsAMistake(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(thenStop(func(self *Self) error {
			NewMailbox[int](self, 1)
			NewMailbox[string](self, 1)
			return nil
		}))
		var p *PanicError
		if !errors.As(err, &p) || !strings.Contains(p.Error(), "root made a second mailbox") {
			t.Errorf("got %v", err)
		}
	})
}

func TestAllWhoWaitForRoomLearnThatTheOwnerHasEnded(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var answers record[error]
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "owner", 1, func(self *Self, _ *Mailbox[int]) error {
				self.Sleep(time.Second)
				return errBoom
			})
			box.TryPut(0)
			for i := range 5 {
				self.Go(fmt.Sprint(i), func(self *Self) error {
					answers.add(box.Put(self, i))
					return nil
				})
			}
			self.Sleep(2 * time.Second)
			answers.add(box.Put(self, 9))
			if box.TryPut(9) {
				t.Error("a dead mailbox took a message")
			}
			return nil
		}))
		if answers.len() != 6 {
			t.Fatalf("%d of 6 senders have an answer", answers.len())
		}
		for _, err := range answers.all() {
			var gone *GoneError
			if !errors.As(err, &gone) || gone.Path != "root/owner" || !errors.Is(err, errBoom) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestAPutEndsWithTheCauseOfItsContext(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "owner", 1, idle[int])
			box.TryPut(0)
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			if err := box.Put(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("after the deadline: %v", err)
			}
			self.Ref().Stop(errBoom)
			untilTold(self)
			if err := box.Put(self, 1); !errors.Is(err, errBoom) {
				if gone := new(GoneError); !errors.As(err, &gone) {
					t.Errorf("after the stop: %v", err)
				}
			}
			return nil
		}))
	})
}

func TestAnActorThatNeverWaitsIsHeldToIt(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "other", 4, idle[question])
			self.NeverWaits()
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			for _, ctx := range []context.Context{self, ctx} {
				var wait *WaitError
				if err := box.Put(ctx, question{}); !errors.As(err, &wait) || wait.Path != "root" || wait.On != "root/other" {
					t.Errorf("put: %v", err)
				}
				if _, err := Call(ctx, box, asQuestion, 1); !errors.As(err, &wait) {
					t.Errorf("call: %v", err)
				}
			}
			if !box.TryPut(question{}) {
				t.Error("TryPut was refused")
			}
			return nil
		}))
	})
}

func TestDrainTakesWhatWaitsAndNoMore(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			box := NewMailbox[int](self, 3)
			if got := box.Drain(nil); got != nil {
				t.Errorf("an empty mailbox gave %v", got)
			}
			for i := range 3 {
				box.TryPut(i)
			}
			After(self, box, 0, 7)
			self.Sleep(time.Millisecond)
			batch := box.Drain([]int{42})
			if diff := cmp.Diff([]int{42, 7, 0, 1}, batch); diff != "" {
				t.Errorf("drained (-want +got):\n%s", diff)
			}
			self.Ref().Stop(nil)
			untilTold(self)
			if diff := cmp.Diff([]int{2}, box.Drain(nil)); diff != "" {
				t.Errorf("drained after the stop (-want +got):\n%s", diff)
			}
			return nil
		}))
	})
}

func TestTheLoadCountsWhatWasReceived(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			ref, box := withBox(self, "child", 4, func(_ *Self, box *Mailbox[int]) error {
				for range box.All() {
				}
				return nil
			})
			for i := range 300 {
				box.Put(self, i)
			}
			self.Sleep(time.Second)
			if load := box.Load(); load.Total != 300 || load.Waiting != 0 {
				t.Errorf("its load is %+v", load)
			}
			ref.Stop(nil)
			return ref.Wait(self)
		}))
	})
}

func TestReservedRoomIsThereWhenTheMailboxIsFull(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			box := NewMailbox[int](self, 1)
			room := Reserve(box, 2)
			box.TryPut(1)
			if !room.Put(2) || !room.Put(3) || room.Put(4) {
				t.Error("two places were not two")
			}
			if diff := cmp.Diff([]int{2}, box.Drain(nil)); diff != "" {
				t.Errorf("drained (-want +got):\n%s", diff)
			}
			return nil
		}))
	})
}
