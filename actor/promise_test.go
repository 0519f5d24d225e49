package actor

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestAPromiseTellsHowTheBeginningWent(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			for _, want := range []error{nil, errBoom} {
				p := NewPromise(self, "the start of a child")
				began := self.Now()
				self.Supervise("child", Restart{}, func(self *Self) error {
					self.Sleep(time.Second)
					p.Keep(want)
					return untilTold(self)
				})
				if p.Kept() || p.Err() != nil {
					t.Errorf("kept before the child ran: %v", p.Err())
				}
				if err := p.Wait(self); err != want {
					t.Errorf("got %v, want %v", err, want)
				}
				if waited := self.Now().Sub(began); waited != time.Second {
					t.Errorf("waited %v", waited)
				}
				if !p.Kept() || p.Err() != want {
					t.Errorf("kept %v, with %v", p.Kept(), p.Err())
				}
			}
			return nil
		}))
	})
}

func TestOnlyTheFirstTimeThatAPromiseIsKeptCounts(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			p := NewPromise(self, "the start of a child")
			p.Keep(errBoom)
			p.Keep(nil)
			p.Keep(ErrStopped)
			for range 2 { // a promise stays kept
				if err := p.Wait(self); err != errBoom {
					t.Errorf("got %v", err)
				}
			}
			return nil
		}))
	})
}

// Those who keep it at once agree on one of them.
func TestAPromiseThatManyKeepIsKeptOnce(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			p := NewPromise(self, "the first")
			reasons := []error{errors.New("a"), errors.New("b"), errors.New("c")}
			for _, why := range reasons {
				self.Go("keeper "+why.Error(), func(*Self) error {
					p.Keep(why)
					return nil
				})
			}
			first := p.Wait(self)
			for range 3 {
				self.Sleep(time.Second)
				if err := p.Wait(self); err != first || err == nil {
					t.Errorf("got %v, before %v", err, first)
				}
			}
			return nil
		}))
	})
}

func TestAllWhoWaitForAPromiseAreTold(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			p := NewPromise(self, "the start")
			var told record[error]
			for range 5 {
				self.Go("waiter", func(self *Self) error {
					told.add(p.Wait(self))
					return nil
				})
			}
			self.Sleep(time.Second) // all wait
			if told.len() != 0 {
				t.Errorf("%d were told before anybody knew", told.len())
			}
			p.Keep(errBoom)
			self.Sleep(time.Second)
			if told.len() != 5 {
				t.Errorf("%d of 5 were told", told.len())
			}
			for _, err := range told.all() {
				if err != errBoom {
					t.Errorf("told %v", err)
				}
			}
			return nil
		}))
	})
}

func TestTheWaitForAPromiseEndsWithItsContext(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			p := NewPromise(self, "what never comes")
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			if err := p.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			p.Keep(errBoom)
			if err := p.Wait(ctx); err != errBoom { // what is known is said
				t.Errorf("got %v", err)
			}
			return nil
		}))
	})
}

func TestATreeShowsWhichPromiseIsWaitedFor(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			p := NewPromise(self, "the start of the book")
			ref := self.Supervise("waiter", Restart{}, func(self *Self) error { return p.Wait(self) })
			self.Sleep(time.Second)
			if waits := ref.Tree().Waits; waits != "the start of the book" {
				t.Errorf("it waits for %q", waits)
			}
			p.Keep(nil)
			return ref.Wait(self)
		}))
	})
}
