package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"
)

// Regions are places, and how long it takes from one to another: one entry for
// each ordered pair, the way back may take longer.
type Regions struct {
	names  []string
	shares []int
	ways   []time.Duration // from, to
}

// NewRegions makes regions of their names and the latencies between them: that
// from names[i] to names[j] is latencies[i][j]. It panics when the table does not
// fit the names: a table is written in a program.
func NewRegions(names []string, latencies [][]time.Duration) *Regions {
	r := &Regions{names: slices.Clone(names)}
	if len(latencies) != len(names) {
		panic(fmt.Errorf("sim: %d regions with %d rows of latencies", len(names), len(latencies)))
	}
	for i, row := range latencies {
		if len(row) != len(names) {
			panic(fmt.Errorf("sim: the row of region %s has %d latencies, not %d", names[i], len(row), len(names)))
		}
		r.ways = append(r.ways, row...)
	}
	return r
}

// Names are the names of the regions.
func (r *Regions) Names() []string { return slices.Clone(r.names) }

// Latency is how long it takes from one region to another; ok is false when there
// is no such region.
func (r *Regions) Latency(from, to string) (d time.Duration, ok bool) {
	return r.latency(r.number(from), r.number(to))
}

// number is that of a region, from 1; 0: there is none.
func (r *Regions) number(name string) int { return slices.Index(r.names, name) + 1 }

func (r *Regions) latency(from, to int) (d time.Duration, ok bool) {
	if from == 0 || to == 0 {
		return 0, false
	}
	return r.ways[(from-1)*len(r.names)+to-1], true
}

// least is the shortest way between two of them, or within one.
func (r *Regions) least() time.Duration {
	if len(r.ways) == 0 {
		return 0
	}
	return slices.Min(r.ways)
}

// Pick returns the region of a host that is drawn with a random number, as many
// of them in each region as its share says; evenly when there are no shares.
func (r *Regions) Pick(random uint64) string {
	if r.shares == nil {
		return r.names[random%uint64(len(r.names))]
	}
	return r.names[pick(random, r.shares)]
}

// pick draws a place of a list of shares.
func pick(random uint64, shares []int) int {
	all := 0
	for _, s := range shares {
		all += s
	}
	at := int(random % uint64(all))
	for i, s := range shares {
		if at -= s; at < 0 {
			return i
		}
	}
	return len(shares) - 1
}

// UseRegions sets the latency of all links between hosts that have a place, but
// for those that SetLink has changed.
func (n *Network) UseRegions(r *Regions) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.regions = r
	for _, h := range n.hosts {
		h.region = 0
	}
	n.changed()
}

// Place puts a host into a region of those in use, and returns an error when there
// is none of that name.
func (n *Network) Place(ip netip.Addr, region string) error {
	t := n.Host(ip)
	n.mu.Lock()
	defer n.mu.Unlock()
	number := 0
	if n.regions != nil {
		number = n.regions.number(region)
	}
	if number == 0 {
		return fmt.Errorf("sim: no region in use is named %q", region)
	}
	t.region = number
	n.version.Add(1)
	return nil
}
