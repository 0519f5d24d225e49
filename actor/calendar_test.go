package actor

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Whatever is added and taken away, the first of a calendar is the earliest, by
// time, source and order.
func TestACalendarIsAlwaysInOrder(t *testing.T) {
	for seed := range uint64(200) {
		chance := rand.New(rand.NewPCG(seed, 1))
		var h calendar
		var model []*alarm
		check := func() {
			t.Helper()
			if len(h) != len(model) {
				t.Fatalf("seed %d: %d alarms, want %d", seed, len(h), len(model))
			}
			if len(h) == 0 {
				return
			}
			first := slices.MinFunc(model, func(a, b *alarm) int {
				if a.before(b) {
					return -1
				}
				return 1
			})
			if h[0] != first {
				t.Fatalf("seed %d: of %d alarms the first is %v, want %v", seed, len(h), *h[0], *first)
			}
			for k, a := range h {
				if a.index != k {
					t.Fatalf("seed %d: an alarm at %d believes that it is at %d", seed, k, a.index)
				}
			}
		}
		for order := range uint64(300) {
			if len(model) > 0 && chance.IntN(3) == 0 {
				k := 0 // the earliest, or any
				if chance.IntN(2) == 0 {
					k = chance.IntN(len(h))
				}
				gone := h[k]
				h.remove(gone)
				model = slices.DeleteFunc(model, func(a *alarm) bool { return a == gone })
			} else {
				a := &alarm{at: time.Duration(chance.IntN(5)), source: chance.IntN(3), order: order}
				h.add(a)
				model = append(model, a)
			}
			check()
		}
		for len(h) > 0 {
			gone := h[0]
			h.remove(gone)
			model = slices.DeleteFunc(model, func(a *alarm) bool { return a == gone })
			check()
		}
	}
}
