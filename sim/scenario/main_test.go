package scenario

import (
	"context"
	"flag"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/sim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var flagSeeds = flag.Uint64("scenario.seeds", 2, "with how many seeds the runs on 1, 2 and 4 threads are compared")

// A scenario is a world that a test plays.
type scenario struct {
	name string
	play func(w *sim.World)
}

// scenarios are all of them.
func scenarios() (all []scenario) {
	for _, m := range muxers() {
		all = append(all, transfers(m)...)
		all = append(all,
			scenario{m.name + "/a slow reader", func(w *sim.World) { slowReader(w, m) }},
			scenario{m.name + "/50 busy streams and the dialer closes", func(w *sim.World) { closesWhileBusy(w, m, "alice") }},
			scenario{m.name + "/50 busy streams and the listener closes", func(w *sim.World) { closesWhileBusy(w, m, "bob") }},
			scenario{m.name + "/the dialer closes and nothing gets through", func(w *sim.World) { closesWhileNobodyListens(w, m) }},
			scenario{m.name + "/a peer that never reads", func(w *sim.World) { neverReads(w, m) }},
			scenario{m.name + "/a peer that never writes", func(w *sim.World) { neverWrites(w, m) }},
			scenario{m.name + "/a peer that resets everything", func(w *sim.World) { resetsEverything(w, m) }},
			scenario{m.name + "/every limit is 1", func(w *sim.World) { everyLimitIsOne(w, m) }},
			scenario{m.name + "/more streams than there may be", func(w *sim.World) { tooManyStreams(w, m) }},
			scenario{m.name + "/one stream after the other", func(w *sim.World) { streamAfterStream(w, m) }},
			scenario{m.name + "/both ways at once", func(w *sim.World) { bothWays(w, m) }},
			scenario{m.name + "/a dialer that never closes", func(w *sim.World) { neverCloses(w, m) }},
			scenario{m.name + "/resets in the middle of frames", func(w *sim.World) { resetsInTheMiddle(w, m) }},
		)
	}
	return append(all,
		scenario{"a mesh of 100 hosts with churn", meshWithChurn},
		scenario{"listeners that start again", listenersStartAgain},
		scenario{"one large transfer after the other, yamux", func(w *sim.World) { largeAfterLarge(w, muxers()[0]) }},
		scenario{"one large transfer after the other, mplex", func(w *sim.World) { largeAfterLarge(w, muxers()[1]) }},
		scenario{"dials that lead nowhere", deadEnds},
		scenario{"one connection with a peer", onePerPeer},
		scenario{"everybody dials everybody at once", simultaneousDials},
	)
}

func TestEachScenarioComesToAGoodEnd(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			before, crashes := buf.Live(), false
			sim.Test(t, func(w *sim.World) {
				s.play(w)
				crashes = slices.ContainsFunc(w.Faults(), func(f sim.Fault) bool { return f.Kind == sim.KindCrash || f.Kind == sim.KindPowerOff })
			})
			// A crash takes a process's memory with it: nobody gives it back.
			if left := buf.Live() - before; left != 0 && !crashes && !t.Failed() {
				t.Errorf("%d buffers were not given back", left)
			}
		})
	}
}

func TestEachScenarioIsTheSameRunOnAnyNumberOfThreads(t *testing.T) {
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			for seed := uint64(1); seed <= *flagSeeds; seed++ {
				first := onThreads(t, s, seed, 1)
				for _, shards := range []int{2, 4} {
					if r := onThreads(t, s, seed, shards); r != first {
						t.Errorf("%v on one thread, %v on %d", first, r, shards)
					}
				}
			}
		})
	}
}

// onThreads plays a scenario as [sim.Test] does.
func onThreads(t *testing.T, s scenario, seed uint64, shards int) sim.Result {
	t.Helper()
	c := sim.Config{Seed: seed, Shards: shards, Link: sim.LinkConfig{Latency: 20 * time.Millisecond}, Horizon: 30 * 24 * time.Hour}
	r, err := sim.Run(context.Background(), c, func(w *sim.World) error {
		s.play(w)
		return nil
	})
	if err != nil {
		t.Errorf("%v, on %d threads: %v", r, shards, err)
	}
	return r
}
