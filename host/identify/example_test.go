package identify_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/identify"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// Two simulated hosts: one learns what the other supports, also when that
// changes.
func ExampleService_Wait() {
	start := func(h *host.Host) *identify.Service {
		ids, err := identify.Start(h.Self(), h.Swarm(), identify.Options{Agent: "example/1"})
		if err != nil {
			log.Fatal(err)
		}
		return ids
	}
	serve := func(*actor.Self, *stream.Stream) error { return nil }
	link := sim.LinkConfig{Latency: 20 * time.Millisecond}
	_, err := sim.Run(context.Background(), sim.Config{Link: link}, func(w *sim.World) error {
		a, b := w.Host("a", host.NoUsualServices()), w.Host("b", host.NoUsualServices())
		ids := start(a)
		start(b)
		if err := a.Connect(w.Self(), b.Info()); err != nil {
			return err
		}
		began := w.Self().Now()
		info, err := ids.Wait(w.Self(), b.ID())
		if err != nil {
			return err
		}
		fmt.Println(info.AgentVersion, info.Protocols, info.Addrs, "after", w.Self().Now().Sub(began))
		if err := b.Handle(b.Self(), "/chat/1", serve); err != nil {
			return err
		}
		if err := w.Sleep(time.Second); err != nil {
			return err
		}
		info, _ = ids.Known(b.ID())
		fmt.Println("later", info.Protocols)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// example/1 [/ipfs/id/1.0.0 /ipfs/id/push/1.0.0] [/ip4/10.0.0.2/tcp/4001] after 40ms
	// later [/chat/1 /ipfs/id/1.0.0 /ipfs/id/push/1.0.0]
}
