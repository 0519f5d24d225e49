package actor

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A question is answered with twice its number.
type question struct{ Ask[int, int] }

func asQuestion(k Ask[int, int]) question { return question{k} }

func TestACallReturnsTheAnswer(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(thenStop(func(self *Self) error {
			_, box := withBox(self, "doubler", 1, func(_ *Self, box *Mailbox[question]) error {
				for q := range box.All() {
					if q.Q < 0 {
						q.Answer(0, errBoom)
					} else {
						q.Answer(2*q.Q, nil)
					}
				}
				return nil
			})
			for i := range 5 {
				if a, err := Call(self, box, asQuestion, i); a != 2*i || err != nil {
					t.Errorf("asked %d, got %d, %v", i, a, err)
				}
			}
			if _, err := Call(self, box, asQuestion, -1); err != errBoom {
				t.Errorf("got the error %v", err)
			}
			return nil
		}))
		if err != nil {
			t.Error(err)
		}
	})
}

func TestACallEndsWithItsContext(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "silent", 1, func(self *Self, box *Mailbox[question]) error {
				q, _ := box.Recv()
				self.Sleep(3 * time.Second)
				q.Answer(1, nil) // nobody waits any more
				return untilTold(self)
			})
			began := self.Now()
			ctx, cancel := self.WithTimeout(time.Second)
			defer cancel()
			if _, err := Call(ctx, box, asQuestion, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
			if waited := self.Now().Sub(began); waited != time.Second {
				t.Errorf("after %v", waited)
			}
			return self.Sleep(5 * time.Second)
		}))
	})
}

func TestACallEndsAtOnceWhenTheReceiverCrashesWithTheQuestionInHand(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "fragile", 2, func(self *Self, box *Mailbox[question]) error {
				box.Recv()
				self.Sleep(time.Second)
				return thisPanics()
			})
			began := self.Now()
			_, err := Call(self, box, asQuestion, 1)
			var gone *GoneError
			var p *PanicError
			if !errors.As(err, &gone) || gone.Path != "root/fragile" || !errors.As(err, &p) || p.Value != "ouch" {
				t.Errorf("got %v", err)
			}
			if waited := self.Now().Sub(began); waited != time.Second {
				t.Errorf("the crash after a second was known after %v", waited)
			}
			return nil
		}))
	})
}

func TestACallEndsWhenTheReceiverEndsWithTheQuestionStillQueued(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "lazy", 2, func(self *Self, _ *Mailbox[question]) error {
				self.Sleep(time.Second)
				return nil
			})
			_, err := Call(self, box, asQuestion, 1)
			var gone *GoneError
			if !errors.As(err, &gone) || gone.Cause != nil {
				t.Errorf("got %v", err)
			}
			return nil
		}))
	})
}

func TestOnlyTheFirstAnswerCounts(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "hasty", 2, func(_ *Self, box *Mailbox[question]) error {
				q, _ := box.Recv()
				q.Answer(1, nil)
				q.Answer(2, errBoom)
				q.Undelivered(errBoom)
				return errBoom // an answer that was given stays given
			})
			if a, err := Call(self, box, asQuestion, 1); a != 1 || err != nil {
				t.Errorf("got %d, %v", a, err)
			}
			return nil
		}))
	})
}

func TestAQuestionMayBeAnsweredByAnotherActor(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			_, box := withBox(self, "desk", 2, func(self *Self, box *Mailbox[question]) error {
				for q := range box.All() {
					self.Go("clerk", func(self *Self) error {
						self.Sleep(time.Second)
						q.Answer(q.Q+1, nil)
						return nil
					})
				}
				return nil
			})
			if a, err := Call(self, box, asQuestion, 1); a != 2 || err != nil {
				t.Errorf("got %d, %v", a, err)
			}
			return nil
		}))
	})
}

func TestACallToAnActorThatHasEndedSaysSo(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		run(thenStop(func(self *Self) error {
			ref, box := withBox(self, "brief", 2, func(*Self, *Mailbox[question]) error { return errBoom })
			ref.Wait(self)
			_, err := Call(self, box, asQuestion, 1)
			var gone *GoneError
			if !errors.As(err, &gone) || !errors.Is(err, errBoom) {
				t.Errorf("got %v", err)
			}
			return nil
		}))
	})
}

// An Ask that was never sent has nobody to answer.
func TestAnsweringTheZeroAskDoesNothing(t *testing.T) {
	var q question
	q.Answer(1, nil)
	q.Undelivered(errBoom)
}
