package actor

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A ringMessage is what the actors of a circle send each other.
type ringMessage struct{ question }

func asRingMessage(k Ask[int, int]) ringMessage { return ringMessage{question{k}} }

// circle starts actors with a mailbox of one each, and gives each of them its own
// number and the mailboxes of all. It stops them after d.
func circle(run func(Func) error, actors int, d time.Duration, body func(self *Self, me int, ring []*Mailbox[ringMessage]) error) error {
	return run(thenStop(func(self *Self) error {
		ready := NewMailbox[struct{}](self, actors)
		boxes := make([]*Mailbox[ringMessage], actors)
		start := make([]Signal, actors)
		for i := range actors {
			start[i] = NewSignal(self, "the start")
			self.Supervise(fmt.Sprint("actor ", i), Restart{}, func(self *Self) error {
				boxes[i] = NewMailbox[ringMessage](self, 1)
				ready.TryPut(struct{}{})
				start[i].Wait(self, time.Time{})
				return body(self, i, boxes)
			})
		}
		for range actors {
			ready.Recv()
		}
		for _, s := range start {
			s.Set()
		}
		return self.Sleep(d)
	}))
}

// closesOn checks that paths lead round a ring, from an actor back to itself.
func closesOn(paths []string, actors int) error {
	if len(paths) != actors+1 || paths[0] != paths[actors] {
		return fmt.Errorf("the paths are %v", paths)
	}
	var first int
	fmt.Sscanf(paths[0], "root/actor %d", &first)
	for i, p := range paths {
		if want := fmt.Sprint("root/actor ", (first+i)%actors); p != want {
			return fmt.Errorf("the paths are %v, want %s at %d", paths, want, i)
		}
	}
	return nil
}

func TestACycleOfWaitingPutsIsNamedToOneOfThem(t *testing.T) {
	for _, actors := range []int{1, 2, 3, 7} {
		t.Run(fmt.Sprint(actors), func(t *testing.T) {
			both(t, func(t *testing.T, run func(Func) error) {
				var results record[error]
				err := circle(run, actors, time.Hour, func(self *Self, me int, ring []*Mailbox[ringMessage]) error {
					next := ring[(me+1)%len(ring)]
					next.TryPut(ringMessage{})
					results.add(next.Put(self, ringMessage{}))
					// Now that it knows, it goes on, and so can the others.
					for range ring[me].All() {
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				oneCycle(t, results.all(), actors)
			})
		})
	}
}

// oneCycle checks that exactly one of the results is the error of a cycle.
func oneCycle(t *testing.T, results []error, actors int) {
	t.Helper()
	cycles := 0
	for _, err := range results {
		var cycle *CycleError
		switch {
		case errors.As(err, &cycle):
			cycles++
			if err := closesOn(cycle.Paths, actors); err != nil {
				t.Error(err)
			}
		case err != nil:
			t.Errorf("got %v", err)
		}
	}
	if cycles != 1 || len(results) != actors {
		t.Errorf("%d of %d actors were told of a cycle, of %d", cycles, len(results), actors)
	}
}

func TestACycleOfCallsIsNamedToOneOfThem(t *testing.T) {
	for _, actors := range []int{1, 2, 3} {
		t.Run(fmt.Sprint(actors), func(t *testing.T) {
			both(t, func(t *testing.T, run func(Func) error) {
				var results record[error]
				circle(run, actors, time.Hour, func(self *Self, me int, ring []*Mailbox[ringMessage]) error {
					_, err := Call(self, ring[(me+1)%len(ring)], asRingMessage, 1)
					results.add(err)
					for m := range ring[me].All() {
						m.Answer(1, nil)
					}
					return nil
				})
				oneCycle(t, results.all(), actors)
			})
		})
	}
}

// A waits for an answer of B, B for room at C, and C for the end of A.
func TestACycleOfDifferentWaitsIsNamed(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var results record[error]
		circle(run, 3, time.Hour, func(self *Self, me int, ring []*Mailbox[ringMessage]) error {
			var err error
			next := ring[(me+1)%3]
			switch me {
			case 0:
				_, err = Call(self, next, asRingMessage, 1)
			case 1:
				next.TryPut(ringMessage{})
				err = next.Put(self, ringMessage{})
			case 2:
				err = ring[0].owner.Ref().Wait(self)
			}
			if gone := new(GoneError); !errors.As(err, &gone) {
				results.add(err)
			} else {
				results.add(nil)
			}
			if me == 0 {
				return nil
			}
			for m := range ring[me].All() {
				if m.reply != nil {
					m.Answer(1, nil)
				}
			}
			return nil
		})
		oneCycle(t, results.all(), 3)
	})
}

func TestAChainOfWaitsIsNoCycle(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var results record[error]
		circle(run, 4, time.Hour, func(self *Self, me int, ring []*Mailbox[ringMessage]) error {
			if me == 3 {
				self.Sleep(time.Minute) // all wait for this one, in the end
			} else {
				ring[me+1].TryPut(ringMessage{})
				results.add(ring[me+1].Put(self, ringMessage{}))
			}
			for range ring[me].All() {
			}
			return nil
		})
		if diff := cmp.Diff([]string{"<nil>", "<nil>", "<nil>"}, texts(results.all())); diff != "" {
			t.Errorf("the waits ended with (-want +got):\n%s", diff)
		}
	})
}

func texts(errs []error) []string {
	var list []string
	for _, err := range errs {
		list = append(list, fmt.Sprint(err))
	}
	return list
}

// Every mailbox and every hand but one is full, so nearly always nearly all wait
// for each other in a ring, and it always moves. With one actor in it that was
// served and has not run yet, the ring looks like a cycle.
func TestARingOfWaitsThatMovesIsNoCycle(t *testing.T) {
	const actors, rounds = 4, 200
	both(t, func(t *testing.T, run func(Func) error) {
		var results record[error]
		circle(run, actors, time.Hour, func(self *Self, me int, ring []*Mailbox[ringMessage]) error {
			next := ring[(me+1)%actors]
			next.TryPut(ringMessage{})
			if me > 0 { // one in hand as well
				if err := next.Put(self, ringMessage{}); err != nil {
					results.add(err)
					return err
				}
			}
			for range rounds {
				m, ok := ring[me].Recv()
				if !ok {
					return nil
				}
				if err := next.Put(self, m); err != nil {
					results.add(err)
					return err
				}
			}
			for range ring[me].All() {
			}
			return nil
		})
		for _, err := range results.all() {
			t.Errorf("got %v", err)
		}
	})
}

// A cycle that looks like one is broken before it is called one: whoever waits
// for a limited time gives up, and then ends, or serves its mailbox, or does
// neither.
func TestACycleThatIsBrokenInTimeIsNone(t *testing.T) {
	for name, want := range map[string]error{"ends": new(GoneError), "serves": nil, "neither": context.DeadlineExceeded} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, run func(Func) error) {
				var second record[error]
				circle(run, 2, time.Hour, func(self *Self, me int, ring []*Mailbox[ringMessage]) error {
					next := ring[1-me]
					next.TryPut(ringMessage{})
					if me == 1 {
						self.Sleep(time.Millisecond) // the one that closes the circle
						ctx, cancel := self.WithTimeout(2 * confirmAfter / 3)
						defer cancel()
						second.add(next.Put(ctx, ringMessage{}))
						return nil
					}
					ctx, cancel := self.WithTimeout(confirmAfter / 2)
					defer cancel()
					if err := next.Put(ctx, ringMessage{}); err != context.DeadlineExceeded {
						t.Errorf("the first: %v", err)
					}
					switch name {
					case "ends":
						return nil
					case "serves":
						ring[me].Recv()
					}
					return untilTold(self)
				})
				got := second.at(0)
				if gone := new(GoneError); errors.As(want, &gone) {
					if !errors.As(got, &gone) {
						t.Errorf("the second: %v", got)
					}
				} else if got != want {
					t.Errorf("the second: %v", got)
				}
			})
		})
	}
}

func TestAWaitOfWhichNobodyKnowsWhoWaitsIsNoCycle(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		circle(run, 1, time.Hour, func(self *Self, _ int, ring []*Mailbox[ringMessage]) error {
			ring[0].TryPut(ringMessage{})
			ctx, cancel := WithTimeout(self, time.Minute)
			defer cancel()
			// A context that is not the actor's own hides it: no error, but an end.
			hidden, stop := context.WithCancelCause(context.Background())
			defer AfterDone(ctx, func() { stop(errBoom) })()
			if err := ring[0].Put(hidden, ringMessage{}); err != errBoom {
				t.Errorf("got %v", err)
			}
			return nil
		})
	})
}
