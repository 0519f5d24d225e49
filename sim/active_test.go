package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// Faults begin and end in any order: what lasts is the same as if only those that
// last had ever been, and nothing lasts when all have ended.
func TestTheEndOfOneFaultLeavesWhatTheOthersDo(t *testing.T) {
	chance := rand.New(rand.NewPCG(7, 8))
	hosts := names(4)
	for seed := range uint64(300) {
		all := Chaos{Faults: 8, Kinds: Kinds()}.Draw(seed, hosts)
		var lasting []*Fault
		for range 40 {
			if i := chance.IntN(len(all)); slices.Contains(lasting, &all[i]) {
				lasting = slices.DeleteFunc(lasting, func(f *Fault) bool { return f == &all[i] })
			} else {
				lasting = append(lasting, &all[i])
			}
			other := slices.Clone(lasting)
			chance.Shuffle(len(other), func(i, j int) { other[i], other[j] = other[j], other[i] })
			for _, a := range hosts {
				if siteUnder(lasting, a) != siteUnder(other, a) {
					t.Fatalf("the order matters to %s: %v", a, all)
				}
			}
		}
	}
	if (siteUnder(nil, "a") != siteState{}) {
		t.Error("something is wrong with nothing wrong")
	}
}

func TestFaultsOfALinkAddUpInAnyOrder(t *testing.T) {
	a := Fault{By: time.Second, Rate: 100, Loss: 5}
	b := Fault{By: time.Millisecond, Jitter: time.Second, Rate: 50, Flip: 7}
	base := LinkConfig{Latency: time.Hour, Bandwidth: 70, Loss: 6}
	x, y := base, base
	a.degrade(&x)
	b.degrade(&x)
	b.degrade(&y)
	a.degrade(&y)
	want := LinkConfig{Latency: time.Hour + time.Second + time.Millisecond, Jitter: time.Second, Bandwidth: 50, Loss: 6, Flip: 7}
	if x != want || y != want {
		t.Errorf("%+v, and the other way round %+v", x, y)
	}
}
