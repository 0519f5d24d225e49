package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"time"
)

// Report is what run writes with --json.
type Report struct {
	Started string   `json:"started"` // RFC 3339, UTC
	TookMS  float64  `json:"took_ms"`
	System  string   `json:"system"`  // operating system/architecture
	CPUs    int      `json:"cpus"`    // for comparing times
	Modules []Module `json:"modules"` // the Go code that was run
	// Versions are those that the peers told, by implementation and by package.
	Versions map[string]map[string]string `json:"versions"`
	// Interrupted says how far the run came, if it was interrupted.
	Interrupted string `json:"interrupted,omitempty"`
	Counts
	Cells []CellReport `json:"cells"`
	// Unseen are the known limits that apply to what was run and were not seen:
	// every check that they are about has passed.
	Unseen []Limit `json:"unseen_limits,omitempty"`

	known   []Limit
	started time.Time
}

// Counts say how often each status came.
type Counts struct {
	Passed int `json:"passed"`
	Failed int `json:"failed"`
	Cannot int `json:"cannot"`
	NotRun int `json:"not_run"`
}

// A Module is one of the Go modules that were run, with its version.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// A CellReport is a cell with its results.
type CellReport struct {
	Cell
	TookMS float64 `json:"took_ms"` // with the starts of the processes
	// Missing is the implementation that is not on this machine, if that is why the
	// cell was not run.
	Missing string   `json:"missing,omitempty"`
	Results []Result `json:"results"`

	versions map[string]map[string]string
	hopeless error
}

func newReport(started time.Time, known []Limit) *Report {
	r := &Report{
		Started:  started.UTC().Format(time.RFC3339),
		System:   runtime.GOOS + "/" + runtime.GOARCH,
		CPUs:     runtime.NumCPU(),
		Modules:  []Module{{"go", runtime.Version()}},
		Versions: map[string]map[string]string{},
		Cells:    []CellReport{},
		known:    known,
		started:  started,
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return r
	}
	for _, m := range info.Deps {
		switch m.Path {
		case "github.com/libp2p/go-libp2p", "github.com/libp2p/go-mplex", "github.com/multiformats/go-multistream",
			"github.com/troupe-p2p/troupe":
			r.Modules = append(r.Modules, Module{m.Path, m.Version})
		}
	}
	return r
}

func (r *Report) add(c CellReport) {
	r.Cells = append(r.Cells, c)
	n := countOf(c.Results)
	r.Passed += n.Passed
	r.Failed += n.Failed
	r.Cannot += n.Cannot
	r.NotRun += n.NotRun
	for impl, versions := range c.versions {
		r.Versions[impl] = versions
	}
}

// finish completes the report when the last cell is in it.
func (r *Report) finish(now time.Time) {
	r.TookMS = milliseconds(now.Sub(r.started))
	for _, l := range r.known {
		if tried, seen := r.tried(l); tried && !seen {
			r.Unseen = append(r.Unseen, l)
		}
	}
}

// tried says whether something that a limit is about was run, and whether the
// limit was seen.
func (r *Report) tried(l Limit) (tried, seen bool) {
	for _, c := range r.Cells {
		for _, result := range c.Results {
			if result.Status == NotRun || !l.applies(c.Cell, result.Check) {
				continue
			}
			tried = true
			seen = seen || result.Status == Cannot
		}
	}
	return tried, seen
}

func countOf(results []Result) Counts {
	var n Counts
	for _, r := range results {
		switch r.Status {
		case Passed:
			n.Passed++
		case Failed:
			n.Failed++
		case Cannot:
			n.Cannot++
		default:
			n.NotRun++
		}
	}
	return n
}

// String has what there is: "24 passed, 2 cannot".
func (n Counts) String() string {
	text := fmt.Sprintf("%d passed", n.Passed)
	for _, more := range []struct {
		n    int
		what Status
	}{{n.Failed, Failed}, {n.Cannot, Cannot}, {n.NotRun, NotRun}} {
		if more.n > 0 {
			text += fmt.Sprintf(", %d %s", more.n, more.what)
		}
	}
	return text
}

// verdict is nil if something passed, nothing failed, and everything was run but
// the cells of the optional implementations that are not on this machine.
func (r *Report) verdict(optional []string) error {
	if r.Interrupted != "" {
		return errInterrupted
	}
	for _, c := range r.Cells {
		n := countOf(c.Results)
		if n.Failed > 0 || n.NotRun > 0 && !slices.Contains(optional, c.Missing) {
			return errNotAll
		}
	}
	if r.Passed == 0 {
		return errNotAll
	}
	return nil
}

// save writes the report to a file.
func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}
