package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// A Report is everything that was measured, as it stands in the JSON file. Tables,
// pages and plots are made of it alone, so they can be made again at any time.
type Report struct {
	Format      int           `json:"format"` // see format
	Began       time.Time     `json:"began"`
	Ended       time.Time     `json:"ended"`
	Machine     Machine       `json:"machine"`
	Versions    []Version     `json:"versions"`
	Rounds      int           `json:"rounds"` // that were wanted
	Time        time.Duration `json:"time"`   // of one measurement
	Interrupted string        `json:"interrupted,omitempty"`
	Rows        []*RowReport  `json:"rows"`
}

// format is the number of the file's format.
const format = 1

// A RowReport is what came of a row.
type RowReport struct {
	Row
	// Load is the machine's load average over a minute when the row began, of each
	// round; nil where the system does not tell.
	Load []float64 `json:"load"`
	// Got has one entry for each of Who.
	Got []Outcome `json:"got"`
	// Verdicts are those of Bars; they are computed, and in the file for programs
	// that read it.
	Verdicts []Verdict `json:"verdicts,omitempty"`
}

// An Outcome is what one contender did in a row.
type Outcome struct {
	Who     string   `json:"who"`
	Samples []Sample `json:"samples"`
}

// A Sample is one measurement: figures, or why there are none.
type Sample struct {
	Round   int     `json:"round"`
	Figures Figures `json:"figures,omitempty"`
	Error   string  `json:"error,omitempty"`
}

func newReport(rows []Row, rounds int, each time.Duration, now time.Time) *Report {
	r := &Report{Format: format, Began: now, Ended: now, Machine: thisMachine(), Versions: versions(), Rounds: rounds, Time: each}
	for _, row := range rows {
		report := &RowReport{Row: row}
		for _, who := range row.Who {
			report.Got = append(report.Got, Outcome{Who: who})
		}
		r.Rows = append(r.Rows, report)
	}
	return r
}

// add adds a sample.
func (r *RowReport) add(who string, s Sample) {
	i := slices.IndexFunc(r.Got, func(o Outcome) bool { return o.Who == who })
	r.Got[i].Samples = append(r.Got[i].Samples, s)
}

// row is the row of a name, or nil.
func (r *Report) row(name string) *RowReport {
	i := slices.IndexFunc(r.Rows, func(row *RowReport) bool { return row.Name == name })
	if i < 0 {
		return nil
	}
	return r.Rows[i]
}

// values are the values of a figure over the rounds, as far as there are some.
func (r *RowReport) values(who, figure string) (v []float64) {
	for _, o := range r.Got {
		if o.Who != who {
			continue
		}
		for _, s := range o.Samples {
			if f, ok := s.Figures[figure]; ok && s.Error == "" {
				v = append(v, f)
			}
		}
	}
	return v
}

// failures are the samples of a contender that have no figures.
func (r *RowReport) failures(who string) (failed []Sample, of int) {
	for _, o := range r.Got {
		if o.Who == who {
			for _, s := range o.Samples {
				if s.Error != "" {
					failed = append(failed, s)
				}
			}
			of += len(o.Samples)
		}
	}
	return failed, of
}

// failed is how many measurements have failed.
func (r *Report) failed() (n int) {
	for _, row := range r.Rows {
		for _, o := range row.Got {
			f, _ := row.failures(o.Who)
			n += len(f)
		}
	}
	return n
}

// judge computes the verdicts.
func (r *Report) judge() {
	for _, row := range r.Rows {
		row.Verdicts = nil
		for _, b := range row.Bars {
			row.Verdicts = append(row.Verdicts, r.verdict(row, b))
		}
	}
}

// save writes the report to a file, whole or not at all.
func (r *Report) save(file string) error {
	r.judge()
	b, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), filepath.Base(file)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(append(b, '\n'))
	if err := errors.Join(err, f.Chmod(0o644), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), file)
}

// load reads a report.
func load(file string) (*Report, error) {
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var r Report
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if r.Format != format {
		return nil, fmt.Errorf("%s is of format %d, and this program reads format %d", file, r.Format, format)
	}
	r.judge()
	return &r, nil
}
