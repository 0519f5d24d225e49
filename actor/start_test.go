package actor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func TestStartInsideAnActorStartsAChildWhoseFailureStaysItsOwn(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			ref := Start(self, "tree", func(*Self) error { return errBoom })
			if ref.Path() != "root/tree" {
				t.Errorf("its path is %s", ref.Path())
			}
			if err := ref.Wait(self); err != nil || !errors.Is(ref.Err(), errBoom) {
				t.Errorf("waited with %v for %v", err, ref.Err())
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAChildThatIsStartedWithAContextEndsWithIt(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			began := self.Now()
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			var cause error
			ref := Start(ctx, "tree", func(self *Self) error {
				untilTold(self)
				cause = context.Cause(self)
				return nil
			})
			if err := ref.Wait(self); err != nil {
				return err
			}
			if took := self.Now().Sub(began); took != time.Second || cause != context.DeadlineExceeded {
				t.Errorf("it ended after %v because of %v", took, cause)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A tree in a tree has nobody left to stop it when the body above has returned.
func TestAChildThatIsStartedEndsWhenTheBodyAboveReturns(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		if err := run(func(self *Self) error {
			Start(self, "tree", untilTold)
			return self.Sleep(time.Second)
		}); err != nil {
			t.Error(err)
		}
	})
}

func TestARootEndsWithTheContextItWasStartedWith(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	var cause error
	runs := make(chan struct{})
	ref := Start(ctx, "root", func(self *Self) error {
		close(runs)
		untilTold(self)
		cause = context.Cause(self)
		return nil
	})
	<-runs
	if ref.Err() != nil {
		t.Errorf("while it runs it has ended with %v", ref.Err())
	}
	cancel(errBoom)
	if err := ref.Join(); err != nil || cause != errBoom {
		t.Errorf("it ended with %v because of %v", err, cause)
	}
}

func TestAWaitForAnEndEndsWithItsContext(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			ref := self.Supervise("child", Restart{When: Always}, untilTold)
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			if err := ref.Wait(ctx); err != context.DeadlineExceeded {
				t.Errorf("got %v", err)
			}
			return nil
		}))
	})
}

func TestTheValuesOfAContextAreSeenBelow(t *testing.T) {
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	Run(ctx, "root", func(self *Self) error {
		self.Go("child", func(self *Self) error {
			if v := self.Value(key{}); v != "value" {
				t.Errorf("got %v", v)
			}
			return nil
		})
		return nil
	})
}

func TestAnOutsideContextHasTheClockAndNotTheEnd(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(func(self *Self) error {
			out := Outside(self)
			if !Now(out).Equal(self.Now()) {
				t.Errorf("the clocks say %v and %v", Now(out), self.Now())
			}
			self.Ref().Stop(nil)
			untilTold(self)
			began := self.Now()
			if err := NewSignal(out, "nothing").Wait(out, began.Add(time.Second)); err == nil || out.Err() != nil {
				t.Errorf("the wait returned %v, the context says %v", err, out.Err())
			}
			if d := self.Now().Sub(began); d != time.Second {
				t.Errorf("it waited for %v", d)
			}
			if selfOf(out) != nil || Outside(out) == nil {
				t.Error("it belongs to an actor")
			}
			return nil
		})
	})
}

func TestJoinOfAChildWaitsForItAndReturnsItsFailure(t *testing.T) {
	Run(t.Context(), "root", func(self *Self) error {
		ref := self.Supervise("child", Restart{}, func(*Self) error { return errBoom })
		if err := ref.Join(); !errors.Is(err, errBoom) {
			t.Errorf("got %v", err)
		}
		return nil
	})
}

func TestRunInsideAnActorWaitsForItsChild(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			began, ended := self.Now(), false
			err := Run(self, "inner", func(self *Self) error {
				NewSignal(self, "a while").Wait(self, self.Now().Add(time.Second))
				ended = true
				return errors.New("no luck")
			})
			var exit *ExitError
			if !errors.As(err, &exit) || !strings.HasSuffix(exit.Path, "/inner") {
				t.Errorf("Run returned %v", err)
			}
			if took := self.Now().Sub(began); !ended || took != time.Second {
				t.Errorf("Run returned after %v", took)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestRunInsideAnActorEndsWithItsContext(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			began := self.Now()
			ctx, cancel := WithTimeout(self, time.Second)
			defer cancel()
			if err := Run(ctx, "inner", untilTold); err != nil {
				t.Errorf("Run returned %v", err)
			}
			if took := self.Now().Sub(began); took != time.Second {
				t.Errorf("Run returned after %v", took)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}
