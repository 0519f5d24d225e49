package actor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A parcel counts what became of it.
type parcel struct{ fate *atomic.Int32 }

const (
	handled  = 1
	released = 100
)

func (p parcel) Undelivered(reason error) {
	var gone *GoneError
	if errors.As(reason, &gone) {
		p.fate.Add(released)
	}
}

func TestWhatIsLeftInAMailboxIsReleasedOnce(t *testing.T) {
	both(t, func(t *testing.T, run func(Func) error) {
		fates := make([]atomic.Int32, 6)
		run(thenStop(func(self *Self) error {
			ref, box := withBox(self, "child", 4, func(self *Self, box *Mailbox[parcel]) error {
				self.Sleep(time.Second)
				v, _ := box.Recv()
				v.fate.Add(handled)
				After(self, box, 0, parcel{&fates[4]})
				return self.Sleep(time.Second)
			})
			for i := range 4 {
				box.TryPut(parcel{&fates[i]})
			}
			ref.Wait(self)
			Reserve(box, 1).Put(parcel{&fates[5]})
			return nil
		}))
		want := []int32{handled, released, released, released, released, released}
		var got []int32
		for i := range fates {
			got = append(got, fates[i].Load())
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the fates are (-want +got):\n%s", diff)
		}
	})
}

// The window between the owner's last look and its sleep, with real goroutines.
func TestAnOwnerThatSleepsAllTheTimeMissesNothing(t *testing.T) {
	const senders, each = 3, 20_000
	err := Run(t.Context(), "root", func(self *Self) error {
		box := NewMailbox[int](self, 2)
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
		sum := 0
		for range senders * each {
			v, ok := box.Recv()
			if !ok {
				t.Error("the mailbox ended")
				return nil
			}
			sum += v
		}
		if want := senders * each * (each - 1) / 2; sum != want {
			t.Errorf("the sum is %d, want %d", sum, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The window between a send and the owner's end, with real goroutines.
func TestEveryMessageIsHandledOrReleasedExactlyOnceWhenSendersRaceWithTheEnd(t *testing.T) {
	const rounds, senders, each = 300, 8, 20
	for range rounds {
		fates := make([]atomic.Int32, senders*each)
		sent := make([]bool, senders*each)
		err := Run(t.Context(), "root", func(self *Self) error {
			ref, box := withBox(self, "owner", 4, func(_ *Self, box *Mailbox[parcel]) error {
				n := 0
				for v := range box.All() {
					v.fate.Add(handled)
					if n++; n == each {
						return nil
					}
				}
				return nil
			})
			var group sync.WaitGroup
			for s := range senders {
				group.Go(func() {
					for i := s * each; i < (s+1)*each; i++ {
						if i%3 == 0 {
							sent[i] = box.TryPut(parcel{&fates[i]})
						} else {
							sent[i] = box.Put(context.Background(), parcel{&fates[i]}) == nil
						}
						if s == 0 && i == each/2 {
							ref.Stop(nil)
						}
					}
				})
			}
			group.Wait()
			return ref.Wait(self)
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range fates {
			fate := fates[i].Load()
			if sent[i] != (fate == handled || fate == released) || (!sent[i] && fate != 0) {
				t.Fatalf("message %d: sent %v, fate %d", i, sent[i], fate)
			}
		}
	}
}
