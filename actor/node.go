package actor

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// A node is an actor's place in the tree. It outlives the incarnations.
type node struct {
	ref       Ref
	name      string
	parent    *Self // the parent's incarnation; nil at the root
	system    *system
	carrier   carrier
	fate      fate
	grace     time.Duration
	report    func(err error) // fate reported: told of the end
	temporary bool            // fate kept: never restarted
	escalates bool            // fate kept: its restarts are used up
	born      time.Time

	prev, next *node // siblings, guarded by parent.mu

	self     atomic.Pointer[Self] // the running incarnation
	wait     atomic.Pointer[waitNote]
	ended    latch
	stopGate parking // wakes a pause between incarnations; nil without restarts

	mu       sync.Mutex
	fullPath string
	state    string
	since    time.Time
	told     error // the cause it was told to end with
	err      error // why it ended
	lastErr  error // of the last failed incarnation
	restarts int
	overdue  bool
	notes    []note
	gauges   []gauge
	gone     bool // ended for good
	atEnd    []*hook
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
	crash    bool // let panics through
	root     *node
	group    group // of the root alone
	late     latch // opens when the stop of the root is over but not complete
	mu       sync.Mutex
	over     bool // the root has ended
	overdue  []Overdue
	failures []Failure // the last few, oldest first
}

// maxFailures is how many failures a tree remembers: enough to see what went
// wrong, a fixed amount of memory.
const maxFailures = 32

func (sys *system) failed(n *node, err error) {
	f := Failure{Path: n.path(), At: sys.carrier.now(), Err: err}
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

// waiting notes what the actor waits for, in the tree and for the search for
// cycles; nil ends the wait.
func (n *node) waiting(w *waitNote) { n.wait.Store(w) }

func (n *node) setState(state string) {
	now := n.carrier.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.state, n.since = state, now
}

func (n *node) setNote(key, value string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.notes {
		if n.notes[i].key == key {
			n.notes[i].value = value
			return
		}
	}
	n.notes = append(n.notes, note{key, value})
}

func (n *node) addGauge(key string, read func() int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := range n.gauges {
		if n.gauges[i].key == key {
			n.gauges[i].read = read
			return
		}
	}
	n.gauges = append(n.gauges, gauge{key, read})
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
	if n.stopGate != nil {
		n.stopGate.wake()
	}
}

// onEnded has f called when the actor has ended for good; at once if it has.
func (n *node) onEnded(f func()) (forget func()) {
	h := &hook{f}
	n.mu.Lock()
	if n.gone {
		n.mu.Unlock()
		f()
		return func() {}
	}
	n.atEnd = append(n.atEnd, h)
	n.mu.Unlock()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.atEnd = slices.DeleteFunc(n.atEnd, func(other *hook) bool { return other == h })
	}
}

type hook struct{ call func() }

// children are an incarnation's living children in start order.
type children struct {
	first, last *node
	live        int
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
