package muxertest

import "fmt"

// An Exploration is what Explore found.
type Exploration struct {
	// States is how many different worlds were reached, Steps how many
	// operations led to them or back.
	States, Steps int
	// Whole says that every reachable world was reached: the bound on depth cut
	// nothing off.
	Whole bool
	// Trace are the operations that lead to the fault in the fewest steps, and
	// Err is the fault; nil when there is none.
	Trace []Op
	Err   error
}

// Explore tries every order of the given operations, breadth first, up to depth
// operations deep, and settles every different world that it reaches. start
// makes a fresh world, key tells worlds apart. It stops at the first fault.
func Explore(start func() *World, key func(*World) string, ops []Op, depth int) Exploration {
	var found Exploration
	seen := map[string]bool{}
	frontier := [][]uint8{nil}
	for level := 0; len(frontier) > 0; level++ {
		if level == depth {
			return found
		}
		var next [][]uint8
		for _, path := range frontier {
			for i, op := range ops {
				w := start()
				done, err := replay(w, ops, path, op)
				if !done && err == nil {
					w.Close()
					continue
				}
				found.Steps++
				if err == nil {
					k := key(w)
					if seen[k] {
						w.Close()
						continue
					}
					seen[k] = true
					found.States++
					err = w.Settle()
				}
				w.Close()
				longer := append(path[:len(path):len(path)], uint8(i))
				if err != nil {
					found.Err = err
					for _, step := range longer {
						found.Trace = append(found.Trace, ops[step])
					}
					return found
				}
				next = append(next, longer)
			}
		}
		frontier = next
	}
	found.Whole = true
	return found
}

// replay brings a fresh world to the end of a path and does one operation more.
func replay(w *World, ops []Op, path []uint8, op Op) (done bool, err error) {
	for _, step := range path {
		if done, err := w.Do(ops[step]); err != nil || !done {
			return true, fmt.Errorf("the world is not reproducible: %v: %w", ops[step], err)
		}
	}
	return w.Do(op)
}
