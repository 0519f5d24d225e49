package actor

import (
	"errors"
	"testing"
	"time"
)

func TestAChildThatIsWaitedForIsReadyOrSaysWhyNot(t *testing.T) {
	for _, c := range []struct {
		name string
		body func(self *Self, ready func()) error
		want error
	}{
		{"ready", func(self *Self, ready func()) error {
			if err := self.Sleep(time.Second); err != nil {
				return err
			}
			ready()
			return untilTold(self)
		}, nil},
		{"an error", func(*Self, func()) error { return errBoom }, errBoom},
		{"a panic", func(*Self, func()) error { panic("ouch") }, ErrStopped},
	} {
		t.Run(c.name, func(t *testing.T) {
			both(t, func(t *testing.T, run func(Func) error) {
				err := run(func(self *Self) error {
					began := self.Now()
					err := self.SuperviseReady("child", Restart{When: OnFailure, Optional: true, Backoff: time.Minute}, c.body)
					if !errors.Is(err, c.want) {
						t.Errorf("it returned %v and should %v", err, c.want)
					}
					if took := self.Now().Sub(began); c.want == nil && took != time.Second {
						t.Errorf("it returned after %v", took)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestWaitingForAChildEndsWithTheActor(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			return Run(self, "waiting", func(self *Self) error {
				AfterFunc(self, time.Second, func() { self.Ref().Stop(errBoom) })
				err := self.SuperviseReady("child", Restart{}, func(self *Self, _ func()) error { return untilTold(self) })
				if !errors.Is(err, errBoom) && !errors.Is(err, ErrStopped) {
					t.Errorf("it returned %v", err)
				}
				return nil
			})
		})
		if err != nil {
			t.Error(err)
		}
	})
}
