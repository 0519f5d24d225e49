package actor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnActorAtRestHasNoGoroutineAndKeepsItsPlaceInTheTree(t *testing.T) {
	const count = 100
	synctest.Test(t, func(t *testing.T) {
		Run(t.Context(), "root", thenStop(func(self *Self) error {
			synctest.Wait()
			before := runtime.NumGoroutine()
			for i := range count {
				self.Supervise(fmt.Sprint(i), Restart{}, func(self *Self) error {
					self.State("resting")
					box := NewMailbox[int](self, 1)
					return box.Serve(Rest, func(int) (Next, error) { return Rest, nil })
				})
			}
			synctest.Wait()
			// Some of earlier tests may end in the meantime.
			if n := runtime.NumGoroutine() - before; n > count/10 {
				t.Errorf("%d actors at rest have %d goroutines", count, n)
			}
			tree := self.Tree()
			if n := tree.Count(); n != count+1 {
				t.Errorf("the tree shows %d actors", n)
			}
			last := tree.Children[count-1]
			if last.State != "resting" || last.Waits != "a message" || last.Mailbox == nil {
				t.Errorf("the tree shows %+v", last)
			}
			return nil
		}))
	})
}

func TestAnActorServesItsMessagesInOrderWhetherItRestsOrStays(t *testing.T) {
	for first := range Over {
		both(t, func(t *testing.T, run func(Func) error) {
			var got []int
			err := run(func(self *Self) error {
				ref, box := withBox(self, "child", 4, func(self *Self, box *Mailbox[int]) error {
					return box.Serve(first, func(n int) (Next, error) {
						got = append(got, n)
						switch {
						case n == 3:
							After(self, box, time.Second, 4)
						case n == 4:
							return Over, nil
						}
						return Next(n % 2), nil
					})
				})
				for n := range 4 {
					box.Put(self, n)
					if n == 1 {
						self.Sleep(time.Second)
					}
				}
				return ref.Wait(self)
			})
			if diff := cmp.Diff([]int{0, 1, 2, 3, 4}, got); err != nil || diff != "" {
				t.Errorf("it ended with %v, and got (-want +got):\n%s", err, diff)
			}
		})
	}
}

// The window between the owner's last look and its rest, with real goroutines;
// only one of them may be the owner at a time.
func TestAnOwnerThatRestsAllTheTimeMissesNothingAndIsNeverTwo(t *testing.T) {
	const senders, each = 3, 20_000
	sum := 0
	err := Run(t.Context(), "root", func(self *Self) error {
		left := senders * each
		var inside atomic.Int32
		ref, box := withBox(self, "owner", 2, func(_ *Self, box *Mailbox[int]) error {
			return box.Serve(Rest, func(n int) (Next, error) {
				if inside.Add(1) != 1 {
					t.Error("two goroutines are the same actor")
				}
				sum += n // the race detector looks on
				left--
				inside.Add(-1)
				if left == 0 {
					return Over, nil
				}
				return Rest, nil
			})
		})
		for i := range senders {
			self.Go(fmt.Sprint(i), func(self *Self) error {
				for n := range each {
					switch {
					case n%7 == 0:
						Reserve(box, 1).Put(n)
					case n%2 == 0 && box.TryPut(n):
					default:
						if err := box.Put(self, n); err != nil {
							return err
						}
					}
				}
				return nil
			})
		}
		return ref.Wait(self)
	})
	if want := senders * each * (each - 1) / 2; err != nil || sum != want {
		t.Errorf("the sum is %d instead of %d, with %v", sum, want, err)
	}
}

func TestAnActorAtRestThatIsToldToEndSaysGoodbyeAndEnds(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var said record[string]
		err := run(func(self *Self) error {
			var refs []*Ref
			for _, polite := range []bool{true, false} {
				refs = append(refs, self.Supervise(fmt.Sprint(polite), Restart{}, func(self *Self) error {
					self.OnEnd(func() { said.add("the end of " + self.Ref().node.name) })
					var options []MailboxOption[string]
					if polite {
						options = append(options, StopAs("goodbye"))
					}
					return NewMailbox(self, 1, options...).Serve(Rest, func(what string) (Next, error) {
						said.add(what)
						return Over, nil
					})
				}))
			}
			self.Sleep(time.Second)
			for _, r := range refs {
				r.Stop(errBoom)
				r.Wait(self)
			}
			return nil
		})
		want := []string{"goodbye", "the end of true", "the end of false"}
		if diff := cmp.Diff(want, said.all()); err != nil || diff != "" {
			t.Errorf("it ended with %v, and said (-want +got):\n%s", err, diff)
		}
	})
}

func TestAnActorThatIsToldToEndBeforeItServesEnds(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		err := run(func(self *Self) error {
			self.Ref().Stop(nil)
			untilTold(self)
			return NewMailbox[int](self, 1).Serve(Rest, func(int) (Next, error) { return Rest, errBoom })
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// A group joins goroutines, and an actor at rest has none.
func TestAnActorEndsOnlyWhenTheLastOfItsRestingChildrenHas(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		ended := false
		err := run(func(self *Self) error {
			parent := self.Supervise("parent", Restart{}, func(self *Self) error {
				for i := range 3 {
					self.Supervise(fmt.Sprint(i), Restart{}, func(self *Self) error {
						box := NewMailbox[int](self, 1)
						After(self, box, time.Duration(i+1)*time.Second, 0)
						return box.Serve(Rest, func(int) (Next, error) {
							if i == 2 {
								ended = true
							}
							return Over, nil
						})
					})
				}
				return nil // temporary children come to their own end
			})
			if err := parent.Wait(self); err != nil || !ended {
				t.Errorf("the parent ended with %v before its child", err)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestAFailureAfterARestIsTheActorsFailure(t *testing.T) {
	ends := map[string]func() error{
		"an error": func() error { return errBoom },
		"a panic":  thisPanics,
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, run func(Func) error) {
				fate := new(atomic.Int32)
				var err error
				run(func(self *Self) error {
					ref, box := withBox(self, "child", 2, func(self *Self, box *Mailbox[parcel]) error {
						return box.Serve(Rest, func(p parcel) (Next, error) { return Rest, end() })
					})
					self.Sleep(time.Second)
					box.TryPut(parcel{fate})
					box.TryPut(parcel{fate})
					ref.Wait(self)
					err = ref.Err()
					return nil
				})
				var exit *ExitError
				var crash *PanicError
				switch {
				case !errors.As(err, &exit) || exit.Path != "root/child":
					t.Errorf("it ended with %v", err)
				case name == "a panic" && !errors.As(err, &crash):
					t.Errorf("a panic became %v", err)
				case fate.Load() != released:
					t.Errorf("the fate of the message left is %d", fate.Load())
				}
			})
		})
	}
}

func TestAnActorThatServesIsRestarted(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		var got []int
		err := run(func(self *Self) error {
			return self.Supervise("service", Restart{When: OnFailure}, func(self *Self) error {
				box := NewMailbox[int](self, 1)
				After(self, box, time.Second, self.Restarts())
				return box.Serve(Rest, func(n int) (Next, error) {
					got = append(got, n)
					if n == 2 {
						return Over, nil
					}
					return Rest, errBoom
				})
			}).Wait(self)
		})
		if diff := cmp.Diff([]int{0, 1, 2}, got); err != nil || diff != "" {
			t.Errorf("it ended with %v, and got (-want +got):\n%s", err, diff)
		}
	})
}

func TestAnActorThatGoesOnAfterARestHasItsOwnProfileLabel(t *testing.T) {
	labels := func() int {
		var all bytes.Buffer
		pprof.Lookup("goroutine").WriteTo(&all, 1)
		return strings.Count(all.String(), `"actor":"root/rests"`)
	}
	Run(context.Background(), "root", thenStop(func(self *Self) error {
		answers := NewMailbox[int](self, 2)
		brief := make(chan *Mailbox[int], 1)
		_, box := withBox(self, "rests", 1, func(self *Self, box *Mailbox[int]) error {
			self.Supervise("brief", Restart{Brief: true}, func(self *Self) error {
				box := NewMailbox[int](self, 1)
				brief <- box
				return box.Serve(Rest, func(int) (Next, error) {
					answers.TryPut(labels())
					return Rest, nil
				})
			})
			return box.Serve(Rest, func(int) (Next, error) {
				answers.TryPut(labels())
				return Rest, nil
			})
		})
		for _, box := range []*Mailbox[int]{box, <-brief} {
			box.Put(self, 0)
			if n, _ := answers.Recv(); n == 0 {
				t.Error("no goroutine has the label")
			}
		}
		return nil
	}))
}

// Whether they say that they rest or stay: thousands of them share few stacks.
func TestActorsThatServeHaveNoGoroutineInASimulation(t *testing.T) {
	const count = 1000
	for first := range Over {
		served := 0
		err := NewScheduler(1, nil).Run(t.Context(), "root", thenStop(func(self *Self) error {
			before := runtime.NumGoroutine()
			var boxes []*Mailbox[int]
			for i := range count {
				_, box := withBox(self, fmt.Sprint(i), 1, func(_ *Self, box *Mailbox[int]) error {
					return box.Serve(first, func(int) (Next, error) {
						served++
						return first, nil
					})
				})
				boxes = append(boxes, box)
			}
			for range 3 {
				for _, box := range boxes {
					if err := box.Put(self, 1); err != nil {
						return err
					}
				}
				self.Sleep(time.Second)
				if n := runtime.NumGoroutine() - before; n > count/4 {
					t.Errorf("%d actors that serve have %d goroutines", count, n)
				}
			}
			return nil
		}))
		if err != nil || served != 3*count {
			t.Errorf("%d messages were served: %v", served, err)
		}
	}
}
