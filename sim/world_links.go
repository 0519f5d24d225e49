package sim

import "fmt"

// Network is what the hosts share: its faults, its counters, its datagrams.
func (w *World) Network() *Network { return w.network }

// Access changes how a host is connected to the network.
func (w *World) Access(name string, a Access) { w.network.SetAccess(w.IP(name), a) }

// Scatter puts hosts into regions, drawn from the seed and the host's address by
// the shares of the regions, and has the links between them take as long as that
// says, but for those that were set apart.
func (w *World) Scatter(r *Regions, names ...string) {
	w.network.UseRegions(r)
	for _, name := range names {
		ip := w.IP(name)
		if err := w.network.Place(ip, r.Pick(w.network.draw("region", ip))); err != nil {
			panic(fmt.Errorf("sim: scatter %q: %w", name, err))
		}
	}
}

// Mix gives hosts the access of a [Supernode] or a [Fullnode], 20 to 80, drawn
// from the seed and the host's address.
func (w *World) Mix(names ...string) {
	for _, name := range names {
		w.Access(name, PickNode(w.network.draw("node", w.IP(name))))
	}
}
