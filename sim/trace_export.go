package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// WriteFile writes a file as its name says: .txt as [Trace.WriteText], .jsonl as
// [Trace.WriteJSONL], .json as [Trace.WritePerfetto], any other as [Trace.WriteTo].
func (t *Trace) WriteFile(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	switch filepath.Ext(path) {
	case ".txt":
		err = t.WriteText(file)
	case ".jsonl":
		err = t.WriteJSONL(file)
	case ".json":
		err = t.WritePerfetto(file)
	default:
		_, err = t.WriteTo(file)
	}
	return errors.Join(err, file.Close())
}

// WriteText writes a line for each event, for people and for diff.
func (t *Trace) WriteText(w io.Writer) error {
	return t.export(w, func(out *bufio.Writer, n int, e Event) error {
		_, err := fmt.Fprintf(out, "%d %v\n", n, e)
		return err
	})
}

// WriteJSONL writes a JSON object for each event, a line each: its number "n",
// its time "at" in nanoseconds, its "kind" and its "text".
func (t *Trace) WriteJSONL(w io.Writer) error {
	return t.export(w, func(out *bufio.Writer, n int, e Event) error {
		line, err := json.Marshal(struct {
			N    int    `json:"n"`
			At   int64  `json:"at"`
			Kind string `json:"kind"`
			Text string `json:"text"`
		}{n, int64(e.At), e.Kind.String(), e.Text})
		out.Write(append(line, '\n'))
		return err
	})
}

// export writes all events with one function.
func (t *Trace) export(w io.Writer, write func(*bufio.Writer, int, Event) error) error {
	out := bufio.NewWriter(w)
	c := t.Cursor()
	for n := 1; c.Next(); n++ {
		if err := write(out, n, c.Event()); err != nil {
			return err
		}
	}
	if c.Err() != nil {
		return c.Err()
	}
	return out.Flush()
}

// A slice is one event of the Trace Event Format, which Perfetto and Chrome
// read (Google, Trace Event Format, "JSON Array Format").
type slice struct {
	Name string         `json:"name"`
	Ph   string         `json:"ph"` // B begin, E end, i instant, X complete, M metadata, b and e of a span
	Ts   float64        `json:"ts"` // microseconds
	Dur  float64        `json:"dur,omitempty"`
	Pid  int            `json:"pid"`
	Tid  int            `json:"tid"`
	Cat  string         `json:"cat,omitempty"`
	ID   string         `json:"id,omitempty"`
	S    string         `json:"s,omitempty"`
	Args map[string]any `json:"args,omitempty"`
}

// WritePerfetto writes a file that https://ui.perfetto.dev and chrome://tracing
// open: each host is a process, each of its actors a thread, each turn a slice of
// a nanosecond, and what goes wrong stands as spans in a process of its own.
func (t *Trace) WritePerfetto(w io.Writer) error {
	p := &perfetto{pids: map[string]int{}, tids: map[string][2]int{}, open: map[string]int{}}
	p.out = bufio.NewWriter(w)
	p.out.WriteString("[\n")
	p.process("the world")
	c := t.Cursor()
	for c.Next() {
		p.event(c.Event())
	}
	if p.err == nil {
		p.err = c.Err()
	}
	p.out.WriteString("\n]\n")
	if err := p.out.Flush(); p.err == nil {
		p.err = err
	}
	return p.err
}

type perfetto struct {
	out   *bufio.Writer
	err   error
	some  bool
	pids  map[string]int
	tids  map[string][2]int // of an actor: its process and thread
	open  map[string]int    // the numbers of the faults that last
	spans int
}

func (p *perfetto) write(s slice) {
	line, err := json.Marshal(s)
	if err != nil && p.err == nil {
		p.err = err
	}
	if p.some {
		p.out.WriteString(",\n")
	}
	p.some = true
	p.out.Write(line)
}

// process returns the number of a host's process.
func (p *perfetto) process(name string) int {
	pid, known := p.pids[name]
	if !known {
		pid = len(p.pids) + 1
		p.pids[name] = pid
		p.write(slice{Name: "process_name", Ph: "M", Pid: pid, Args: map[string]any{"name": name}})
	}
	return pid
}

// thread returns the process and the thread of an actor.
func (p *perfetto) thread(path string) [2]int {
	at, known := p.tids[path]
	if !known {
		parts := strings.SplitN(path, "/", 3)
		at = [2]int{p.process("the world"), len(p.tids) + 1}
		if len(parts) > 1 {
			at[0] = p.process(parts[1])
		}
		p.tids[path] = at
		p.write(slice{Name: "thread_name", Ph: "M", Pid: at[0], Tid: at[1], Args: map[string]any{"name": path}})
	}
	return at
}

func (p *perfetto) event(e Event) {
	s := slice{Name: e.Text, Ph: "i", S: "g", Ts: float64(e.At) / float64(time.Microsecond), Pid: 1, Cat: e.Kind.String()}
	switch e.Kind {
	case EventStep:
		at := p.thread(e.Text)
		s.Ph, s.S, s.Dur, s.Pid, s.Tid = "X", "", 0.001, at[0], at[1]
		s.Name = e.Text[strings.LastIndexByte(e.Text, '/')+1:]
	case EventBegin:
		p.spans++
		p.open[e.Text] = p.spans
		s.Ph, s.S, s.Cat, s.ID, s.Pid = "b", "", "fault", fmt.Sprint(p.spans), p.process("faults")
	case EventEnd:
		s.Ph, s.S, s.Cat, s.ID, s.Pid = "e", "", "fault", fmt.Sprint(p.open[e.Text]), p.process("faults")
	case EventUp, EventDown:
		s.Name, s.S, s.Pid = e.Kind.String(), "p", p.process(e.Text)
	}
	p.write(s)
}
