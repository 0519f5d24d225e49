package sim

import (
	"net/netip"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// A Pace is what a host's access is from a time on, counted from the call of
// [Network.Schedule].
type Pace struct {
	After  time.Duration
	Access Access
}

// Schedule changes the access of a host at set times, as [Network.SetAccess] does:
// a line that is slow in the evening, a radio that is away for 200 ms. What waits
// at a change still leaves as it was promised. end takes back what has not
// happened yet.
func (n *Network) Schedule(ip netip.Addr, paces ...Pace) (end func()) {
	t := n.Host(ip)
	var timers []actor.Timer
	for _, p := range paces {
		timers = append(timers, actor.AfterFunc(t.ctx, p.After, func() { n.SetAccess(ip, p.Access) }))
	}
	return func() {
		for _, timer := range timers {
			timer.Stop()
		}
	}
}
