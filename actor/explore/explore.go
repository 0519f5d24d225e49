package explore

import (
	"fmt"
	"strings"
)

// A Model is what is explored. W is a world: comparable, equal when nothing that
// may still happen tells two worlds apart.
type Model[W comparable] struct {
	// Start is the first world.
	Start W
	// Next calls visit for each thing that may happen in a world, with a line
	// that names it and the world after it.
	Next func(w W, visit func(action string, after W))
	// Check returns what is wrong with a world, nil if nothing is.
	Check func(w W) error
	// Limit is how many worlds may be reached at most; 0 means ten million.
	Limit int
}

// A Result is what an exploration found.
type Result struct {
	Worlds int      // how many different worlds were reached
	Steps  int      // how many things happened in them
	Trace  []string // what leads to the fault, in the fewest steps
	Err    error    // the fault; nil when there is none
}

// String prints the trace to the fault, a line a step.
func (r Result) String() string {
	if r.Err == nil {
		return fmt.Sprintf("%d worlds, %d steps, no fault", r.Worlds, r.Steps)
	}
	return fmt.Sprintf("%s\n  => %v", strings.Join(r.Trace, "\n"), r.Err)
}

// A LimitError says that a model has more worlds than its limit, so that nothing
// is known about the rest.
type LimitError struct{ Limit int }

func (e *LimitError) Error() string {
	return fmt.Sprintf("explore: more than %d worlds; bound the model", e.Limit)
}

// reached is a world, and how it was reached first.
type reached[W comparable] struct {
	world  W
	from   int // index of the world before; -1 at the start
	action string
}

// Explore reaches every world and stops at the first fault. It does not block.
func (m Model[W]) Explore() Result {
	limit := m.Limit
	if limit == 0 {
		limit = 10_000_000
	}
	worlds := []reached[W]{{m.Start, -1, ""}}
	seen := map[W]struct{}{m.Start: {}}
	result := Result{Worlds: 1}
	if result.Err = m.Check(m.Start); result.Err != nil {
		return result
	}
	for i := 0; i < len(worlds) && result.Err == nil; i++ {
		m.Next(worlds[i].world, func(action string, after W) {
			if result.Err != nil {
				return
			}
			result.Steps++
			if _, ok := seen[after]; ok {
				return
			}
			seen[after] = struct{}{}
			worlds = append(worlds, reached[W]{after, i, action})
			result.Worlds++
			err := m.Check(after)
			if err == nil && len(worlds) > limit {
				err = &LimitError{limit}
			}
			if err != nil {
				result.Err = err
				result.Trace = trace(worlds, len(worlds)-1)
			}
		})
	}
	return result
}

// trace returns the actions that led to a world.
func trace[W comparable](worlds []reached[W], i int) []string {
	var actions []string
	for ; worlds[i].from >= 0; i = worlds[i].from {
		actions = append(actions, worlds[i].action)
	}
	for l, r := 0, len(actions)-1; l < r; l, r = l+1, r-1 {
		actions[l], actions[r] = actions[r], actions[l]
	}
	return actions
}
