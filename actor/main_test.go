package actor

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// both runs one scenario on both carriers: on goroutines with virtual time, and
// on the scheduler with several seeds. f gets a function that runs a tree.
func both(t *testing.T, f func(t *testing.T, run func(Func) error)) {
	t.Helper()
	t.Run("goroutines", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			f(t, func(body Func) error { return Run(context.Background(), "root", body) })
		})
	})
	t.Run("simulation", func(t *testing.T) {
		for seed := range uint64(20) {
			f(t, func(body Func) error {
				return NewScheduler(seed, nil).Run(context.Background(), "root", body)
			})
			if t.Failed() {
				t.Fatalf("with seed %d", seed)
			}
		}
	})
}

// A record is a list that several actors add to.
type record[T any] struct {
	mu   sync.Mutex
	list []T
}

func (r *record[T]) add(v T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, v)
}

func (r *record[T]) all() []T {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.list)
}

func (r *record[T]) at(i int) T { return r.all()[i] }
func (r *record[T]) len() int   { return len(r.all()) }

// thenStop is a body that stops its actor when it returns, with all children.
func thenStop(f Func) Func {
	return func(self *Self) error {
		defer self.Ref().Stop(nil)
		return f(self)
	}
}
