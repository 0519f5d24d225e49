package identify

import (
	"slices"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The limits on observed addresses.
const (
	// maxSightings is how many are kept. The oldest one of the network that has
	// the most makes room: one network cannot push out all others.
	maxSightings = 512
	// sightingTTL is how long one is kept.
	sightingTTL = 30 * time.Minute
)

// An Observation is an address at which others have seen this host. It is a
// claim, not a fact: how much it is worth depends on how many say so, and from
// how many networks (libp2p specs, issue 428; go-libp2p believes four, see
// p2p/host/observedaddrs/manager.go).
type Observation struct {
	Addr  ma.Multiaddr // where others see this host
	Local ma.Multiaddr // where it was listening at that moment
	// Peers is how many peers say so, and Networks from how many /24 of IPv4 or
	// /48 of IPv6 they do.
	Peers, Networks int
	Last            time.Time // when one of them said so last
}

// sighting is what one peer says of one local address.
type sighting struct {
	observer    peer.ID
	network     string // of the observer
	local, addr ma.Multiaddr
	at          time.Time
}

// observedMachine keeps where others see this host. A peer has one sighting for
// each local address, its last.
type observedMachine struct{ sightings []sighting } // the oldest first

// saw adds a sighting.
func (m *observedMachine) saw(s sighting) {
	m.expire(s.at)
	m.sightings = slices.DeleteFunc(m.sightings, func(o sighting) bool {
		return o.observer == s.observer && o.local.Equal(s.local)
	})
	if len(m.sightings) == maxSightings {
		m.makeRoom()
	}
	m.sightings = append(m.sightings, s)
}

func (m *observedMachine) expire(now time.Time) {
	m.sightings = slices.DeleteFunc(m.sightings, func(o sighting) bool { return now.Sub(o.at) >= sightingTTL })
}

func (m *observedMachine) makeRoom() {
	count := make(map[string]int)
	most := 0
	for _, o := range m.sightings {
		count[o.network]++
		most = max(most, count[o.network])
	}
	i := slices.IndexFunc(m.sightings, func(o sighting) bool { return count[o.network] == most })
	m.sightings = slices.Delete(m.sightings, i, i+1)
}

// list returns what is claimed, what the most networks say first.
func (m *observedMachine) list(now time.Time) []Observation {
	m.expire(now)
	var out []Observation
	var networks [][]string
	for _, s := range m.sightings {
		i := slices.IndexFunc(out, func(o Observation) bool { return o.Addr.Equal(s.addr) && o.Local.Equal(s.local) })
		if i < 0 {
			i = len(out)
			out = append(out, Observation{Addr: s.addr, Local: s.local})
			networks = append(networks, nil)
		}
		o := &out[i]
		o.Peers++ // a peer has one sighting of a local address
		o.Last = s.at
		if !slices.Contains(networks[i], s.network) {
			networks[i] = append(networks[i], s.network)
			o.Networks++
		}
	}
	slices.SortStableFunc(out, func(a, b Observation) int {
		if a.Networks != b.Networks {
			return b.Networks - a.Networks
		}
		return b.Peers - a.Peers
	})
	return out
}
