package sim

import (
	"net/netip"
)

// An Access is how a host is connected to the network: what all its links share.
// The zero value has no limits.
type Access struct {
	// Up and Down are in bytes per second, at most [MaxBandwidth]; 0 means no
	// limit.
	Up, Down int64
	// UpQueue and DownQueue are how many bytes may wait; 0 means what passes within
	// 100 ms, and at least 64 KiB. The bytes of connections wait for room in the
	// uplink and are always let into the downlink, where their windows bound them;
	// datagrams that find no room are lost.
	UpQueue, DownQueue int
}

// mbit is a megabit per second, in bytes.
const mbit = 1_000_000 / 8

// SetAccess changes how a host is connected from now on. When the bytes that are
// on their way arrive is settled as far as they have come.
func (n *Network) SetAccess(ip netip.Addr, a Access) {
	t := n.Host(ip)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	t.up.change(now, a.Up, a.UpQueue)
	t.down.change(now, a.Down, a.DownQueue)
}
