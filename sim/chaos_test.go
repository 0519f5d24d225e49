package sim

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func names(n int) (all []string) {
	for i := range n {
		all = append(all, fmt.Sprint("h", i))
	}
	return all
}

func TestAFaultIsDrawnAloneWhateverElseIsDrawn(t *testing.T) {
	for seed := range uint64(200) {
		many := Chaos{Faults: 40, From: time.Second, Until: 30 * time.Second}.Draw(seed, names(50))
		few := Chaos{Faults: 10, From: time.Second, Until: 30 * time.Second}.Draw(seed, names(50))
		if len(many) != 40 || len(few) != 10 {
			t.Fatalf("seed %d: %d and %d faults", seed, len(many), len(few))
		}
		if diff := cmp.Diff(many[:10], few); diff != "" {
			t.Fatalf("seed %d: the first ten depend on the others: %s", seed, diff)
		}
	}
}

func TestSeedsDrawAllKindsInDifferentSubsetsWithinTheirTime(t *testing.T) {
	seen := map[Kind]int{}
	subsets := map[string]bool{}
	for seed := range uint64(300) {
		c := Chaos{Faults: 30, From: 2 * time.Second, Until: 9 * time.Second, Longest: 3 * time.Second, Kinds: Kinds()}
		here := map[Kind]bool{}
		for _, f := range c.Draw(seed, names(7)) {
			if err := f.check(); err != nil {
				t.Fatal(err)
			}
			if f.At < c.From || f.At+f.Lasts > c.Until || f.Lasts > c.Longest || (f.Lasts == 0) != (f.Kind == KindReset) {
				t.Fatalf("seed %d: %v", seed, f)
			}
			seen[f.Kind]++
			here[f.Kind] = true
		}
		subset := ""
		for _, k := range Kinds() {
			if here[k] {
				subset += string(k) + " "
			}
		}
		subsets[subset] = true
	}
	for _, k := range Kinds() {
		if seen[k] < 100 {
			t.Errorf("%v was drawn %d times", k, seen[k])
		}
	}
	if len(subsets) < 200 {
		t.Errorf("300 seeds drew %d different subsets of kinds", len(subsets))
	}
}

func TestAPartitionThatIsDrawnHasEverybodyOnOneSide(t *testing.T) {
	for seed := range uint64(100) {
		for _, f := range (Chaos{Kinds: []Kind{KindPartition}}).Draw(seed, names(9)) {
			all := f.names()
			slices.Sort(all)
			if !slices.Equal(all, names(9)) || len(f.Sides) < 2 {
				t.Fatalf("%v", f)
			}
		}
	}
}

func TestOneHostAloneGetsTheFaultsThatOneHostCanHave(t *testing.T) {
	for seed := range uint64(50) {
		for _, f := range (Chaos{}).Draw(seed, []string{"alone"}) {
			if len(f.Sides) > 0 {
				t.Fatalf("%v", f)
			}
		}
	}
}
