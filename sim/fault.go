package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// A Kind is what goes wrong.
type Kind string

// The kinds of faults. Those of links and dials act on Fault.Sides or Fault.Hosts
// as their makers say; all of them can be written into a plan by hand.
const (
	KindPartition  Kind = "partition"   // nothing gets from one side to another
	KindDegrade    Kind = "degrade"     // links are worse than usual
	KindRefuse     Kind = "refuse"      // dials to a host are refused
	KindBlackHole  Kind = "black hole"  // dials to a host are never answered
	KindReset      Kind = "reset"       // connections end with a reset, once
	KindCrash      Kind = "crash"       // a host's process dies: its connections are reset
	KindPowerOff   Kind = "power off"   // a host falls silent
	KindStop       Kind = "stop"        // a host is closed in order
	KindPause      Kind = "pause"       // a host does nothing
	KindSlowReader Kind = "slow reader" // a host takes bytes from its connections slowly
	KindSlowCPU    Kind = "slow cpu"    // each turn of a host's actors takes time
	KindSkew       Kind = "skew"        // a host's clock is wrong
)

// Kinds are all of them, in the order in which this package lists them.
func Kinds() []Kind {
	return []Kind{
		KindPartition, KindDegrade, KindRefuse, KindBlackHole, KindReset, KindCrash,
		KindPowerOff, KindStop, KindPause, KindSlowReader, KindSlowCPU, KindSkew,
	}
}

// A Fault is something that goes wrong, from a time on and for a while. It is
// data: a scenario makes faults with the functions below, a seed draws them
// ([Chaos]), a [Plan] keeps them in a file.
type Fault struct {
	Kind Kind
	// At is when it begins, since the start of the world. [World.At] sets it.
	At time.Duration
	// Lasts is how long; 0: until the world heals (see [World.Heal]). A crash, a
	// power-off and a stop end with the host's new start. A reset has no duration.
	Lasts time.Duration

	// Hosts are whom it befalls: for each of them it is the same.
	Hosts []string
	// Sides are between whom it stands, two or more, for partitions, degraded
	// links and resets.
	Sides [][]string
	// Directed: only what the first side sends to the others is concerned.
	Directed bool
	// Forgets: the host starts again without what its [Disk] held.
	Forgets bool

	// By is how long: what a degraded link takes more, what a turn takes on a
	// slow CPU, what a clock is ahead (negative: behind).
	By time.Duration
	// Jitter is what a degraded link takes more at most, at random.
	Jitter time.Duration
	// Rate is in bytes per second: a degraded link's bandwidth (0: as it was),
	// what a slow reader takes.
	Rate int64
	// Loss is how much a degraded link loses, Flip in how many of the chunks it
	// turns over a bit.
	Loss, Flip PPM
}

// Partition keeps the sides apart: connections between them fall silent, as
// those through a cut cable do. Hosts on no side reach everybody.
func Partition(sides ...[]string) Fault { return Fault{Kind: KindPartition, Sides: sides} }

// Degrade makes the links between two hosts worse: set By, Jitter, Rate, Loss or
// Flip in what it returns.
func Degrade(a, b string) Fault {
	return Fault{Kind: KindDegrade, Sides: [][]string{{a}, {b}}}
}

// Refuse has dials to the hosts refused.
func Refuse(hosts ...string) Fault { return Fault{Kind: KindRefuse, Hosts: hosts} }

// BlackHole leaves dials to the hosts without an answer.
func BlackHole(hosts ...string) Fault { return Fault{Kind: KindBlackHole, Hosts: hosts} }

// Reset ends all connections between two hosts with a reset.
func Reset(a, b string) Fault { return Fault{Kind: KindReset, Sides: [][]string{{a}, {b}}} }

// Crash ends hosts as the end of their process does: at once, without a word of
// theirs; the machine resets their connections.
func Crash(hosts ...string) Fault { return Fault{Kind: KindCrash, Hosts: hosts} }

// PowerOff ends hosts as a cut of the power does: others hear nothing at all.
func PowerOff(hosts ...string) Fault { return Fault{Kind: KindPowerOff, Hosts: hosts} }

// Stop closes hosts in order.
func Stop(hosts ...string) Fault { return Fault{Kind: KindStop, Hosts: hosts} }

// Pause keeps all actors of hosts from running, as a suspended machine does; the
// kernel's part of their connections goes on.
func Pause(hosts ...string) Fault { return Fault{Kind: KindPause, Hosts: hosts} }

// SlowReader has hosts take no more than rate bytes per second from each of
// their connections.
func SlowReader(rate int64, hosts ...string) Fault {
	return Fault{Kind: KindSlowReader, Rate: rate, Hosts: hosts}
}

// SlowCPU has each turn of an actor of the hosts take a time.
func SlowCPU(turn time.Duration, hosts ...string) Fault {
	return Fault{Kind: KindSlowCPU, By: turn, Hosts: hosts}
}

// Skew sets the clocks of hosts ahead (back, if by is negative).
func Skew(by time.Duration, hosts ...string) Fault {
	return Fault{Kind: KindSkew, By: by, Hosts: hosts}
}

// For returns the fault with a duration.
func (f Fault) For(d time.Duration) Fault { f.Lasts = d; return f }

// OneWay returns the fault for what the first side sends to the others only.
func (f Fault) OneWay() Fault { f.Directed = true; return f }

// Forgetting returns the fault with the loss of what the hosts have stored.
func (f Fault) Forgetting() Fault { f.Forgets = true; return f }

// String says it in one line: "5s partition a b | c, for 2s".
func (f Fault) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%v %s", f.At, f.Kind)
	if len(f.Hosts) > 0 {
		b.WriteString(" " + strings.Join(f.Hosts, " "))
	}
	between := " | "
	if f.Directed {
		between = " > "
	}
	for i, side := range f.Sides {
		if i > 0 {
			b.WriteString(between[:len(between)-1])
		}
		b.WriteString(" " + strings.Join(side, " "))
	}
	for _, part := range []struct {
		set  bool
		text string
	}{
		{f.By != 0, fmt.Sprintf(", by %v", f.By)},
		{f.Jitter != 0, fmt.Sprintf(", jitter %v", f.Jitter)},
		{f.Rate != 0, fmt.Sprintf(", %d B/s", f.Rate)},
		{f.Loss != 0, fmt.Sprintf(", loss %d ppm", f.Loss)},
		{f.Flip != 0, fmt.Sprintf(", flip %d ppm", f.Flip)},
		{f.Forgets, ", forgets"},
		{f.Lasts != 0, fmt.Sprintf(", for %v", f.Lasts)},
	} {
		if part.set {
			b.WriteString(part.text)
		}
	}
	return b.String()
}

// check returns what is wrong with a fault as it stands in a plan or a scenario,
// or nil.
func (f *Fault) check() error {
	between := slices.Contains([]Kind{KindPartition, KindDegrade, KindReset}, f.Kind)
	empty := func(side []string) bool { return len(side) == 0 }
	wrong := ""
	switch {
	case !slices.Contains(Kinds(), f.Kind):
		wrong = "there is no such kind of fault"
	case f.At < 0 || f.Lasts < 0 || f.Jitter < 0 || f.Rate < 0 || f.By < 0 && f.Kind != KindSkew:
		wrong = "a time or a rate is negative"
	case f.Loss > certain || f.Flip > certain:
		wrong = "a chance is more than 1,000,000 parts per million"
	case between && (len(f.Sides) < 2 || slices.ContainsFunc(f.Sides, empty)):
		wrong = "it needs two sides, with hosts on each"
	case f.Kind == KindDegrade && f.By == 0 && f.Jitter == 0 && f.Rate == 0 && f.Loss == 0 && f.Flip == 0:
		wrong = "it changes nothing: set By, Jitter, Rate, Loss or Flip"
	case !between && len(f.Hosts) == 0:
		wrong = "it befalls nobody: name hosts"
	case f.Kind == KindSlowReader && f.Rate == 0:
		wrong = "a reader needs a rate; who reads nothing at all is paused"
	}
	if wrong == "" {
		return nil
	}
	return fmt.Errorf("sim: the fault %q: %s", f.String(), wrong)
}

// names are all hosts that the fault speaks of.
func (f *Fault) names() []string {
	all := slices.Clone(f.Hosts)
	for _, side := range f.Sides {
		all = append(all, side...)
	}
	return all
}
