package sim

import "time"

// Regions8 are the eight regions of the gossipsub-interop experiments of libp2p,
// with their latencies one way and with as many hosts in each as there
// (libp2p/test-plans, gossipsub-interop/network_graph.py, as of July 2026;
// dual-licensed MIT and Apache 2.0). Figures of Troupe can so be compared with
// those of other implementations under Shadow.
func Regions8() *Regions {
	r := NewRegions(
		[]string{"australia", "east_asia", "europe", "na_west", "na_east", "south_america", "south_africa", "west_asia"},
		milliseconds([][]int{
			{2, 110, 165, 110, 150, 190, 220, 180},
			{110, 4, 125, 100, 140, 175, 175, 110},
			{165, 125, 2, 110, 70, 140, 95, 60},
			{110, 100, 110, 2, 60, 100, 160, 150},
			{150, 140, 70, 60, 2, 100, 130, 110},
			{190, 175, 140, 100, 100, 7, 195, 145},
			{220, 175, 95, 160, 130, 190, 7, 110},
			{180, 110, 60, 150, 110, 145, 110, 5},
		}))
	r.shares = []int{290, 1059, 5599, 1240, 2894, 36, 47, 161}
	return r
}

func milliseconds(table [][]int) [][]time.Duration {
	all := make([][]time.Duration, len(table))
	for i, row := range table {
		for _, n := range row {
			all[i] = append(all[i], time.Duration(n)*time.Millisecond)
		}
	}
	return all
}

// Supernode and Fullnode are the two kinds of hosts of the same experiments: 20 in
// 100 have 1024 Mbit/s in both directions, 80 have 50.
func Supernode() Access { return Access{Up: 1024 * mbit, Down: 1024 * mbit} }

// Fullnode is the smaller of the two kinds of hosts: see [Supernode].
func Fullnode() Access { return Access{Up: 50 * mbit, Down: 50 * mbit} }

// PickNode draws one of the two with a random number.
func PickNode(random uint64) Access {
	return []Access{Supernode(), Fullnode()}[pick(random, []int{20, 80})]
}

// Datacentre is 10 Gbit/s in both directions. This figure and those of [Cable] and
// [Mobile] are our own round ones, for tests that want very different hosts; they
// are no measurement of anything.
func Datacentre() Access { return Access{Up: 10_000 * mbit, Down: 10_000 * mbit} }

// Cable is 20 Mbit/s up and 200 down.
func Cable() Access { return Access{Up: 20 * mbit, Down: 200 * mbit} }

// Mobile is 5 Mbit/s up and 30 down, with deep queues: a second of the uplink.
func Mobile() Access { return Access{Up: 5 * mbit, Down: 30 * mbit, UpQueue: 5 * mbit} }
