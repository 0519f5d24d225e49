package scenario

import (
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
)

// An ending is what must become of a transfer.
type ending uint8

const (
	completes ending = iota
	fails
	goesWithItsHost
)

// A mishap is a fault in the middle of a transfer from alice to bob.
type mishap struct {
	name  string
	fault sim.Fault
	end   ending
}

// mishaps are faults of every kind, for 3 s.
func mishaps() []mishap {
	slower, narrower, lossier, noisier := sim.Degrade("alice", "bob"), sim.Degrade("alice", "bob"), sim.Degrade("alice", "bob"), sim.Degrade("alice", "bob")
	slower.By, slower.Jitter = 400*time.Millisecond, 200*time.Millisecond
	narrower.Rate = 16 << 10
	lossier.Loss = sim.Percent(20)
	noisier.Flip = sim.Percent(50)
	apart := sim.Partition([]string{"alice"}, []string{"bob"})
	back := sim.Partition([]string{"bob"}, []string{"alice"})
	all := []mishap{
		{"a partition", apart, completes},
		{"nothing gets there", apart.OneWay(), completes},
		{"nothing comes back", back.OneWay(), completes},
		{"a slow link", slower, completes},
		{"a narrow link", narrower, completes},
		{"a lossy link", lossier, completes},
		{"flipped bits", noisier, fails},
		{"a reset", sim.Reset("alice", "bob"), fails},
	}
	for _, at := range []string{"alice", "bob"} {
		gone := fails
		if at == "alice" {
			gone = goesWithItsHost
		}
		all = append(all,
			mishap{at + " refuses dials", sim.Refuse(at), completes},
			mishap{at + " ignores dials", sim.BlackHole(at), completes},
			mishap{at + " crashes", sim.Crash(at), gone},
			mishap{at + " has no power", sim.PowerOff(at).Forgetting(), gone},
			mishap{at + " stops", sim.Stop(at), gone},
			mishap{at + " is paused", sim.Pause(at), completes},
			mishap{at + " reads slowly", sim.SlowReader(20_000, at), completes},
			mishap{at + " computes slowly", sim.SlowCPU(2*time.Millisecond, at), completes},
			mishap{at + " is ahead of time", sim.Skew(time.Minute, at), completes},
			mishap{at + " is behind", sim.Skew(-time.Minute, at), completes},
		)
	}
	return all
}

// silences are faults that end only long after anybody would wait.
func silences() []mishap {
	return []mishap{
		{"a partition", sim.Partition([]string{"alice"}, []string{"bob"}), fails},
		{"nothing gets there", sim.Partition([]string{"alice"}, []string{"bob"}).OneWay(), fails},
		{"nothing comes back", sim.Partition([]string{"bob"}, []string{"alice"}).OneWay(), fails},
		{"bob has no power", sim.PowerOff("bob"), fails},
		{"bob is paused", sim.Pause("bob"), fails},
	}
}

// transfers are two hosts with each fault in the middle of a transfer.
func transfers(m muxerKind) (all []scenario) {
	for _, f := range mishaps() {
		play := func(w *sim.World) { transfer(w, m, f, 3*time.Second) }
		all = append(all, scenario{m.name + "/a transfer and " + f.name, play})
	}
	for _, f := range silences() {
		play := func(w *sim.World) { transfer(w, m, f, 2*time.Hour) }
		all = append(all, scenario{m.name + "/a transfer and for hours " + f.name, play})
	}
	return all
}

// transfer takes 2 s without the fault, which begins after 1 s.
func transfer(w *sim.World, m muxerKind, f mishap, lasts time.Duration) {
	alice, bob := w.Site("alice", serve, m.option), w.Site("bob", serve, m.option)
	base(w, alice, bob)
	const size = 256 << 10
	w.Link("alice", "bob", sim.LinkConfig{Latency: 20 * time.Millisecond, Bandwidth: size / 2})
	if f.fault.Kind != sim.KindReset {
		f.fault.Lasts = lasts
	}
	to, limit, bound := bob.Info(), time.Duration(0), 2*time.Minute
	switch {
	case m.keepAlive: // the connection itself ends in a minute, without a deadline
	case lasts > time.Minute: // somebody has to set one
		limit, bound = 10*time.Minute, 20*time.Minute
	}
	j := begin(alice, "transfer", func(self *actor.Self) error { return put(self, alice.Host, to, size, limit) })
	w.At(w.Elapsed()+time.Second, f.fault)
	wait(w, bound, j)
	switch {
	case f.end == completes && (j.err != nil || !j.done):
		w.Must(fmt.Errorf("the transfer has not survived %v: %w", f.name, j.err))
	case f.end == fails && (j.err == nil || !j.done):
		w.Must(fmt.Errorf("the transfer has survived %v", f.name))
	}
	w.Log("%v: %v", j.took, j.err)
	w.Eventually("a transfer again", time.Minute, func() error {
		again := begin(alice, "again", func(self *actor.Self) error { return put(self, alice.Host, to, 1000, 10*time.Second) })
		wait(w, time.Minute, again)
		if again.err == nil && !again.done {
			return fmt.Errorf("alice has gone")
		}
		return again.err
	})
	w.Run(5 * time.Second)
}
