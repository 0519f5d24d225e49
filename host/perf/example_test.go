package perf_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/perf"
	"github.com/troupe-p2p/troupe/sim"
)

// servePerf is the service as host.Run wants it.
func servePerf(self *actor.Self, h *host.Host) error {
	return perf.Run(self, h.Swarm(), perf.Options{MaxDownload: 1 << 30})
}

// A host serves perf only when it is told to. Here one uploads 1 MiB to it and
// downloads 2 MiB, over loopback TCP.
func ExampleMeasure() {
	ctx := context.Background()
	listener, err := host.New(ctx, host.Listen("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	if err := perf.Start(listener.Self(), listener.Swarm(), perf.Options{}); err != nil {
		log.Fatal(err)
	}
	dialer, err := host.New(ctx, host.NoListen())
	if err != nil {
		log.Fatal(err)
	}
	defer dialer.Close()
	if err := dialer.Connect(ctx, listener.Info()); err != nil {
		log.Fatal(err)
	}
	result, err := perf.Measure(ctx, dialer.Swarm(), listener.ID(), 1<<20, 2<<20, func(p perf.Progress) {
		log.Printf("%v: %d bytes up, %d down", p.Took, p.Uploaded, p.Downloaded)
	})
	fmt.Println(result.Uploaded, "up,", result.Downloaded, "down,", err)
	// Output: 1048576 up, 2097152 down, <nil>
}

// In a simulation the times are virtual: over a link of a million bytes a second
// and 50 ms, three million bytes take three seconds and a little, and no real time.
func ExampleMeasure_simulated() {
	link := sim.LinkConfig{Latency: 50 * time.Millisecond, Bandwidth: 1e6}
	_, err := sim.Run(context.Background(), sim.Config{Link: link}, func(w *sim.World) error {
		a, b := w.Host("a"), w.Host("b", host.Run("perf", servePerf))
		if err := a.Connect(w.Self(), b.Info()); err != nil {
			return err
		}
		result, err := perf.Measure(w.Self(), a.Swarm(), b.ID(), 0, 3e6, func(p perf.Progress) {
			fmt.Println("after another", p.Took)
		})
		fmt.Println(result.Streaming().Round(200 * time.Millisecond))
		return err
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// after another 1s
	// after another 1s
	// after another 1s
	// 3.2s
}
