package sim

import (
	"fmt"
	"testing"
)

func TestAWorldIsScatteredTheSameForTheSameSeed(t *testing.T) {
	play := func(seed uint64) (text string) {
		_, err := Run(t.Context(), Config{Seed: seed}, func(w *World) error {
			var names []string
			for i := range 12 {
				names = append(names, fmt.Sprint("host", i))
				w.Host(names[i])
			}
			w.Scatter(Regions8(), names...)
			w.Mix(names...)
			n := w.Network()
			for _, name := range names {
				h := n.Host(w.IP(name))
				text += fmt.Sprint(n.regions.names[h.region-1], " ", h.up.rate, "\n")
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
		return text
	}
	first := play(1)
	if again := play(1); again != first {
		t.Error("the same seed places hosts in other ways")
	}
	if play(2) == first {
		t.Error("another seed places them in the same way")
	}
}
