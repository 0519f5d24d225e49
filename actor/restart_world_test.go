package actor

import (
	"fmt"
	"time"
)

// most is how many children the explored worlds have at most.
const most = 3

// The times of the explored worlds, in seconds.
const (
	worldBackoff    = 2
	worldBackoffMax = 4
	worldWithin     = 10
)

// A familyWorld is a restart machine and everything around it that matters: what
// became of its children, and what it owes by the rules. It is comparable; its
// times are relative to now and bounded.
type familyWorld struct {
	machine [most]familyChild
	history ages // of the machine
	ending  ending

	children [most]familyMember
	counted  ages // restarts that were needed
	stopped  bool // told to stop
	spent    bool // one restart more than the budget allows was needed
	stuck    bool // a child did not stop in time
	said     said
	fault    fault
}

// said is the machine's last word, plus one; 0: it has not said it.
type said uint8

// A fault is an effect that must not be, and why.
type fault struct {
	kind  restartEffectKind
	child int8
	why   blame
}

// blame is what is wrong with an effect.
type blame uint8

const (
	noBlame blame = iota
	afterTheEnd
	itLives
	allHasToGo
	overForGood
	notNeeded
	tooEarly
	othersFirst
	notAlive
	toldAlready
	mayGoOn
	twoAtATime
	needlessEnd
	idleTick
)

var blames = [...]string{
	"", "it has said its last word", "it lives, or another one does", "everything has to go down",
	"it is over for good", "it need not be started", "its pause is not over", "another one has to go first",
	"it does not live", "it was told already", "it may go on", "another one is just being stopped",
	"there is no need", "a tick at the deadline did nothing",
}

func (f fault) String() string {
	return fmt.Sprintf("%v: %s", restartEffect{f.kind, int(f.child)}, blames[f.why])
}

// ages are the seconds since some moments, each plus one; 0: none.
type ages [most + 1]int8

func (a ages) len() int {
	n := 0
	for n < len(a) && a[n] > 0 {
		n++
	}
	return n
}

// later returns the ages after some seconds, without those over the period.
func (a ages) later(seconds int8) ages {
	var left ages
	n := 0
	for _, age := range a[:a.len()] {
		if age+seconds <= worldWithin+1 {
			left[n] = age + seconds
			n++
		}
	}
	return left
}

// A familyChild is the machine's state of a child.
type familyChild struct {
	phase    childPhase
	again    bool
	due      int8 // from now
	failures int8
	age      int8
}

// A familyMember is what really became of a child.
type familyMember struct {
	alive bool
	told  bool // to stop
	late  bool // and was reported as late
	over  bool // for good
	must  bool // alive, and has to go down because of a sibling
	owed  bool // down, and has to be started
	wait  int8 // owed: not before
}

// A family says which worlds are explored, with which machine.
type family struct {
	plan plan
	step func(m *restartMachine, now time.Time, ev restartEvent, do []restartEffect) []restartEffect
	m    *restartMachine // its memory is used again and again
	do   []restartEffect
}

func (f *family) size() int { return len(f.plan.whens) }

func (f *family) String() string {
	return fmt.Sprintf("strategy %d, whens %v, max %d, backoff %v", f.plan.strategy, f.plan.whens, f.plan.max, f.plan.backoff)
}

var familyNow = time.Unix(1_000_000, 0)

// unpack makes the machine of a world, at familyNow.
func (f *family) unpack(w familyWorld) *restartMachine {
	if f.m == nil {
		f.m = newRestartMachine(f.plan)
	}
	m := f.m
	for i := range m.children {
		c := w.machine[i]
		m.children[i] = childState{
			phase: c.phase, again: c.again, failures: int(c.failures),
			due:     familyNow.Add(time.Duration(c.due) * time.Second),
			started: familyNow.Add(-time.Duration(c.age) * time.Second),
		}
	}
	m.history = m.history[:0]
	for _, age := range w.history[:w.history.len()] {
		m.history = append(m.history, familyNow.Add(-time.Duration(age-1)*time.Second))
	}
	m.ending = w.ending
	return m
}

// pack puts a machine back into a world. What can make no difference any more is
// made equal.
func (f *family) pack(m *restartMachine, w *familyWorld) {
	for i, c := range m.children {
		p := familyChild{phase: c.phase, again: c.again}
		if c.phase == childNeeded || c.again {
			p.due = int8(max(c.due.Sub(familyNow)/time.Second, 0))
		}
		if c.phase != childOver && f.plan.backoff > 0 {
			p.failures = int8(min(c.failures, 2)) // the pause grows no longer
			p.age = int8(min(familyNow.Sub(c.started)/time.Second, worldWithin+1))
		}
		w.machine[i] = p
	}
	w.history = ages{}
	n := 0
	for _, at := range m.history {
		if age := familyNow.Sub(at) / time.Second; age <= worldWithin {
			w.history[n] = int8(age) + 1
			n++
		}
	}
	w.ending = m.ending
}

// passes makes time pass for the machine and its surroundings.
func (f *family) passes(w familyWorld, seconds int8) familyWorld {
	for i := range w.machine {
		c := &w.machine[i]
		c.due = max(c.due-seconds, 0)
		if c.phase != childOver && f.plan.backoff > 0 && i < f.size() {
			c.age = min(c.age+seconds, worldWithin+1)
		}
		w.children[i].wait = max(w.children[i].wait-seconds, 0)
	}
	w.history, w.counted = w.history.later(seconds), w.counted.later(seconds)
	return w
}

// start is the world before its machine has begun.
func (f *family) start() familyWorld {
	var w familyWorld
	for i := range f.size() {
		w.children[i].owed = true
	}
	f.pack(newRestartMachine(f.plan), &w)
	return f.feed(w, restartEvent{kind: begin})
}

// next calls visit with everything that can happen in a world.
func (f *family) next(w familyWorld, visit func(action string, after familyWorld)) {
	for i, c := range w.children[:f.size()] {
		if !c.alive {
			continue
		}
		for _, failed := range []bool{false, true} {
			after := w
			ev := restartEvent{kind: childExited, child: i, failed: failed}
			f.exits(&after, ev)
			visit(ev.String(), f.feed(after, ev))
		}
		if c.told && !c.late {
			after := w
			after.children[i].late = true
			after.stuck = after.stuck || !after.stopped && !after.spent
			ev := restartEvent{kind: childLate, child: i}
			visit(ev.String(), f.feed(after, ev))
		}
	}
	if w.said != 0 {
		return
	}
	if !w.stopped {
		after := w
		after.stopped = true
		visit("stop", f.feed(after, restartEvent{kind: stopAsked}))
	}
	visit("tick, too early", f.feed(w, restartEvent{kind: tick}))
	if at := f.unpack(w).Deadline(); !at.IsZero() {
		after := f.passes(w, int8(max(at.Sub(familyNow)/time.Second, 0)))
		ticked := f.feed(after, restartEvent{kind: tick})
		if ticked == after {
			ticked.fault.why = idleTick
		}
		visit("tick at the deadline", ticked)
		return
	}
	visit("half the period passes", f.passes(w, worldWithin/2))
	visit("the period passes", f.passes(w, worldWithin+1))
}

// exits keeps the books about the end of a child: what is owed by the rules.
func (f *family) exits(w *familyWorld, ev restartEvent) {
	c := &w.children[ev.child]
	was := *c
	*c = familyMember{}
	if w.ends() {
		c.over = true
		return
	}
	when := f.plan.whens[ev.child]
	if was.must {
		c.owed, c.over, c.wait = when != Never, when == Never, was.wait
		return
	}
	if when == Never || (when == OnFailure && !ev.failed) {
		c.over = true
		return
	}
	if w.counted.len() == max(f.plan.max, 0) {
		w.spent = true
		return
	}
	w.counted[w.counted.len()] = 1
	c.owed = true
	pause := int8(f.plan.backoff / time.Second)
	c.wait = pause
	from, to := ev.child, ev.child+1
	switch f.plan.strategy {
	case OneForOne:
	case RestForOne:
		to = f.size()
	case OneForAll:
		from, to = 0, f.size()
	}
	for i := from; i < to; i++ {
		s := &w.children[i]
		s.must = s.must || s.alive
		if s.alive || s.owed {
			s.wait = max(s.wait, pause)
		}
	}
}

// ends says that everything has to go down.
func (w *familyWorld) ends() bool { return w.stopped || w.spent || w.stuck }

// feed gives the machine one event and does what it says.
func (f *family) feed(w familyWorld, ev restartEvent) familyWorld {
	m := f.unpack(w)
	f.do = f.step(m, familyNow, ev, f.do[:0])
	for _, e := range f.do {
		if why := f.does(&w, e); why != noBlame && w.fault.why == noBlame {
			w.fault = fault{e.kind, int8(e.child), why}
		}
	}
	f.pack(m, &w)
	return w
}

// does carries out an effect, and returns what is wrong with it.
func (f *family) does(w *familyWorld, e restartEffect) blame {
	switch {
	case w.said != 0:
		return afterTheEnd
	case e.kind == startChild:
		why := f.startBlame(w, e.child)
		w.children[e.child] = familyMember{alive: true}
		return why
	case e.kind == stopChild:
		why := w.stopBlame(e.child)
		w.children[e.child].told = true
		return why
	}
	w.said = said(e.kind) + 1
	owed := false
	for _, c := range w.children {
		if c.alive && !c.late {
			return itLives
		}
		owed = owed || c.owed
	}
	needed := w.stopped || !owed && !w.spent && !w.stuck
	switch e.kind {
	case giveUp:
		needed = w.spent
	case giveUpStuck:
		needed = w.stuck
	}
	if !needed {
		return needlessEnd
	}
	return noBlame
}

func (f *family) startBlame(w *familyWorld, i int) blame {
	c := w.children[i]
	switch {
	case c.alive:
		return itLives
	case w.ends():
		return allHasToGo
	case c.over:
		return overForGood
	case !c.owed:
		return notNeeded
	case c.wait > 0:
		return tooEarly
	}
	for j, s := range w.children[:f.size()] {
		if s.told || s.must || (j < i && s.owed && f.plan.strategy != OneForOne) {
			return othersFirst
		}
	}
	return noBlame
}

func (w *familyWorld) stopBlame(i int) blame {
	switch c := w.children[i]; {
	case !c.alive:
		return notAlive
	case c.told:
		return toldAlready
	case !w.ends() && !c.must:
		return mayGoOn
	}
	for j, s := range w.children {
		if s.told && !s.late {
			return twoAtATime
		}
		if j > i && s.alive && !s.late && (w.ends() || s.must) {
			return othersFirst
		}
	}
	return noBlame
}

// check says what is wrong with a world: a mistake made on the way to it, or
// somebody who waits for something that nothing leads to.
func (f *family) check(w familyWorld) error {
	if w.fault.why != noBlame {
		return fmt.Errorf("%v", w.fault)
	}
	if w.said != 0 {
		return nil
	}
	alive, going, must, owed := false, false, false, false
	for _, c := range w.children {
		alive = alive || c.alive && !c.late
		going = going || c.told && !c.late
		must = must || c.must && !c.told
		owed = owed || c.owed
	}
	switch {
	case going:
		return nil // its exit or its lateness comes next
	case w.ends():
		return fmt.Errorf("it has to end, and nothing more will happen")
	case must:
		return fmt.Errorf("a child has to go down, and nothing more will happen")
	case owed && f.unpack(w).Deadline().IsZero():
		return fmt.Errorf("a child has to be started, and nothing more will happen")
	case !alive && !owed:
		return fmt.Errorf("nobody is left, and it does not say so")
	}
	return nil
}

// String names an event in traces.
func (ev restartEvent) String() string {
	switch ev.kind {
	case begin:
		return "begin"
	case childExited:
		if ev.failed {
			return fmt.Sprintf("child %d fails", ev.child)
		}
		return fmt.Sprintf("child %d ends", ev.child)
	case childLate:
		return fmt.Sprintf("child %d is late", ev.child)
	case tick:
		return "tick"
	case stopAsked:
		return "stop"
	}
	panic("unreachable")
}

// String names an effect in traces.
func (e restartEffect) String() string {
	switch e.kind {
	case startChild:
		return fmt.Sprintf("start %d", e.child)
	case stopChild:
		return fmt.Sprintf("stop %d", e.child)
	case allDone:
		return "all done"
	case giveUp:
		return "give up"
	case giveUpStuck:
		return "give up, stuck"
	}
	panic("unreachable")
}
