package actor

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// A wake is never lost and never doubled, whoever leaves at the same instant
// because of time or of a context: each wake either serves a wait or is kept, and
// is dropped only when one is kept already.
func TestNoWakeOfAPlaceIsLostOrDoubled(t *testing.T) {
	for seed := range uint64(300) {
		s := NewScheduler(seed, nil)
		plan := rand.New(rand.NewPCG(seed, 1))
		p := &place{island: s.root}
		effective, served := 0, 0
		wake := func() {
			waiting := 0
			for w := p.first; w != nil; w = w.behind {
				if w.state == taskParked {
					waiting++
				}
			}
			kept := p.set
			if waiting > 0 && kept {
				t.Fatalf("seed %d: a wake is kept although somebody waits", seed)
			}
			p.wake()
			if waiting == 0 && !p.set {
				t.Fatalf("seed %d: a wake with nobody there was not kept", seed)
			}
			if waiting > 0 || !kept {
				effective++
			}
		}
		cancels := map[int]func(){} // of those who wait
		err := s.Run(context.Background(), "root", func(self *Self) error {
			for i := range 4 {
				self.Go(fmt.Sprint("waiter ", i), func(self *Self) error {
					for range 10 {
						ctx, cancel := self.WithTimeout(time.Duration(1 + plan.IntN(5)))
						cancels[i] = cancel
						until := self.Now().Add(time.Duration(plan.IntN(5)))
						if p.wait(ctx, until) == nil {
							served++
						}
						cancel()
					}
					return nil
				})
			}
			for i := range 2 {
				self.Go(fmt.Sprint("waker ", i), func(self *Self) error {
					for range 15 {
						self.Sleep(time.Duration(plan.IntN(3)))
						for range 1 + plan.IntN(2) {
							if cancel := cancels[plan.IntN(4)]; cancel != nil && plan.IntN(2) == 0 {
								cancel() // makes the first in line leave, perhaps
							}
							wake()
						}
						if plan.IntN(4) == 0 {
							AfterFunc(self, time.Duration(plan.IntN(2)), wake)
						}
					}
					return nil
				})
			}
			return nil
		})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		left := 0
		if p.set {
			left = 1
		}
		if effective != served+left || p.first != nil {
			t.Fatalf("seed %d: %d wakes served %d waits, %d left, in line: %v", seed, effective, served, left, p.first)
		}
	}
}
