package actor

import (
	"context"
)

// A Child is one member of a supervised group.
type Child struct {
	Name string
	When When // which of its ends are answered with a restart
	Run  Func
}

type groupMessageKind uint8

const (
	groupExited groupMessageKind = iota
	groupLate
	groupTick
	groupStop
)

// groupMessage is what a group's supervisor receives: a child's end and a late
// child from the runtime, its own timer, and the request to stop. None can be
// lost: they are the runtime's own and need no room.
type groupMessage struct {
	kind  groupMessageKind
	child int
	ref   *Ref // late: which incarnation
	err   error
}

// SuperviseGroup starts a supervisor named name with the given children, which
// start in order and stop in reverse order. What is restarted together with a
// child that ended is said by the strategy (OTP, supervisor principles);
// children that ended for good, and temporary ones (Never), are not started
// again. r.When says nothing here: each child has its own.
//
// The group ends when no child is left. Its failure, a [*BudgetError] when the
// restarts are used up, becomes this actor's.
func (s *Self) SuperviseGroup(name string, strategy Strategy, r Restart, children ...Child) *Ref {
	whens := make([]When, len(children))
	for i, c := range children {
		whens[i] = c.When
	}
	p := r.plan(strategy, whens...)
	n := newNode(name, s, s.node.system, kept, r.Grace, func(self *Self) error {
		g := &groupActor{self: self, machine: newRestartMachine(p), restart: r, children: children, running: make([]*Ref, len(children))}
		return g.run()
	})
	n.escalates, n.patient = true, true
	return s.launch(n)
}

// groupActor carries out what the restart machine decides for a group.
type groupActor struct {
	self     *Self
	machine  *restartMachine
	restart  Restart
	children []Child
	running  []*Ref
	inbox    *Mailbox[groupMessage]
	last     error // the last failure of a child
	stuck    error // names the child that did not stop
}

func (g *groupActor) run() error {
	g.inbox = NewMailbox[groupMessage](g.self, 1, StopAs(groupMessage{kind: groupStop}))
	alarm := NewAlarm(g.self, g.inbox, groupMessage{kind: groupTick})
	do := g.machine.Step(g.self.Now(), restartEvent{kind: begin}, nil)
	for {
		for _, e := range do {
			switch e.kind {
			case startChild:
				g.start(e.child)
			case stopChild:
				g.stop(e.child)
			case giveUp:
				return &BudgetError{Path: g.self.Path(), Max: max(g.machine.plan.max, 0), Within: g.machine.plan.within, Err: g.last}
			case giveUpStuck:
				return g.stuck
			case allDone:
				return nil
			}
		}
		alarm.Set(g.machine.Deadline())
		do = do[:0]
		message, ok := g.inbox.Recv()
		if !ok {
			panic("unreachable: a stop is a message to a group's supervisor")
		}
		if message.kind == groupTick {
			alarm.Rearm()
		}
		if message.kind == groupLate && g.running[message.child] != message.ref {
			continue // of an incarnation that has left in the meantime
		}
		do = g.machine.Step(g.self.Now(), g.event(message), do)
	}
}

func (g *groupActor) event(m groupMessage) restartEvent {
	switch m.kind {
	case groupExited:
		if m.err != nil {
			g.last = m.err
		}
		return restartEvent{kind: childExited, child: m.child, failed: m.err != nil, chance: g.self.Rand().Float64()}
	case groupLate:
		n := m.ref.node
		g.stuck = &OverdueError{Overdue: []Overdue{{Path: n.path(), Grace: n.grace}}, Cause: g.last}
		return restartEvent{kind: childLate, child: m.child}
	case groupTick:
		return restartEvent{kind: tick}
	case groupStop:
		return restartEvent{kind: stopAsked}
	}
	panic("unreachable")
}

func (g *groupActor) start(i int) {
	n := newNode(g.children[i].Name, g.self, g.self.node.system, reported, g.restart.Grace, g.children[i].Run)
	n.report = func(err error) { g.inbox.push(groupMessage{kind: groupExited, child: i, err: err}) }
	g.running[i] = g.self.launch(n)
}

// stop stops a child in order. It is late when somebody below it is.
func (g *groupActor) stop(i int) {
	ref := g.running[i]
	cause := context.Cause(g.self)
	if cause == nil {
		cause = ErrStopped
	}
	ref.node.tell(cause)
	ref.node.beside(func() error {
		if ref.node.stop(cause) {
			g.inbox.push(groupMessage{kind: groupLate, child: i, ref: ref})
		}
		return nil
	})
}
