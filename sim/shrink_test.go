package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// contains reports whether all of the wanted are in the list.
func contains(list, want []int) bool {
	return !slices.ContainsFunc(want, func(w int) bool { return !slices.Contains(list, w) })
}

func numbers(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestShrinkingFindsExactlyTheFaultsThatMatterWhereverTheyAre(t *testing.T) {
	chance := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := chance.IntN(60)
		want := chance.Perm(n)[:chance.IntN(min(n, 5)+1)]
		slices.Sort(want)
		got, asked := ddmin(numbers(n), 1<<20, func(part []int) bool { return contains(part, want) })
		if !slices.Equal(got, want) {
			t.Fatalf("of %d, %v is left instead of %v", n, got, want)
		}
		if most := 8 * (len(want) + 1) * (n + 8); asked > most {
			t.Fatalf("%d questions for %d of %d", asked, len(want), n)
		}
	}
}

// A failure that two different sets of faults cause shrinks to one of them: no
// fault of what is left can be missed, and the order is kept.
func TestNoFaultThatIsLeftCanBeLeftOut(t *testing.T) {
	chance := rand.New(rand.NewPCG(3, 4))
	for range 2000 {
		n := 1 + chance.IntN(40)
		causes := make([][]int, 1+chance.IntN(3))
		for i := range causes {
			causes[i] = chance.Perm(n)[:1+chance.IntN(min(n, 4))]
		}
		fails := func(part []int) bool {
			return slices.ContainsFunc(causes, func(cause []int) bool { return contains(part, cause) })
		}
		got, _ := ddmin(numbers(n), 1<<20, fails)
		if !fails(got) || !slices.IsSorted(got) {
			t.Fatalf("%v does not fail for %v", got, causes)
		}
		for i := range got {
			if fails(slices.Delete(slices.Clone(got), i, i+1)) {
				t.Fatalf("%v fails without %d too", got, got[i])
			}
		}
	}
}

// Whatever the answers are, shrinking comes to an end, at its limit at the latest.
func TestShrinkingEndsAlsoWhenTheAnswersMakeNoSense(t *testing.T) {
	chance := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		n, most := chance.IntN(50), chance.IntN(100)
		got, asked := ddmin(numbers(n), most, func([]int) bool { return chance.IntN(3) == 0 })
		if asked > most || len(got) > n {
			t.Fatalf("%d questions of at most %d, %d left of %d", asked, most, len(got), n)
		}
	}
}

func TestWhatFailsWithoutAnyFaultShrinksToNone(t *testing.T) {
	got, _ := ddmin(numbers(40), 100, func([]int) bool { return true })
	if len(got) != 0 {
		t.Errorf("%v is left", got)
	}
}
