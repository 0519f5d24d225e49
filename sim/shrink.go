package sim

import (
	"slices"
	"time"
)

// ddmin returns a part of items for which fails is still true, in which no item
// can be left out: without any one of them fails is false (Zeller, Hildebrandt,
// Simplifying and Isolating Failure-Inducing Input, 2002). fails must be true for
// all items and is not asked about them; it must give the same answer to the
// same question. After most questions it gives up and returns what it has; then
// some items may be needless.
func ddmin[T any](items []T, most int, fails func([]T) bool) (least []T, asked int) {
	ask := func(part []T) bool {
		asked++
		return fails(part)
	}
	for parts := 2; len(items) > 1 && asked < most; {
		parts = min(parts, len(items))
		smaller, alone := reduce(items, parts, func(part []T) bool { return asked < most && ask(part) })
		switch {
		case alone:
			items, parts = smaller, 2
		case smaller != nil:
			items, parts = smaller, max(parts-1, 2)
		case parts == len(items):
			return items, asked
		default:
			parts *= 2
		}
	}
	if len(items) == 1 && asked < most && ask(nil) {
		return nil, asked
	}
	return items, asked
}

// reduce cuts items into parts and returns the first part that fails alone, or
// else the first rest that fails without one of the parts, or nil.
func reduce[T any](items []T, parts int, fails func([]T) bool) (smaller []T, alone bool) {
	cut := func(i int) int { return i * len(items) / parts }
	for i := range parts {
		if part := items[cut(i):cut(i+1)]; fails(part) {
			return part, true
		}
	}
	for i := range parts {
		if parts == 2 {
			break // the rest without one half is the other half
		}
		rest := slices.Concat(items[:cut(i)], items[cut(i+1):])
		if fails(rest) {
			return rest, false
		}
	}
	return nil, false
}

// shrinkRuns is how many runs shrinking may take.
const shrinkRuns = 300

// shrink returns a plan with as few of the faults as possible that fails with the
// same signature, and how many runs that took; nil when not even all of them do.
// After the faults, their durations are halved as long as that is all the same.
func shrink(seed uint64, failure *Failure, faults []Fault, run func(*Plan) *Failure) (least *Plan, runs int) {
	want := failure.Signature()
	fails := func(part []Fault) bool {
		runs++
		got := run(&Plan{Seed: seed, Failure: want, Faults: part})
		return got != nil && got.Signature() == want
	}
	if !fails(faults) {
		return nil, runs
	}
	faults, _ = ddmin(faults, shrinkRuns, fails)
	faults = slices.Clone(faults)
	for i := range faults {
		for range 3 {
			whole := faults[i].Lasts
			if faults[i].Lasts = (whole / 2).Round(time.Millisecond); whole < 10*time.Millisecond || !fails(faults) {
				faults[i].Lasts = whole
				break
			}
		}
	}
	return &Plan{Seed: seed, Failure: want, Faults: faults}, runs
}
