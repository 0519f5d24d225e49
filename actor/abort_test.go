package actor

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestAnAbortEndsEverythingBelowInNoTimeAndIsNoFailure(t *testing.T) {
	broken := errors.New("the power is off")
	var ended []string
	err := NewScheduler(1, nil).Run(t.Context(), "root", func(self *Self) error {
		began := self.Now()
		body := func(s *Self) error {
			s.OnEnd(func() { ended = append(ended, s.Name()) })
			return s.Sleep(time.Hour)
		}
		house := Start(self, "house", func(s *Self) error {
			s.Go("part", body)
			s.Supervise("always", Restart{When: Always, Max: 100}, body)
			s.Supervise("stubborn", Restart{When: Never}, func(s *Self) error {
				s.Supervise("grandchild", Restart{When: OnFailure}, body)
				return body(s)
			})
			return body(s)
		})
		self.Sleep(time.Second)
		house.Abort(broken)
		if err := house.Wait(self); err != nil || house.Err() != nil {
			t.Errorf("got %v, %v", err, house.Err())
		}
		if took := self.Now().Sub(began); took != time.Second {
			t.Errorf("it took %v", took)
		}
		if failures := self.Tree().Failures; len(failures) > 0 {
			t.Errorf("an abort counts as a failure: %v", failures)
		}
		return nil
	})
	slices.Sort(ended)
	if want := []string{"always", "grandchild", "house", "part", "stubborn"}; err != nil || !slices.Equal(ended, want) {
		t.Errorf("%v ended, %v", ended, err)
	}
}

func TestAnAbortBeforeTheActorHasBegunKeepsItFromRunning(t *testing.T) {
	err := NewScheduler(1, nil).Run(t.Context(), "root", func(self *Self) error {
		ref := Start(self, "child", func(s *Self) error {
			if s.Err() == nil {
				t.Error("it ran")
			}
			return nil
		})
		ref.Abort(nil)
		return ref.Wait(self)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAHaltEndsTheSimulationWhereItStands(t *testing.T) {
	enough := errors.New("enough")
	s := NewScheduler(1, nil)
	err := s.Run(t.Context(), "root", func(self *Self) error {
		AfterFunc(self, time.Second, func() { s.Halt(enough); s.Halt(errors.New("later")) })
		self.Sleep(time.Hour)
		t.Error("it went on")
		return nil
	})
	if err != enough || s.Elapsed() != time.Second {
		t.Errorf("got %v after %v", err, s.Elapsed())
	}
}

func TestTheSchedulerTellsOfEachFailureOnce(t *testing.T) {
	var paths []string
	s := NewScheduler(1, nil)
	s.OnFailure(func(f Failure) { paths = append(paths, f.Path) })
	err := s.Run(t.Context(), "root", func(self *Self) error {
		for range 40 { // more than the tree remembers
			Start(self, "child", func(s *Self) error { panic("oh") }).Wait(self)
		}
		return nil
	})
	if err != nil || len(paths) != 40 || paths[0] != "root/child" {
		t.Errorf("%d of them: %v, %v", len(paths), paths, err)
	}
}
