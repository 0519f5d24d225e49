package sim

import (
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// An EventKind says what an [Event] of a trace is.
type EventKind uint8

// The kinds of events.
const (
	EventStep    EventKind = 1 + iota // an actor ran until it had to wait; Text is its path
	EventLog                          // [World.Log]
	EventBegin                        // a fault begins; Text is the fault
	EventEnd                          // a fault ends
	EventUp                           // a host has started; Text is its name
	EventDown                         // a host is gone
	EventFailure                      // an actor failed, or the run did
)

// String is the kind's name in the exports.
func (k EventKind) String() string {
	names := [...]string{EventStep: "step", EventLog: "log", EventBegin: "begin", EventEnd: "end", EventUp: "up", EventDown: "down", EventFailure: "failure"}
	if int(k) >= len(names) || k == 0 {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return names[k]
}

// An Event is one thing that happened in a run.
type Event struct {
	At   time.Duration // virtual, since the start of the world
	Kind EventKind
	Text string
}

// String is the event as a line of a trace.
func (e Event) String() string { return fmt.Sprintf("%v %v %s", e.At, e.Kind, e.Text) }

// A Trace is all that happened in a run, in order: kept in a few bytes an event
// while the run goes on, written to a file ([Trace.WriteTo]), read again
// ([ReadTrace]), compared ([Compare]), and exported. It is not safe for use by
// several goroutines.
//
// The file is
//
//	"troupe sim trace 1\n"  seed
//	then for each event     kind, time since the last one, number of its text
//	                        0, length, text: the next text, ahead of its first event
//
// in unsigned varints, but for the kind, which is a byte.
type Trace struct {
	Seed   uint64
	events []byte
	count  int
	last   time.Duration
	texts  map[string]uint64
}

const traceMagic = "troupe sim trace 1\n"

// maxText bounds a text in a trace that is read.
const maxText = 1 << 20

// Len is how many events there are.
func (t *Trace) Len() int { return t.count }

// Size is how many bytes they take.
func (t *Trace) Size() int { return len(t.events) }

// add puts an event at the end. Times do not go back.
func (t *Trace) add(e Event) {
	n, known := t.texts[e.Text]
	if !known {
		if t.texts == nil {
			t.texts = make(map[string]uint64)
		}
		text := e.Text[:min(len(e.Text), maxText)]
		n = uint64(len(t.texts))
		t.texts[e.Text] = n
		t.events = append(t.events, 0)
		t.events = binary.AppendUvarint(t.events, uint64(len(text)))
		t.events = append(t.events, text...)
	}
	t.events = append(t.events, byte(e.Kind))
	t.events = binary.AppendUvarint(t.events, uint64(max(e.At-t.last, 0)))
	t.events = binary.AppendUvarint(t.events, n)
	t.last = max(t.last, e.At)
	t.count++
}

// WriteTo writes the file.
func (t *Trace) WriteTo(w io.Writer) (int64, error) {
	head := binary.AppendUvarint([]byte(traceMagic), t.Seed)
	n, err := w.Write(head)
	if err != nil {
		return int64(n), err
	}
	m, err := w.Write(t.events)
	return int64(n + m), err
}

// ReadTrace reads a file that [Trace.WriteTo] wrote. It reads r to its end and
// holds all of it.
func ReadTrace(r io.Reader) (*Trace, error) {
	all, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("sim: read the trace: %w", err)
	}
	if len(all) < len(traceMagic) || string(all[:len(traceMagic)]) != traceMagic {
		return nil, fmt.Errorf("sim: this is no trace of a simulation: it does not begin with %q", traceMagic)
	}
	all = all[len(traceMagic):]
	seed, n := binary.Uvarint(all)
	if n <= 0 {
		return nil, fmt.Errorf("sim: the trace has no seed")
	}
	t := &Trace{Seed: seed, events: all[n:], texts: make(map[string]uint64)}
	c := t.Cursor()
	for c.Next() {
		t.count++
		t.last = c.Event().At
	}
	for i, text := range c.texts {
		t.texts[text] = uint64(i)
	}
	return t, c.Err()
}

// A Cursor walks through a trace.
type Cursor struct {
	left  []byte
	texts []string
	event Event
	err   error
}

// Cursor returns a cursor before the first event.
func (t *Trace) Cursor() *Cursor { return &Cursor{left: t.events} }

// Next goes to the next event and reports whether there is one.
func (c *Cursor) Next() bool {
	for c.err == nil && len(c.left) > 0 {
		kind := c.left[0]
		c.left = c.left[1:]
		a := c.number()
		if kind == 0 {
			if a > uint64(len(c.left)) || a > maxText {
				c.fail()
				break
			}
			c.texts = append(c.texts, string(c.left[:a]))
			c.left = c.left[a:]
			continue
		}
		text := c.number()
		if c.err != nil || text >= uint64(len(c.texts)) || a > uint64(1<<63-1-c.event.At) {
			c.fail()
			break
		}
		c.event = Event{At: c.event.At + time.Duration(a), Kind: EventKind(kind), Text: c.texts[text]}
		return true
	}
	return false
}

// Event is where the cursor stands.
func (c *Cursor) Event() Event { return c.event }

// Err is why Next came to an end early, or nil.
func (c *Cursor) Err() error { return c.err }

func (c *Cursor) number() uint64 {
	v, n := binary.Uvarint(c.left)
	if n <= 0 {
		c.fail()
		return 0
	}
	c.left = c.left[n:]
	return v
}

func (c *Cursor) fail() {
	if c.err == nil {
		c.err = fmt.Errorf("sim: the trace is damaged %d bytes before its end", len(c.left))
	}
	c.left = nil
}
