package sim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
)

// A Plan is a run as a file says it: its seed and all its faults. Played by
// [Run] (Config.Plan), the faults are those of the plan; what the scenario itself
// plans, by [World.At] and the like, is left out.
//
// The file is lines of JSON: the first one for the run, then one a fault.
//
//	{"seed":18,"failure":"eventually all delivered"}
//	{"kind":"crash","at":"5s","for":"2s","hosts":["host-3"],"forgets":true}
type Plan struct {
	Seed uint64
	// Failure is the signature of how the run failed, for people.
	Failure string
	Faults  []Fault
}

type planHead struct {
	Seed    uint64 `json:"seed"`
	Failure string `json:"failure,omitempty"`
}

// planLine is a Fault in a file.
type planLine struct {
	Kind     Kind       `json:"kind"`
	At       planTime   `json:"at"`
	Lasts    planTime   `json:"for,omitempty"`
	Hosts    []string   `json:"hosts,omitempty"`
	Sides    [][]string `json:"sides,omitempty"`
	Directed bool       `json:"one-way,omitempty"`
	Forgets  bool       `json:"forgets,omitempty"`
	By       planTime   `json:"by,omitempty"`
	Jitter   planTime   `json:"jitter,omitempty"`
	Rate     int64      `json:"rate,omitempty"`
	Loss     PPM        `json:"loss,omitempty"`
	Flip     PPM        `json:"flip,omitempty"`
}

func lineOf(f Fault) planLine {
	return planLine{
		f.Kind, planTime(f.At), planTime(f.Lasts), f.Hosts, f.Sides, f.Directed, f.Forgets,
		planTime(f.By), planTime(f.Jitter), f.Rate, f.Loss, f.Flip,
	}
}

func (l planLine) fault() Fault {
	return Fault{
		l.Kind, time.Duration(l.At), time.Duration(l.Lasts), l.Hosts, l.Sides, l.Directed, l.Forgets,
		time.Duration(l.By), time.Duration(l.Jitter), l.Rate, l.Loss, l.Flip,
	}
}

// MarshalJSON writes the fault as a line of a [Plan] has it.
func (f Fault) MarshalJSON() ([]byte, error) { return json.Marshal(lineOf(f)) }

// UnmarshalJSON reads what a line of a [Plan] has. A field that there is not, and
// a fault that makes no sense, are errors.
func (f *Fault) UnmarshalJSON(data []byte) error {
	var l planLine
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(&l); err != nil {
		return err
	}
	read := l.fault()
	if err := read.check(); err != nil {
		return err
	}
	*f = read
	return nil
}

// A planTime is a duration as text.
type planTime time.Duration

// MarshalText writes it as time.Duration does.
func (d planTime) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads what time.ParseDuration reads.
func (d *planTime) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = planTime(v)
	return err
}

// WriteTo writes the plan's file.
func (p *Plan) WriteTo(w io.Writer) (int64, error) {
	var b bytes.Buffer
	lines := json.NewEncoder(&b)
	lines.SetEscapeHTML(false)
	err := lines.Encode(planHead{p.Seed, p.Failure})
	for _, f := range p.Faults {
		if err == nil {
			err = lines.Encode(lineOf(f))
		}
	}
	if err != nil {
		return 0, err
	}
	return b.WriteTo(w)
}

// maxPlanLine bounds a line of a plan: a partition of ten thousand hosts fits.
const maxPlanLine = 1 << 20

// ReadPlan reads a plan. The error says in which line something is wrong.
func ReadPlan(r io.Reader) (*Plan, error) {
	p := &Plan{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxPlanLine)
	read := func(n int, into any) error {
		d := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		d.DisallowUnknownFields()
		err := d.Decode(into)
		if err == nil && d.InputOffset() < int64(len(bytes.TrimRight(lines.Bytes(), " \t\r"))) {
			err = fmt.Errorf("there is more than one value")
		}
		if err != nil {
			return fmt.Errorf("sim: line %d of the plan: %w", n, err)
		}
		return nil
	}
	n := 0
	for lines.Scan() {
		n++
		if n == 1 {
			var head planHead
			if err := read(n, &head); err != nil {
				return nil, err
			}
			p.Seed, p.Failure = head.Seed, head.Failure
			continue
		}
		var l planLine
		if err := read(n, &l); err != nil {
			return nil, err
		}
		f := l.fault()
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("line %d of the plan: %w", n, err)
		}
		p.Faults = append(p.Faults, f)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("sim: read the plan: %w", err)
	}
	if n == 0 {
		return nil, fmt.Errorf("sim: the plan is empty: its first line is like {\"seed\":1}")
	}
	return p, nil
}
