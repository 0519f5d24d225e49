package actor

import (
	"fmt"
	"strings"
	"time"
)

// A Node is what can be seen of an actor, and of everything below it, at one
// moment. It is read without asking the actor, so one that is stuck shows too.
type Node struct {
	Path     string
	Name     string
	State    string        // what the actor says it does
	Since    time.Time     // since when
	Born     time.Time     // when it was started for the first time
	Waits    string        // what it waits for; empty while it runs
	WaitsOn  string        // the path of the actor it waits for, if it is one
	Restarts int           // incarnations before this one
	LastErr  error         // why the one before failed
	Overdue  bool          // told to stop, and late
	Stopping bool          // told to stop
	Mailbox  *BoxLoad      // nil: it has none
	Details  []Detail      // what it noted, in the order it did first
	Children []Node        // in start order
	Failures []Failure     // root only: the last failures in the tree, oldest first
	Age      time.Duration // since Born
}

// A Detail is one note or gauge of an actor.
type Detail struct{ Key, Value string }

// A Failure is the bad end of one incarnation somewhere in the tree. Err is an
// [*ExitError] with the path; a panic's stack is in it, as a [*PanicError].
type Failure struct {
	Path string
	At   time.Time
	Err  error
}

func (w *waitNote) String() string {
	if w.on == nil {
		return w.what
	}
	return w.what + " " + w.on.path()
}

func (n *node) snapshot() (v Node) {
	n.show(&v, n.system.carrier.now())
	return v
}

// show fills in what can be seen of an actor and of those below it.
func (n *node) show(v *Node, now time.Time) {
	v.Path, v.Name = n.path(), n.name
	n.mu.Lock()
	v.State, v.Since, v.Born = n.state, n.born.Add(n.since), n.born
	v.Overdue, v.Stopping = n.overdue, n.told != nil
	if n.again != nil {
		v.Restarts, v.LastErr = n.again.number, n.again.lastErr
	}
	var gauges []gauge
	var gauger Gauger
	if d := n.details; d != nil {
		for _, note := range d.notes {
			v.Details = append(v.Details, Detail{note.key, note.value})
		}
		gauges, gauger = append(gauges, d.gauges...), d.gauger
	}
	n.mu.Unlock()
	v.Age = max(now.Sub(v.Born), 0)
	for _, g := range gauges {
		v.Details = append(v.Details, Detail{g.key, fmt.Sprint(g.read())})
	}
	if gauger != nil {
		gauger.Gauges(func(key string, value int64) {
			v.Details = append(v.Details, Detail{key, fmt.Sprint(value)})
		})
	}
	if w := n.wait.Load(); w != nil {
		v.Waits = w.String()
		if w.on != nil {
			v.WaitsOn = w.on.path()
		}
	}
	if s := n.self.Load(); s != nil {
		s.mu.Lock()
		b := s.box
		below := s.children.all()
		s.mu.Unlock()
		if b != nil {
			load := b.Load()
			v.Mailbox = &load
		}
		if len(below) > 0 {
			v.Children = make([]Node, len(below))
		}
		for i, c := range below {
			c.show(&v.Children[i], now)
		}
	}
	if n.parent == nil {
		n.system.mu.Lock()
		v.Failures = append([]Failure(nil), n.system.failures...)
		n.system.mu.Unlock()
	}
}

// Find returns the node with the given path, itself or below, and whether there
// is one.
func (v Node) Find(path string) (Node, bool) {
	if v.Path == path {
		return v, true
	}
	for _, c := range v.Children {
		if path == c.Path || strings.HasPrefix(path, c.Path+"/") {
			return c.Find(path)
		}
	}
	return Node{}, false
}

// Count is how many actors the node shows, itself included.
func (v Node) Count() int {
	n := 1
	for _, c := range v.Children {
		n += c.Count()
	}
	return n
}

// String draws the tree, a line an actor.
func (v Node) String() string {
	var b strings.Builder
	v.draw(&b, "", "")
	for _, f := range v.Failures {
		fmt.Fprintf(&b, "failed: %v\n", f.Err)
	}
	return b.String()
}

func (v Node) draw(b *strings.Builder, lead, below string) {
	b.WriteString(lead)
	b.WriteString(v.Name)
	if text := v.text(); text != "" {
		b.WriteString("  " + text)
	}
	b.WriteByte('\n')
	for i, c := range v.Children {
		if i == len(v.Children)-1 {
			c.draw(b, below+"└─ ", below+"   ")
		} else {
			c.draw(b, below+"├─ ", below+"│  ")
		}
	}
}

func (v Node) text() string {
	var parts []string
	add := func(format string, args ...any) { parts = append(parts, fmt.Sprintf(format, args...)) }
	if v.State != "" {
		add("%s", v.State)
	}
	for _, d := range v.Details {
		add("%s %s", d.Key, d.Value)
	}
	if v.Mailbox != nil && v.Mailbox.Waiting > 0 {
		add("mailbox %d/%d", v.Mailbox.Waiting, v.Mailbox.Limit)
	}
	if v.Restarts > 0 {
		add("restarts %d (%v)", v.Restarts, v.LastErr)
	}
	switch {
	case v.Overdue:
		add("OVERDUE")
	case v.Stopping:
		add("stopping")
	}
	if v.WaitsOn != "" || (v.Overdue && v.Waits != "") {
		add("waits for %s", v.Waits)
	}
	return strings.Join(parts, ", ")
}
