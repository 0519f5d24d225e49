package ping_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/sim"
)

// Two hosts over loopback TCP; the one that is pinged serves nothing else.
func ExamplePing() {
	ctx := context.Background()
	listener, err := host.New(ctx, host.Listen("/ip4/127.0.0.1/tcp/0"), host.NoUsualServices())
	if err != nil {
		log.Fatal(err)
	}
	defer listener.Close()
	if err := ping.Start(listener.Self(), listener.Swarm()); err != nil {
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
	rtt, err := ping.Ping(ctx, dialer.Swarm(), listener.ID())
	fmt.Println("answered within a minute:", rtt < time.Minute, err)
	// Output: answered within a minute: true <nil>
}

// In a simulation the times are those of the simulated links: here 20 ms there
// and 20 ms back.
func ExampleAll() {
	_, err := sim.Run(context.Background(), sim.Config{Link: sim.LinkConfig{Latency: 20 * time.Millisecond}}, func(w *sim.World) error {
		a, b := w.Host("a"), w.Host("b", host.NoUsualServices())
		if err := ping.Start(b.Self(), b.Swarm()); err != nil {
			return err
		}
		if err := a.Connect(w.Self(), b.Info()); err != nil {
			return err
		}
		n := 0
		for rtt, err := range ping.All(w.Self(), a.Swarm(), b.ID(), time.Second) {
			if n++; err != nil || n > 3 {
				return err
			}
			fmt.Println(rtt)
		}
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output:
	// 40ms
	// 40ms
	// 40ms
}
