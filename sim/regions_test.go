package sim

import (
	"testing"
	"time"
)

func TestTheWayBackMayTakeLonger(t *testing.T) {
	r := Regions8()
	there, ok := r.Latency("south_america", "south_africa")
	back, _ := r.Latency("south_africa", "south_america")
	if !ok || there != 195*ms || back != 190*ms {
		t.Errorf("%v there, %v back", there, back)
	}
	if _, ok := r.Latency("europe", "atlantis"); ok {
		t.Error("there is a way to nowhere")
	}
}

func TestHostsAreScatteredByTheSharesOfTheRegions(t *testing.T) {
	const n = 20_000
	r := Regions8()
	hosts, super := map[string]int64{}, int64(0)
	for i := range uint64(n) {
		hosts[r.Pick(mix(i))]++
		if PickNode(mix(i)) == Supernode() {
			super++
		}
	}
	total := int64(0)
	for _, s := range r.shares {
		total += int64(s)
	}
	for i, name := range r.Names() {
		if share := int64(r.shares[i]) * int64(certain) / total; deviates(hosts[name], n, share, 1) {
			t.Errorf("%d of %d are in %s, whose share is %d in a million", hosts[name], n, name, share)
		}
	}
	if deviates(super, n, 200_000, 1) {
		t.Errorf("%d of %d are supernodes", super, n)
	}
	even := NewRegions([]string{"here", "there"}, [][]time.Duration{{0, ms}, {2 * ms, 0}})
	if even.Pick(4) != "here" || even.Pick(5) != "there" {
		t.Error("regions without shares are not drawn evenly")
	}
}

func TestAHostInNoKnownRegionIsAnError(t *testing.T) {
	n := NewNetwork(t.Context(), 1, LinkConfig{})
	if err := n.Place(ip(1), "europe"); err == nil {
		t.Error("a region was found before there were any")
	}
	n.UseRegions(Regions8())
	if err := n.Place(ip(1), "atlantis"); err == nil {
		t.Error("a region was found that there is not")
	}
	if err := n.Place(ip(1), "europe"); err != nil {
		t.Error(err)
	}
}

func TestATableOfLatenciesFitsItsNames(t *testing.T) {
	for name, table := range map[string][][]time.Duration{
		"a row too few":     {{1, 2}},
		"a latency too few": {{1, 2}, {3}},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s is accepted", name)
				}
			}()
			NewRegions([]string{"a", "b"}, table)
		}()
	}
}
