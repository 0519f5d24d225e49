package sim_test

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"testing"
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

// An ordinary server and an ordinary client, in a test, over a link that is slow
// and stops for a while: no line of them knows.
func ExampleBubble() {
	var t *testing.T // of func TestMine(t *testing.T)
	sim.Bubble(t, 1, func(n *sim.Net) {
		l, err := n.Host("server").Listen("tcp", ":80")
		if err != nil {
			n.T().Fatal(err)
		}
		server := http.Server{Handler: http.FileServer(http.Dir("testdata"))}
		go server.Serve(l)
		defer server.Close()

		n.Link("client", "server", sim.LinkConfig{Latency: 80 * time.Millisecond, Bandwidth: 100_000})
		heal := n.Network().Cut([]netip.Addr{n.Host("client").IP()}, []netip.Addr{n.Host("server").IP()})
		time.AfterFunc(5*time.Second, heal)

		transport := &http.Transport{DialContext: n.Host("client").Dial}
		defer transport.CloseIdleConnections()
		answer, err := (&http.Client{Transport: transport}).Get("http://server/")
		if err != nil {
			n.T().Fatal(err)
		}
		answer.Body.Close()
	})
}
