package transporttest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
)

// A Maker makes the transport under test, fresh for each check, and the address
// to listen at: one that picks a free port, or is free.
type Maker func(t *testing.T) (transport.Transport, ma.Multiaddr)

// A World is what a check runs on.
type World struct {
	// Name is that of the subtest.
	Name string
	// run calls f with a function that runs a tree of actors.
	run func(t *testing.T, f func(t *testing.T, tree func(actor.Func) error))
	// settle waits until all other actors wait; nil where that cannot be known.
	settle func(self *actor.Self)
}

// Goroutines is the world outside: goroutines and the real clock.
func Goroutines() World {
	return World{
		Name: "goroutines",
		run: func(t *testing.T, f func(*testing.T, func(actor.Func) error)) {
			f(t, onGoroutines)
		},
	}
}

// Bubble is a testing/synctest bubble: goroutines, and a virtual clock.
func Bubble() World {
	return World{
		Name: "bubble",
		run: func(t *testing.T, f func(*testing.T, func(actor.Func) error)) {
			synctest.Test(t, func(t *testing.T) { f(t, onGoroutines) })
		},
		settle: func(*actor.Self) { synctest.Wait() },
	}
}

func onGoroutines(body actor.Func) error { return actor.Run(context.Background(), "check", body) }

// Scheduler is the deterministic scheduler with a seed. Each step is told to
// onStep, if that is not nil.
func Scheduler(seed uint64, onStep func(actor.Step)) World {
	return World{
		Name: "scheduler",
		run: func(t *testing.T, f func(*testing.T, func(actor.Func) error)) {
			f(t, func(body actor.Func) error {
				return actor.NewScheduler(seed, onStep).Run(context.Background(), "check", body)
			})
		},
		// The clock moves on when nobody can.
		settle: func(self *actor.Self) { self.Sleep(time.Nanosecond) },
	}
}

// Run runs all checks with goroutines and the real clock.
func Run(t *testing.T, make Maker) { RunIn(t, Goroutines(), make) }

// RunIn runs all checks in the given world.
func RunIn(t *testing.T, w World, make Maker) {
	for _, c := range checks() {
		t.Run(w.Name+"/"+c.name, func(t *testing.T) {
			if err := c.in(t, w, make); err != nil {
				t.Error(err)
			}
		})
	}
}

// Repeat runs each check, the longest left out, as often as said on the
// scheduler with the same seed. All runs must take the same steps.
func Repeat(t *testing.T, runs int, seed uint64, make Maker) {
	for _, c := range checks() {
		if c.long {
			continue
		}
		t.Run("repeat/"+c.name, func(t *testing.T) {
			var first []actor.Step
			for i := range runs {
				var steps []actor.Step
				w := Scheduler(seed, func(s actor.Step) { steps = append(steps, s) })
				if err := c.in(t, w, make); err != nil {
					t.Fatal(err)
				}
				if i == 0 {
					first = steps
				} else if !slices.Equal(first, steps) {
					t.Fatal(difference(i, first, steps))
				}
			}
		})
	}
}

// in runs a check in a world.
func (c check) in(t *testing.T, w World, make Maker) (err error) {
	t.Helper()
	w.run(t, func(t *testing.T, tree func(actor.Func) error) {
		tr, at := make(t)
		err = tree(func(self *actor.Self) error {
			e := &ends{Self: self, world: w, transport: tr, at: at}
			defer e.close()
			if err := e.listen(); err != nil {
				return err
			}
			began := self.Now()
			if err := c.run(e); err != nil {
				return err
			}
			// Where time costs nothing, a call may have hung and nobody noticed.
			if took := self.Now().Sub(began) - e.passed; w.settle != nil && took >= Patience {
				return fmt.Errorf("something ended by its deadline only, after %v", took)
			}
			return nil
		})
	})
	return err
}
