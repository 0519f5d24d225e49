package sim_test

import (
	"context"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/sim"
)

// Two hosts, 50 ms apart, ping in virtual time: the answer is exact, and it takes
// no real time to get it.
func ExampleRun() {
	config := sim.Config{Seed: 1, Link: sim.LinkConfig{Latency: 50 * time.Millisecond}}
	_, err := sim.Run(context.Background(), config, func(w *sim.World) error {
		alice, bob := w.Host("alice"), w.Host("bob")
		if err := alice.Connect(w.Self(), bob.Info()); err != nil {
			return err
		}
		rtt, err := ping.Ping(w.Self(), alice.Swarm(), bob.ID())
		fmt.Println("there and back in", rtt)
		return err
	})
	if err != nil {
		fmt.Println(err)
	}
	// Output: there and back in 100ms
}
