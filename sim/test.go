package sim

import (
	"context"
	"flag"
	"os"
	"testing"
	"time"
)

// The flags of a test binary that uses [Test].
var (
	flagSeed  = flag.Uint64("sim.seed", 1, "the seed of simulated tests")
	flagSeeds = flag.Uint64("sim.seeds", 1, "how many seeds to run, from -sim.seed on")
	flagTrace = flag.String("sim.trace", "", "write the trace of the last run to this file")
)

// usualLink is how the links of a test are where the scenario says nothing else.
var usualLink = LinkConfig{Latency: 20 * time.Millisecond}

// Test plays a scenario as a test, over links with 20 ms of latency: once with
// the seed 1, or as the flags -sim.seed and -sim.seeds say. A run that fails
// names its seed, and the same seed fails again in the same way. The scenario
// reports with t, as every test does.
//
//	go test -run TestMine -sim.seed=18 -sim.trace=trace.txt
func Test(t *testing.T, scenario func(w *World)) {
	t.Helper()
	for seed := *flagSeed; seed < *flagSeed+*flagSeeds && !t.Failed(); seed++ {
		testOne(t, seed, scenario)
	}
}

func testOne(t *testing.T, seed uint64, scenario func(w *World)) {
	t.Helper()
	c := Config{Seed: seed, Link: usualLink}
	if *flagTrace != "" {
		file, err := os.Create(*flagTrace)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		c.Trace = file
	}
	defer func() { // also when the scenario ended the test
		if t.Failed() {
			t.Logf("replay: go test -run '^%s$' -sim.seed=%d", t.Name(), seed)
		}
	}()
	result, err := Run(context.Background(), c, func(w *World) error {
		scenario(w)
		return nil
	})
	if err != nil {
		t.Errorf("%v: %v", result, err)
	}
}
