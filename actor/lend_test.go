package actor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// onBothCarriers runs f on both carriers, in a simulation with several seeds, for
// owners that stay and for owners that rest.
func onBothCarriers(t *testing.T, f func(self *Self, next Next) error) {
	t.Helper()
	for next, what := range map[Next]string{Stay: "stays", Rest: "rests"} {
		root := func(self *Self) error { return f(self, next) }
		t.Run(what, func(t *testing.T) {
			if err := Run(t.Context(), "root", root); err != nil {
				t.Error(err)
			}
		})
		for seed := range uint64(20) {
			t.Run(fmt.Sprint(what, ", seed ", seed), func(t *testing.T) {
				if err := NewScheduler(seed, nil).Run(t.Context(), "root", root); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// served starts an actor that serves its mailbox with what make returns, and does
// between messages what next says.
func served(self *Self, next Next, make func(box *Mailbox[int]) func(int) (more bool), options ...MailboxOption[int]) (*Mailbox[int], *Ref) {
	var box *Mailbox[int]
	up := NewSignal(self, "the mailbox")
	ref := self.Supervise("owner", Restart{}, func(self *Self) error {
		box = NewMailbox(self, 4, options...)
		turn := make(box)
		up.Set()
		return box.Serve(next, func(v int) (Next, error) {
			if !turn(v) {
				return Over, nil
			}
			return next, nil
		})
	})
	up.Wait(context.WithoutCancel(self), time.Time{})
	return box, ref
}

func TestTurnsThatAreLentAndTurnsOfTheOwnerAreNeverTwoAtATime(t *testing.T) {
	const senders, each = 4, 300
	onBothCarriers(t, func(self *Self, next Next) error {
		sum, inside := 0, atomic.Int32{} // sum is nobody's but that of the turn: the race detector looks
		box, ref := served(self, next, func(box *Mailbox[int]) func(int) bool {
			var batch []int
			return func(v int) bool {
				if inside.Add(1) != 1 {
					t.Error("two turns at a time")
				}
				for _, v := range box.Drain(append(batch[:0], v)) {
					sum += v
				}
				inside.Add(-1)
				return sum < senders*each
			}
		})
		for i := range senders {
			self.Go(fmt.Sprint("sender-", i), func(self *Self) error {
				for n := range each {
					put := box.Deliver
					if (n+i)%3 == 0 {
						put = box.Put
					}
					if err := put(self, 1); err != nil {
						return err
					}
				}
				return nil
			})
		}
		if err := ref.Wait(self); err != nil {
			return err
		}
		if sum != senders*each {
			t.Errorf("%d of %d messages were served", sum, senders*each)
		}
		return nil
	})
}

// An owner that is about to wait has said so, and has not yet looked once more.
func TestADeliveryDoesNotOvertakeWhatItsSenderHasPutBefore(t *testing.T) {
	err := Run(t.Context(), "root", func(self *Self) error {
		var got []int
		box, ref := served(self, Stay, func(*Mailbox[int]) func(int) bool {
			return func(v int) bool { got = append(got, v); return v != 2 }
		})
		for box.state.Load() != boxLendable {
			self.Yield()
		}
		box.state.Store(boxRunning) // as if it were at work
		if err := box.Put(self, 1); err != nil {
			return err
		}
		box.state.Store(boxLendable)
		if err := box.Deliver(self, 2); err != nil {
			return err
		}
		ref.Wait(self)
		if !slices.Equal(got, []int{1, 2}) {
			t.Errorf("the order is %v", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestWhoeverDeliversToAnActorThatWaitsRunsItsTurn(t *testing.T) {
	for next, waits := range map[Next]int32{Stay: boxLendable, Rest: boxResting} {
		deliverTo(t, next, waits)
	}
}

func deliverTo(t *testing.T, next Next, waits int32) {
	t.Helper()
	err := Run(t.Context(), "root", func(self *Self) error {
		got := 0
		box, ref := served(self, next, func(*Mailbox[int]) func(int) bool {
			return func(v int) bool { got += v; return v != 3 }
		})
		for box.state.Load() != waits {
			self.Yield()
		}
		for v := 1; v <= 3; v++ {
			if err := box.Deliver(self, v); err != nil {
				return err
			}
			// What the turn did is done: no other goroutine was needed for it.
			if want := v * (v + 1) / 2; got != want {
				t.Errorf("after the message %d the turns made %d, want %d", v, got, want)
			}
		}
		return ref.Wait(self) // the last turn said that it was the last one
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAPanicInATurnThatIsLentIsItsOwners(t *testing.T) {
	onBothCarriers(t, func(self *Self, next Next) error {
		box, ref := served(self, next, func(*Mailbox[int]) func(int) bool {
			return func(int) bool { panic("in a turn") }
		})
		if err := box.Deliver(self, 1); err != nil {
			return err
		}
		ref.Wait(self)
		var crash *PanicError
		if err := ref.Err(); !errors.As(err, &crash) || crash.Value != "in a turn" {
			t.Errorf("the owner ended with %v, want its panic", err)
		}
		if err := box.Deliver(self, 2); !errors.As(err, new(*GoneError)) {
			t.Errorf("a delivery after the end returned %v", err)
		}
		return nil
	})
}

func TestAnActorThatLendsItsTurnsIsToldToStop(t *testing.T) {
	onBothCarriers(t, func(self *Self, next Next) error {
		const stopped = -1
		var got []int
		box, ref := served(self, next, func(*Mailbox[int]) func(int) bool {
			return func(v int) bool { got = append(got, v); return v != stopped }
		}, StopAs(stopped))
		if err := box.Deliver(self, 1); err != nil {
			return err
		}
		ref.Stop(nil)
		if err := ref.Wait(context.WithoutCancel(self)); err != nil {
			return err
		}
		if len(got) != 2 || got[1] != stopped {
			t.Errorf("the owner got %v", got)
		}
		return nil
	})
}

func BenchmarkDeliverToAnActorThatWaits(b *testing.B) {
	b.ReportAllocs()
	next := Stay
	err := Run(b.Context(), "root", func(self *Self) error {
		box, ref := served(self, next, func(*Mailbox[int]) func(int) bool { return func(int) bool { return true } })
		defer ref.Stop(nil)
		for b.Loop() {
			if err := box.Deliver(self, 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
