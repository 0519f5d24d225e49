package sim

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// play is what goes wrong in a world and will.
type play struct {
	all     []Fault        // that were planned, for a plan
	waiting []*actor.Timer // of those that have not begun
	lasting []*lasting
}

// A lasting is a fault that has begun and not ended.
type lasting struct {
	*Fault
	timer actor.Timer // ends it
	heal  []func()
}

// At plans faults for a time since the start of the world; if that has passed
// already, they begin now. They end after their Lasts, or when the world heals.
func (w *World) At(d time.Duration, faults ...Fault) {
	planned := slices.Clone(faults)
	for i := range planned {
		planned[i].At = d
	}
	w.plan(planned)
}

// Now has faults begin at once.
func (w *World) Now(faults ...Fault) { w.At(w.Elapsed(), faults...) }

// plan plans what the scenario says, unless the run has a plan.
func (w *World) plan(faults []Fault) {
	if w.config.Plan == nil {
		w.schedule(faults)
	}
}

func (w *World) schedule(faults []Fault) {
	for _, f := range faults {
		if err := f.check(); err != nil {
			panic(err)
		}
		w.play.all = append(w.play.all, f)
		if f.At <= w.Elapsed() && w.config.Plan == nil {
			w.begin(f)
			continue
		}
		var t actor.Timer
		t = actor.AfterFunc(w.self, f.At-w.Elapsed(), func() {
			w.play.waiting = slices.DeleteFunc(w.play.waiting, func(other *actor.Timer) bool { return other == &t })
			w.begin(f)
		})
		w.play.waiting = append(w.play.waiting, &t)
	}
}

// Faults are all that were planned so far, those of the run's plan or those of
// the scenario.
func (w *World) Faults() []Fault { return slices.Clone(w.play.all) }

// Heal ends everything that goes wrong, lets hosts that are down start again, and
// forgets what was planned for later. It does not wait.
func (w *World) Heal() {
	for _, t := range w.play.waiting {
		t.Stop()
	}
	w.play.waiting = nil
	for len(w.play.lasting) > 0 {
		w.end(w.play.lasting[0])
	}
}

// begin lets a fault begin. It is called by timers too, and does not wait.
func (w *World) begin(f Fault) {
	for _, name := range f.names() {
		if w.byName[name] == nil {
			w.fail("the plan", fmt.Errorf("there is no host named %q at %v for the fault %q", name, w.Elapsed(), f.String()))
			return
		}
	}
	w.note(EventBegin, f.String())
	if f.Kind == KindReset {
		w.reset(&f)
		w.note(EventEnd, f.String())
		return
	}
	l := &lasting{Fault: &f}
	w.play.lasting = append(w.play.lasting, l)
	if f.Lasts > 0 {
		l.timer = actor.AfterFunc(w.self, f.Lasts, func() { w.end(l) })
	}
	for _, name := range f.Hosts {
		s := w.byName[name]
		if f.Forgets {
			s.kept = newKept()
		}
		s.end(f.Kind)
		w.apply(s)
	}
	l.heal = w.between(&f)
}

// between has a fault stand between its sides, until heal is called.
func (w *World) between(f *Fault) (heal []func()) {
	sides := make([][]netip.Addr, len(f.Sides))
	for i, side := range f.Sides {
		for _, name := range side {
			sides[i] = append(sides[i], w.IP(name))
		}
	}
	for i, from := range sides {
		to := slices.Concat(slices.Concat(sides[:i]...), slices.Concat(sides[i+1:]...))
		switch {
		case f.Directed && i > 0:
		case f.Kind == KindPartition:
			heal = append(heal, w.network.Cut(from, to))
		case f.Kind == KindDegrade:
			heal = append(heal, w.network.Disturb(from, to, f.degrade))
		}
	}
	return heal
}

// reset ends the connections between the sides of a fault.
func (w *World) reset(f *Fault) {
	for i, side := range f.Sides {
		for _, a := range side {
			for _, b := range slices.Concat(f.Sides[i+1:]...) {
				w.network.Reset(w.IP(a), w.IP(b))
			}
		}
	}
}

// end ends a fault.
func (w *World) end(l *lasting) {
	l.timer.Stop()
	w.play.lasting = slices.DeleteFunc(w.play.lasting, func(other *lasting) bool { return other == l })
	w.note(EventEnd, l.String())
	for _, heal := range l.heal {
		heal()
	}
	for _, name := range l.Hosts {
		s := w.byName[name]
		w.apply(s)
		if s.leaves && !w.under(s).away {
			s.begin()
		}
	}
}

// under is what the faults that last do to a site.
func (w *World) under(s *Site) siteState {
	var faults []*Fault
	for _, l := range w.play.lasting {
		faults = append(faults, l.Fault)
	}
	return siteUnder(faults, s.name)
}

// apply has a host be as the faults that last say.
func (w *World) apply(s *Site) {
	state := w.under(s)
	if state == s.state {
		return
	}
	dials := DialAnswer
	switch {
	case state.blackHole:
		dials = DialIgnore
	case state.refused:
		dials = DialRefuse
	}
	w.network.SetDials(s.ip, dials)
	w.network.SlowReader(s.ip, state.read)
	s.suffer(state)
}

// close ends the host of a site at the end of the world, in order.
func (s *Site) close() error {
	err := s.started.Wait(s.world.self)
	if s.up {
		err = s.Close()
	}
	if late := s.ref.Wait(s.world.self); late != nil {
		return late
	}
	if err == nil {
		err = s.ref.Err() // it had ended by itself
	}
	return err
}
