package actor

import (
	"bytes"
	"context"
	"runtime"
)

// A task is an actor (or a helper of the runtime) as a coroutine.
type task struct {
	island *Island
	node   *node
	role   string // of a helper, in what it does for the actor
	id     uint64 // of its path, for the hash
	index  int    // in tasks
	fiber  *fiber // nil: it rests, see place.rest
	run    func()
	group  *group
	rests  bool
	state  taskState
	reason wakeReason
	behind *task // in the line of a place

	ctx   context.Context // parked: may end the wait
	heeds heeds
	alarm alarm  // ends a wait
	home  []byte // the goroutine's name, when calls are checked
}

type taskState uint8

const (
	taskReady taskState = iota
	taskRunning
	taskParked
	taskEnded
)

type wakeReason uint8

const (
	wokenBySignal wakeReason = iota
	wokenByContext
	wokenByTime
	wokenByPowerOff
)

func (t *task) path() string {
	if t.role != "" {
		return t.role + " " + t.node.path()
	}
	return t.node.path()
}

// waitsFor says what a task waits for.
func (t *task) waitsFor() string {
	switch {
	case t.role != "":
		return "its end"
	case t.state != taskParked:
		return "its turn"
	}
	if w := t.node.wait.Load(); w != nil {
		return w.String()
	}
	return "something that the runtime does not know"
}

// pathHash names an actor without making its path.
func (n *node) pathHash() uint64 {
	h := uint64(14695981039346656037)
	if n.parent != nil {
		h = n.parent.node.pathHash()
	} else if n.fullPath != "" {
		h = nameHash(n.fullPath)
	}
	for k := range len(n.name) {
		h = (h ^ uint64(n.name[k])) * 1099511628211
	}
	return (h ^ '/') * 1099511628211
}

// killed is what a parked task panics with when its world ends.
var killed = new(int)

func (i *Island) newTask(g *group, n *node, role string, run func() error) {
	t := &task{island: i, node: n, role: role, index: len(i.tasks), id: n.pathHash(), group: g}
	t.run = func() {
		defer func() {
			if !t.rests {
				g.leave()
			}
		}()
		if err := run(); err != nil && g.first == nil {
			g.first = err
		}
	}
	if role != "" {
		t.id = spread(t.id)
	}
	t.alarm.task, t.alarm.island, t.alarm.index = t, i, -1
	i.tasks = append(i.tasks, t)
	i.ready = append(i.ready, t)
}

func (i *Island) remove(t *task) {
	t.state = taskEnded
	t.fiber, t.run = nil, nil
	last := len(i.tasks) - 1
	i.tasks[t.index] = i.tasks[last]
	i.tasks[t.index].index = t.index
	i.tasks[last] = nil
	i.tasks = i.tasks[:last]
}

// leave takes a task that has ended out of its group.
func (g *group) leave() {
	g.members--
	if g.members == 0 {
		g.empty.wake()
	}
}

// kill ends all tasks where they stand.
func (i *Island) kill() {
	for len(i.tasks) > 0 {
		t := i.tasks[len(i.tasks)-1]
		t.state = taskEnded
		t.unheed()
		t.alarm.Stop()
		i.current = t
		if t.fiber != nil {
			t.fiber.stop()
		} else {
			t.group.leave()
		}
		i.current = nil
		i.remove(t)
	}
	i.ready, i.next, i.alarms, i.out, i.ends = nil, nil, nil, nil, nil
}

// park gives the turn away until wakeUp.
func (t *task) park() {
	t.state = taskParked
	t.giveTurn()
}

func (t *task) giveTurn() {
	if !t.fiber.yield(struct{}{}) {
		t.fiber.over = true
		panic(killed)
	}
}

func (t *task) wakeUp(why wakeReason) {
	i := t.island
	t.state, t.reason = taskReady, why
	i.ready = append(i.ready, t)
	i.sched.touch(i)
}

// mustBeHere panics when the call does not come from the task's goroutine.
func (t *task) mustBeHere() {
	if !bytes.Equal(t.home, goroutine()) {
		panic("actor: an ordinary goroutine called into a simulation; only actors may (" + t.path() + " has the turn)")
	}
}

// goroutine returns the name of the calling one.
func goroutine() []byte {
	var text [64]byte
	line := text[:runtime.Stack(text[:], false)]
	name, _, _ := bytes.Cut(line, []byte(" ["))
	return bytes.Clone(name)
}

// check panics when an actor runs and the call is not its own, if calls are
// checked.
func (i *Island) check() {
	if !i.sched.options.Check {
		return
	}
	if !i.sched.parallel {
		i = i.sched.running
	}
	if i != nil && i.current != nil {
		i.current.mustBeHere()
	}
}
