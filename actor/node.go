package actor

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// A node is an actor's place in the tree. It outlives the incarnations.
type node struct {
	ref    Ref
	name   string
	parent *Self // the parent's incarnation; nil at the root
	system *system
	body   Func
	runs   func() error // run
	again  *restarts    // nil: never restarted
	grace  time.Duration
	born   time.Time

	fate      fate
	lasting   bool // temporary, but does not end by itself: a tree in a tree
	temporary bool // fate kept: never restarted, and no more to the parent than that
	escalates bool // fate kept: its failure is the parent's after all
	brief     bool // profiles show it as its parent
	patient   bool // its body stops others one by one and has no grace of its own
	reported  bool // as overdue; guarded by system.mu
	overdue   bool // guarded by mu
	gone      bool // ended for good; guarded by mu

	prev, next *node // siblings, guarded by parent.mu

	self   atomic.Pointer[Self] // the running incarnation
	wait   atomic.Pointer[waitNote]
	ended  latch
	report func(err error) // fate reported: told of the end

	mu       sync.Mutex
	fullPath string
	labels   context.Context // has the labels of its goroutine; nil until one more needs them
	state    string
	since    time.Duration // from its birth
	told     error         // the cause it was told to end with
	err      error         // why it ended
	details  *details
	atEnd    *hook // the last one registered
}

// restarts are what only an actor that is restarted has.
type restarts struct {
	plan    Restart
	gate    parking // wakes a pause between incarnations
	number  int     // of the incarnation; guarded by mu of the node, as lastErr
	lastErr error   // of the last failed incarnation
}

// details are what an actor put into the tree about itself.
type details struct {
	notes  []note
	gauges []gauge
	gauger Gauger
}

// fate is what an actor's end means to its parent.
type fate uint8

const (
	linked   fate = iota // its failure is the parent's
	kept                 // supervised: its failure is the parent's when restarts are used up
	reported             // its end is a message to the group's supervisor
)

type note struct{ key, value string }

type gauge struct {
	key  string
	read func() int64
}

// waitNote says what an actor waits for; it is set only where a goroutine parks
// anyway.
type waitNote struct {
	what string
	on   *node // the owner of the mailbox that is waited for, if any
}

// system is what the actors of one tree share.
type system struct {
	carrier  carrier
	crash    bool            // let panics through
	base     context.Context // has the values of what the tree was started with, and no end
	root     *node
	group    group      // of the root alone
	late     latch      // opens when the stop of the root is over but not complete
	cycles   sync.Mutex // held by one who confirms a cycle of waits
	mu       sync.Mutex
	over     bool // the root has ended
	overdue  []Overdue
	failures []Failure // the last few, oldest first
}

// maxFailures is how many failures a tree remembers: enough to see what went
// wrong, a fixed amount of memory.
const maxFailures = 32

// failed remembers a failure, at the actor where it happened and not again at
// those that fail with it.
func (sys *system) failed(n *node, err error) {
	path := n.path()
	if exit, ok := err.(*ExitError); ok && exit.Path != path {
		return
	}
	f := Failure{Path: path, At: sys.carrier.now(), Err: err}
	if i := sys.carrier.simulator(); i != nil {
		i.sched.failed(f)
	}
	sys.mu.Lock()
	defer sys.mu.Unlock()
	if len(sys.failures) == maxFailures {
		copy(sys.failures, sys.failures[1:])
		sys.failures = sys.failures[:maxFailures-1]
	}
	sys.failures = append(sys.failures, f)
}

func (n *node) path() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.fullPath == "" {
		n.fullPath = n.name
		if n.parent != nil {
			n.fullPath = n.parent.node.path() + "/" + n.name
		}
	}
	return n.fullPath
}

// The waits that name nobody, made once: an actor parks often.
var (
	waitsForMessage  = &waitNote{what: "a message"}
	waitsForSleep    = &waitNote{what: "its sleep to end"}
	waitsForChildren = &waitNote{what: "its children to end"}
	waitsForRestart  = &waitNote{what: "its restart"}
)

// What an actor waits for of another one.
const (
	waitsForRoom   = "room in the mailbox of"
	waitsForAnswer = "an answer of"
	waitsForEnd    = "the end of"
)

// waiting notes what the actor waits for, in the tree and for the search for
// cycles; nil ends the wait.
func (n *node) waiting(w *waitNote) { n.wait.Store(w) }

func (n *node) setState(state string) {
	since := n.system.carrier.now().Sub(n.born)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state, n.since = state, since
}

func (n *node) setNote(key, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.detail()
	for i := range d.notes {
		if d.notes[i].key == key {
			d.notes[i].value = value
			return
		}
	}
	d.notes = append(d.notes, note{key, value})
}

func (n *node) addGauge(key string, read func() int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.detail()
	for i := range d.gauges {
		if d.gauges[i].key == key {
			d.gauges[i].read = read
			return
		}
	}
	d.gauges = append(d.gauges, gauge{key, read})
}

func (n *node) setGauger(g Gauger) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.detail().gauger = g
}

// detail is called with mu held.
func (n *node) detail() *details {
	if n.details == nil {
		n.details = &details{}
	}
	return n.details
}

func (n *node) toldCause() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.told
}

// tell notes that the actor has been told to end; the first cause stays.
func (n *node) tell(cause error) {
	n.mu.Lock()
	if n.told == nil {
		n.told = cause
	}
	n.mu.Unlock()
	if n.again != nil {
		n.again.gate.wake()
	}
}

// onEnded has f called when the actor has ended for good; at once if it has.
func (n *node) onEnded(f func()) (forget func()) {
	h := &hook{call: f}
	n.mu.Lock()
	if n.gone {
		n.mu.Unlock()
		f()
		return func() {}
	}
	h.before, n.atEnd = n.atEnd, h
	n.mu.Unlock()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		for at := &n.atEnd; *at != nil; at = &(*at).before {
			if *at == h {
				*at = h.before
				return
			}
		}
	}
}

// A hook is called at the end of an actor, after the one registered before.
type hook struct {
	call   func()
	before *hook
}

// run calls the hooks, the first one registered first.
func (h *hook) run() {
	if h != nil {
		h.before.run()
		h.call()
	}
}

// children are an incarnation's living children in start order.
type children struct {
	first, last *node
	live        int
}

func (c *children) all() []*node {
	if c.live == 0 {
		return nil
	}
	list := make([]*node, 0, c.live)
	for n := c.first; n != nil; n = n.next {
		list = append(list, n)
	}
	return list
}

func (c *children) add(n *node) {
	n.prev = c.last
	if c.last != nil {
		c.last.next = n
	} else {
		c.first = n
	}
	c.last = n
	c.live++
}

func (c *children) remove(n *node) {
	if n.prev != nil {
		n.prev.next = n.next
	} else {
		c.first = n.next
	}
	if n.next != nil {
		n.next.prev = n.prev
	} else {
		c.last = n.prev
	}
	n.prev, n.next = nil, nil
	c.live--
}
