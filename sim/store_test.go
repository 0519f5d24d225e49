package sim

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// TestHostsThatRememberRepeatThemselves: a store in memory leaves a simulation
// what it is.
func TestHostsThatRememberRepeatThemselves(t *testing.T) {
	run := func(seed uint64) Result {
		result, err := Run(context.Background(), Config{Seed: seed, Link: LinkConfig{Latency: 10 * time.Millisecond}}, func(w *World) error {
			store := &swarm.MemoryStore{}
			bob, carol := w.Host("bob"), w.Host("carol")
			alice := w.Host("alice", host.Remember(store))
			for _, h := range []*host.Host{bob, carol} {
				if err := alice.Connect(w.Self(), h.Info()); err != nil {
					return err
				}
			}
			if err := w.Sleep(time.Hour); err != nil {
				return err
			}
			if err := alice.Close(); err != nil {
				return err
			}
			again := w.Host("alice again", host.Remember(store))
			for _, h := range []*host.Host{bob, carol} {
				if err := again.Connect(w.Self(), peer.Info{ID: h.ID()}); err != nil {
					return err
				}
			}
			if kept := len(store.Peers()); kept != 2 {
				return fmt.Errorf("%d peers are kept", kept)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return result
	}
	first := run(1)
	if again := run(1); again != first {
		t.Errorf("%v, and then %v", first, again)
	}
	if run(2).Hash == first.Hash {
		t.Error("another seed gives the same run")
	}
}
