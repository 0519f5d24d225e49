package sim

import (
	"fmt"
	"slices"
	"time"
)

// Chaos says how much may go wrong in a run. What does, a seed draws: a subset of
// the kinds, so that some runs are all crashes and others have slow links only,
// and then each fault's kind, hosts, time, duration and intensity.
type Chaos struct {
	// Faults is how many there are; 0 means 10.
	Faults int
	// From and Until bound when they happen, since the start of the world: the
	// last one has ended by Until. Until 0 means 20 s after From.
	From, Until time.Duration
	// Longest is how long one lasts at most; 0 means 5 s.
	Longest time.Duration
	// Kinds are those to draw from; none means all but [KindSkew], because most
	// protocols take a clock that is right for granted.
	Kinds []Kind
	// Hosts are whom they befall; none means all that there are.
	Hosts []string
}

// Draw returns the faults of a seed, in the order in which they are numbered.
// hosts stands for Hosts if that is empty. Every property of every fault is a
// hash of its own, so that the same fault is drawn whatever becomes of others.
func (c Chaos) Draw(seed uint64, hosts []string) []Fault {
	if len(c.Hosts) > 0 {
		hosts = c.Hosts
	}
	if c.Faults == 0 {
		c.Faults = 10
	}
	if c.Until == 0 {
		c.Until = c.From + 20*time.Second
	}
	if c.Longest == 0 {
		c.Longest = 5 * time.Second
	}
	if len(c.Kinds) == 0 {
		c.Kinds = slices.DeleteFunc(Kinds(), func(k Kind) bool { return k == KindSkew })
	}
	d := newDraw(seed, "chaos")
	kinds := c.some(d)
	var faults []Fault
	for i := range c.Faults {
		if f := c.one(d.number(i), kinds, hosts); f.check() == nil {
			faults = append(faults, f)
		}
	}
	return faults
}

// some is the subset of kinds of a run: each with a half chance, at least one.
func (c Chaos) some(d draw) []Kind {
	var kinds []Kind
	for _, k := range c.Kinds {
		if d.at("kind").at(string(k)).chance(500) {
			kinds = append(kinds, k)
		}
	}
	if len(kinds) == 0 {
		kinds = c.Kinds[d.at("only kind").below(len(c.Kinds)):][:1]
	}
	return kinds
}

// one draws a fault.
func (c Chaos) one(d draw, kinds []Kind, hosts []string) Fault {
	f := Fault{Kind: kinds[d.at("which").below(len(kinds))]}
	span := max(c.Until-c.From, 0)
	f.Lasts = d.at("lasts").between(min(span, c.Longest)/10, min(span, c.Longest))
	if f.Kind == KindReset {
		f.Lasts = 0
	}
	f.At = d.at("at").between(c.From, c.Until-f.Lasts)
	switch f.Kind {
	case KindPartition, KindDegrade, KindReset:
		f.Sides = sides(d, f.Kind, hosts)
		f.Directed = f.Kind != KindReset && d.at("directed").chance(250)
	default:
		if len(hosts) > 0 {
			f.Hosts = []string{hosts[d.at("host").below(len(hosts))]}
		}
	}
	f.strengthen(d)
	return f
}

// sides draws between whom a fault stands: for a partition everybody, on two
// sides or three, for the others two hosts.
func sides(d draw, k Kind, hosts []string) [][]string {
	if len(hosts) < 2 {
		return nil
	}
	if k != KindPartition {
		a := d.at("a").below(len(hosts))
		b := (a + 1 + d.at("b").below(len(hosts)-1)) % len(hosts)
		return [][]string{{hosts[a]}, {hosts[b]}}
	}
	all := make([][]string, 2+d.at("sides").below(2))
	for _, h := range hosts {
		i := d.at("side of").at(h).below(len(all))
		all[i] = append(all[i], h)
	}
	return slices.DeleteFunc(all, func(side []string) bool { return len(side) == 0 })
}

// strengthen draws how bad it is.
func (f *Fault) strengthen(d draw) {
	switch f.Kind {
	case KindCrash, KindPowerOff:
		f.Forgets = d.at("forgets").chance(250)
	case KindSlowReader:
		f.Rate = 1 << (8 + d.at("rate").below(10)) // 256 B/s to 128 KiB/s
	case KindSlowCPU:
		f.By = d.at("by").between(10*time.Microsecond, 5*time.Millisecond)
	case KindSkew:
		f.By = d.at("by").between(-time.Minute, time.Minute)
	case KindDegrade:
		for f.By == 0 && f.Rate == 0 && f.Loss == 0 && f.Flip == 0 {
			f.worsen(d)
			d = d.at("again")
		}
	}
}

func (f *Fault) worsen(d draw) {
	if d.at("slower").chance(500) {
		f.By = d.at("by").between(time.Millisecond, time.Second)
		f.Jitter = d.at("jitter").between(0, f.By/2)
	}
	if d.at("narrower").chance(300) {
		f.Rate = 1 << (10 + d.at("rate").below(10)) // 1 KiB/s to 512 KiB/s
	}
	if d.at("lossy").chance(300) {
		f.Loss = PPM(1000 + d.at("loss").below(300_000))
	}
	if d.at("noisy").chance(150) {
		f.Flip = PPM(1000 + d.at("flip").below(50_000))
	}
}

// Chaos plans the faults that the run's seed draws, for the hosts that there are.
func (w *World) Chaos(c Chaos) {
	names := make([]string, 0, len(w.sites))
	for _, s := range w.sites {
		names = append(names, s.name)
	}
	faults := c.Draw(w.config.Seed, names)
	if len(faults) == 0 {
		panic(fmt.Errorf("sim: no fault can be drawn for %d hosts: declare the hosts first", len(names)))
	}
	w.plan(faults)
}
