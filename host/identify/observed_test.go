package identify

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

var listening = ma.StringCast("/ip4/192.168.1.5/tcp/4001")

// sees makes a sighting by the peer with the number n, from its own network.
func sees(n int, addr string, at time.Duration) sighting {
	return seesFrom(n, fmt.Sprintf("network %d", n), addr, at)
}

func seesFrom(n int, network, addr string, at time.Duration) sighting {
	return sighting{
		observer: peer.ID(fmt.Sprint(n)), network: network, local: listening, addr: ma.StringCast(addr),
		at: time.Unix(0, 0).Add(at),
	}
}

func claims(m *observedMachine, at time.Duration) []string {
	var out []string
	for _, o := range m.list(time.Unix(0, 0).Add(at)) {
		out = append(out, fmt.Sprintf("%s: %d peers in %d networks, last after %v", o.Addr, o.Peers, o.Networks, o.Last.Sub(time.Unix(0, 0))))
	}
	return out
}

func TestObservationsAreCountedByPeersAndNetworks(t *testing.T) {
	var m observedMachine
	for n := range 3 {
		m.saw(sees(n, "/ip4/8.8.8.8/tcp/4001", time.Second))
	}
	for n := range 20 {
		m.saw(seesFrom(100+n, "one network", "/ip4/6.6.6.6/tcp/4001", 2*time.Second))
	}
	m.saw(sees(1, "/ip4/8.8.8.8/tcp/4001", 3*time.Second)) // again: it counts once
	want := []string{
		"/ip4/8.8.8.8/tcp/4001: 3 peers in 3 networks, last after 3s",
		"/ip4/6.6.6.6/tcp/4001: 20 peers in 1 networks, last after 2s",
	}
	if diff := cmp.Diff(want, claims(&m, 4*time.Second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// A peer that changes its mind has one opinion.
	m.saw(sees(2, "/ip4/6.6.6.6/tcp/4001", 5*time.Second))
	want = []string{
		"/ip4/6.6.6.6/tcp/4001: 21 peers in 2 networks, last after 5s",
		"/ip4/8.8.8.8/tcp/4001: 2 peers in 2 networks, last after 3s",
	}
	if diff := cmp.Diff(want, claims(&m, 6*time.Second)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := claims(&m, time.Hour); got != nil {
		t.Errorf("after an hour: %v", got)
	}
}

func TestANetworkFullOfPeersCannotPushOutTheOthers(t *testing.T) {
	var m observedMachine
	for n := range 5 {
		m.saw(sees(n, "/ip4/8.8.8.8/tcp/4001", 0))
	}
	for n := range 10_000 {
		m.saw(seesFrom(100+n, "one network", fmt.Sprintf("/ip4/6.6.%d.%d/tcp/4001", n/250, n%250), time.Second))
	}
	if len(m.sightings) != maxSightings {
		t.Errorf("%d are kept", len(m.sightings))
	}
	if got := claims(&m, time.Second)[0]; got != "/ip4/8.8.8.8/tcp/4001: 5 peers in 5 networks, last after 0s" {
		t.Error(got)
	}
}

func TestAnObservedAddressMustBeOneOfThisHost(t *testing.T) {
	relay := "/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA/p2p-circuit"
	for _, c := range []struct {
		observed, local, remote string
		want                    bool
	}{
		{"/ip4/8.8.8.8/tcp/1", "/ip4/192.168.1.5/tcp/4001", "/ip4/1.2.3.4/tcp/9", true},
		{"/ip4/192.168.1.5/tcp/4001", "/ip4/192.168.1.5/tcp/4001", "/ip4/192.168.1.9/tcp/9", true},
		{"/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/9", true},
		{"/memory/1", "/memory/1", "/memory/99", true},
		{"/ip4/8.8.8.8/udp/1/quic-v1", "/ip4/192.168.1.5/tcp/4001", "/ip4/1.2.3.4/tcp/9", false},
		{"/ip6/2600::1/tcp/1", "/ip4/192.168.1.5/tcp/4001", "/ip4/1.2.3.4/tcp/9", false},
		{"/ip4/127.0.0.1/tcp/1", "/ip4/192.168.1.5/tcp/4001", "/ip4/1.2.3.4/tcp/9", false},
		{"/ip4/10.0.0.1/tcp/1", "/ip4/192.168.1.5/tcp/4001", "/ip4/1.2.3.4/tcp/9", false},
		{"/ip4/0.0.0.0/tcp/1", "/ip4/192.168.1.5/tcp/4001", "/ip4/1.2.3.4/tcp/9", false},
		{"/ip4/8.8.8.8/tcp/1" + relay, "/ip4/192.168.1.5/tcp/1" + relay, "/ip4/1.2.3.4/tcp/9", false},
	} {
		if got := plausible(ma.StringCast(c.observed), ma.StringCast(c.local), ma.StringCast(c.remote)); got != c.want {
			t.Errorf("%s for %s seen from %s: %v", c.observed, c.local, c.remote, got)
		}
	}
	if plausible(nil, listening, far) {
		t.Error("no address is plausible")
	}
}

func TestANetworkIsWhatOneOwnerHas(t *testing.T) {
	for text, want := range map[string]string{
		"/ip4/1.2.3.4/tcp/1": "1.2.3.0/24", "/ip6/2600:1:2:3::4/tcp/1": "2600:1:2::/48", "/ip6/::ffff:1.2.3.4/tcp/1": "1.2.3.0/24",
		"/ip6zone/eth0/ip6/fe80::1/tcp/1": "fe80::/48", "/memory/1": "", "/dns/example.com/tcp/1": "",
	} {
		if got := networkOf(ma.StringCast(text)); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}
