package sim

import (
	"slices"
	"time"
)

// A siteState is what the faults that last do to one site.
type siteState struct {
	away      bool // a crash, a power-off or a stop lasts
	refused   bool
	blackHole bool
	paused    bool
	read      int64 // bytes per second; 0: no limit
	turn      time.Duration
	skew      time.Duration
}

// siteUnder adds up what lasts for a site, so that the end of one fault leaves
// what the others do.
func siteUnder(lasting []*Fault, name string) (s siteState) {
	for _, f := range lasting {
		if !slices.Contains(f.Hosts, name) {
			continue
		}
		switch f.Kind {
		case KindRefuse:
			s.refused = true
		case KindBlackHole:
			s.blackHole = true
		case KindCrash, KindPowerOff, KindStop:
			s.away = true
		case KindPause:
			s.paused = true
		case KindSlowReader:
			s.read = narrower(s.read, f.Rate)
		case KindSlowCPU:
			s.turn += f.By
		case KindSkew:
			s.skew += f.By
		}
	}
	return s
}

// narrower is the smaller of two rates of which 0 means no limit.
func narrower(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// degrade is what the fault does to a link: delays add up, of the rest the worst
// counts, so that the order of faults does not matter.
func (f *Fault) degrade(c *LinkConfig) {
	c.Latency += f.By
	c.Jitter += f.Jitter
	c.Bandwidth = narrower(c.Bandwidth, f.Rate)
	c.Loss = max(c.Loss, f.Loss)
	c.Flip = max(c.Flip, f.Flip)
}
