package actor

import (
	"context"
	"math/rand/v2"
	"time"
)

// Restart says what is done when a supervised actor ends (Erlang/OTP, supervisor
// principles). Its zero value never restarts.
type Restart struct {
	// When an ended actor is started again.
	When When
	// Max restarts are allowed within the period Within; one more and the
	// supervisor gives up. 0 means 5; a negative Max allows none.
	Max int
	// Within is the period; 0 means a minute.
	Within time.Duration
	// Backoff is the pause before the first restart; it doubles with each
	// failure up to BackoffMax (0 means a minute), less a random part of up to
	// a quarter. 0 means no pause.
	Backoff, BackoffMax time.Duration
	// Grace is how long a stop may take before the actor is reported as
	// overdue; 0 means [DefaultGrace].
	Grace time.Duration
	// Brief says that the actor has one short task: profiles show what it does
	// as its parent's. Naming it there costs more than many a task.
	Brief bool
	// Optional says what happens when the restarts are used up: the actor stays
	// down, its failure is kept in the tree, and its parent goes on.
	Optional bool
}

// When says after which ends an actor is restarted.
type When uint8

const (
	// Never: a temporary child. Its failure is recorded and goes no further.
	Never When = iota
	// OnFailure: a transient child. A normal end is for good.
	OnFailure
	// Always: a permanent child.
	Always
)

// Strategy says which children of a group are restarted with the one that ended.
type Strategy uint8

const (
	// OneForOne restarts the one that ended.
	OneForOne Strategy = iota
	// RestForOne restarts it and those started after it.
	RestForOne
	// OneForAll restarts all.
	OneForAll
)

// Supervise starts a child that is kept alive as r says. Its failures stay its
// own until r is used up; then they become this actor's, as a [*BudgetError],
// unless r is Optional. If this actor is ending already, the child never runs.
//
// When the body returns, children that are restarted are stopped, the last
// started first; temporary ones come to their own end.
func (s *Self) Supervise(name string, r Restart, f Func) *Ref {
	return s.supervise(name, r, f, false)
}

func (s *Self) supervise(name string, r Restart, f Func, lasting bool) *Ref {
	n := newNode(name, s, s.node.system, kept, r.Grace, f)
	n.brief = r.Brief
	if r.When == Never {
		n.temporary, n.lasting = true, lasting
	} else {
		n.again = &restarts{plan: r, gate: n.system.carrier.parking()}
	}
	return s.launch(n)
}

func (r Restart) plan(strategy Strategy, whens ...When) plan {
	p := plan{strategy: strategy, whens: whens, max: r.Max, within: r.Within, backoff: r.Backoff, backoffMax: r.BackoffMax}
	if p.max == 0 {
		p.max = 5
	}
	if p.within == 0 {
		p.within = time.Minute
	}
	if p.backoffMax == 0 {
		p.backoffMax = time.Minute
	}
	return p
}

// keep runs incarnation after incarnation, as the restart machine decides.
func (n *node) keep() error {
	on, r := n.system.carrier, n.again.plan
	m := newRestartMachine(r.plan(OneForOne, r.When))
	do := m.Step(on.now(), restartEvent{kind: begin}, nil)
	var chance *rand.Rand
	var last error
	for number := 0; ; {
		event := restartEvent{kind: tick}
		for _, e := range do {
			switch e.kind {
			case startChild:
				if n.toldCause() != nil {
					return nil
				}
				n.incarnationBegins(number)
				last = n.live(n.begin(number))
				number++
				if n.toldCause() != nil {
					return last // it failed on the way down, or not at all
				}
				n.incarnationEnded(last)
				event = restartEvent{kind: childExited, failed: last != nil}
				if r.Backoff > 0 {
					if chance == nil {
						chance = on.random(n.path())
					}
					event.chance = chance.Float64()
				}
			case giveUp:
				n.escalates = !r.Optional
				failure := &ExitError{Path: n.path(), Err: &BudgetError{Path: n.path(), Max: max(m.plan.max, 0), Within: m.plan.within, Err: last}}
				n.system.failed(n, failure)
				return failure
			case allDone:
				return nil
			case stopChild, giveUpStuck:
				panic("unreachable: a child alone is never stopped by its machine")
			}
		}
		if event.kind == tick {
			n.setState("waiting to restart")
			n.waiting(waitsForRestart)
			n.again.gate.wait(context.Background(), m.Deadline())
			n.waiting(nil)
			if n.toldCause() != nil {
				return nil
			}
		}
		do = m.Step(on.now(), event, do[:0])
	}
}

// incarnationBegins clears what the one before left in the tree.
func (n *node) incarnationBegins(number int) {
	n.mu.Lock()
	n.again.number = number
	n.state, n.details = "", nil
	n.mu.Unlock()
}

// incarnationEnded notes a failed incarnation in the tree.
func (n *node) incarnationEnded(err error) {
	n.mu.Lock()
	n.again.lastErr = err
	n.mu.Unlock()
}
