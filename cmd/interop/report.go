package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"text/tabwriter"
	"time"
)

// Report is what run writes with --json.
type Report struct {
	Started string       `json:"started"` // RFC 3339, UTC
	System  string       `json:"system"`  // operating system/architecture
	Modules []Module     `json:"modules"` // the code that was run
	Passed  int          `json:"passed"`
	Failed  int          `json:"failed"`
	NotRun  int          `json:"not_run"`
	Cells   []CellReport `json:"cells"`
}

// A Module is one of the modules that were run, with its version.
type Module struct {
	Path    string `json:"path"`
	Version string `json:"version"`
}

// A CellReport is a cell with its results.
type CellReport struct {
	Cell
	Results []Result `json:"results"`
}

func newReport(started time.Time) *Report {
	r := &Report{
		Started: started.UTC().Format(time.RFC3339),
		System:  runtime.GOOS + "/" + runtime.GOARCH,
		Modules: []Module{{"go", runtime.Version()}},
		Cells:   []CellReport{},
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

func (r *Report) add(cell Cell, results []Result) {
	r.Cells = append(r.Cells, CellReport{cell, results})
	for _, result := range results {
		switch result.Status {
		case Passed:
			r.Passed++
		case Failed:
			r.Failed++
		default:
			r.NotRun++
		}
	}
}

// allPassed is false if anything failed, was not run, or if there was nothing.
func (r *Report) allPassed() bool { return r.Passed > 0 && r.Failed == 0 && r.NotRun == 0 }

// save writes the report to a file.
func (r *Report) save(file string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, '\n'), 0o644)
}

// table prints a row for each check and a column for each cell, then the reasons
// of what did not pass, then the sums.
func (r *Report) table(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	row := func(first string, cell func(c CellReport) string) {
		fmt.Fprint(w, first)
		for _, c := range r.Cells {
			fmt.Fprint(w, "\t", cell(c))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintln(w)
	row("", func(c CellReport) string { return c.Security + "/" + c.Muxer })
	row("", func(c CellReport) string { return c.Dialer + " dials " + c.Listener })
	if len(r.Cells) > 0 {
		for i, result := range r.Cells[0].Results {
			row(result.Check, func(c CellReport) string { return resultText(c.Results[i]) })
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, c := range r.Cells {
		for _, result := range c.Results {
			if result.Status != Passed {
				fmt.Fprintf(out, "\n%s, %s: %s\n   %s\n", c.Cell, result.Check, result.Status, result.Reason)
			}
		}
	}
	_, err := fmt.Fprintf(out, "\n%d passed, %d failed, %d not run\n", r.Passed, r.Failed, r.NotRun)
	return err
}

// resultText is a result as an entry of the table.
func resultText(r Result) string {
	switch r.Status {
	case Passed:
		text := fmt.Sprintf("passed %.1f ms", r.TookMS)
		// Below a megabyte the speed is that of the round trips.
		if r.Bytes >= 1<<20 && r.TookMS > 0 {
			text += fmt.Sprintf(" (%.0f MB/s)", float64(r.Bytes)/1e6/(r.TookMS/1e3))
		}
		return text
	case Failed:
		return "FAILED"
	default:
		return string(NotRun)
	}
}

// resultLine is a result as a line of its own.
func resultLine(cell Cell, r Result) string {
	line := fmt.Sprintf("%s, %s: %s", cell, r.Check, resultText(r))
	if r.Reason != "" {
		line += ": " + r.Reason
	}
	return line
}
