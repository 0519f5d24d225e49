package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/vbauerster/mpb/v8"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/sim"
)

// A simReport is what came of a run: the object that --json prints.
type simReport struct {
	Event       string       `json:"event"`
	Scenario    string       `json:"scenario"`
	Seed        uint64       `json:"seed"`
	Ended       string       `json:"ended"` // done, failed, interrupted or stopped
	Failure     string       `json:"failure,omitempty"`
	Stopped     string       `json:"stopped_at,omitempty"`
	Virtual     float64      `json:"virtual_seconds"`
	Wall        float64      `json:"wall_seconds"`
	Events      uint64       `json:"events"`
	Hash        string       `json:"hash"`
	Traffic     []flowResult `json:"traffic"`
	Hosts       []hostResult `json:"hosts"`
	Connections []look       `json:"connections"`
	Faults      []faultSpan  `json:"faults"`
	Trees       []treeNode   `json:"trees,omitempty"`
}

func (r *simRun) report(result sim.Result, err error, wall time.Duration) *simReport {
	s := &simReport{
		Event: "result", Scenario: r.name, Seed: r.seed, Ended: "done", Virtual: result.Elapsed.Seconds(), Wall: wall.Seconds(),
		Events: r.events, Hash: fmt.Sprintf("%016x", result.Hash), Hosts: r.hosts, Connections: r.looks, Faults: []faultSpan{},
	}
	switch {
	case errors.Is(err, errInterrupted):
		s.Ended = "interrupted"
	case errors.Is(err, errAtStop):
		s.Ended = "stopped"
	case err != nil:
		s.Ended, s.Failure = "failed", sim.FailureOf(err).Error()
	}
	for _, t := range r.traffic {
		s.Traffic = append(s.Traffic, t.flow.result())
	}
	for _, f := range r.spans {
		s.Faults = append(s.Faults, *f)
	}
	return s
}

// show prints the report for people.
func (p *program) show(r *simReport) {
	p.say("%s", p.look(lookBold, r.Scenario))
	p.say("%s", p.look(lookDim, fmt.Sprintf("seed %d, %s, %s virtual, %d events, trace %s",
		r.Seed, count(len(r.Hosts), "host"), timeText(seconds(r.Virtual)), r.Events, r.Hash)))
	p.say("")
	rows := [][]string{{"traffic", "sent", "due", "arrived", "", "p50", "p90", "p99", "most"}}
	for _, f := range r.Traffic {
		rows = append(rows, []string{f.Name, fmt.Sprint(f.Sent), fmt.Sprint(f.Due), fmt.Sprint(f.Arrived), percentText(f.Arrived, f.Due),
			delayText(f, f.P50), delayText(f, f.P90), delayText(f, f.P99), delayText(f, f.Most)})
	}
	p.table(rows)
	p.say("")
	rows = [][]string{{"host", "starts", "sent", "received"}}
	var sent, received int64
	for _, h := range r.Hosts {
		sent, received = sent+h.Sent, received+h.Received
	}
	busy := slices.Clone(r.Hosts)
	slices.SortStableFunc(busy, func(a, b hostResult) int { return int(b.Sent + b.Received - a.Sent - a.Received) })
	for _, h := range busy[:min(len(busy), busiest)] {
		rows = append(rows, []string{h.Name, fmt.Sprint(h.Starts), bytesText(h.Sent), bytesText(h.Received)})
	}
	if more := len(busy) - busiest; more > 0 {
		rows = append(rows, []string{fmt.Sprintf("… %d more", more), "", "", ""})
	}
	p.table(append(rows, []string{"all", "", bytesText(sent), bytesText(received)}))
	if len(r.Faults) > 0 {
		p.say("")
		for _, f := range r.Faults[:min(len(r.Faults), 12)] {
			until := "was not over"
			if f.Until >= 0 {
				until = "until " + timeText(seconds(f.Until))
			}
			_, what, _ := strings.Cut(f.Text, " ")
			p.say("  %s  %s", pad(timeText(seconds(f.From)), 9), p.look(lookYellow, cut(what+", "+until, max(p.width-14, 20))))
		}
		if more := len(r.Faults) - 12; more > 0 {
			p.say("  … %d more", more)
		}
	}
	p.say("")
	switch r.Ended {
	case "stopped":
		p.say("%s", p.look(lookCyan, "stopped at "+r.Stopped))
	case "done":
		p.say("%s", p.look(lookGreen, "done: nobody panicked, waited in vain or left anything behind"))
	}
}

// busiest is how many hosts the table has.
const busiest = 10

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func delayText(f flowResult, s float64) string {
	if f.Arrived == 0 {
		return "–"
	}
	return timeText(seconds(s))
}

func percentText(part, all int) string {
	if all == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(all))
}

// table prints rows: the first column at the left, the others at the right.
func (c *console) table(rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], len([]rune(cell)))
		}
	}
	for n, row := range rows {
		line := "  " + pad(row[0], widths[0])
		for i, cell := range row[1:] {
			line += strings.Repeat(" ", 2+widths[i+1]-len([]rune(cell))) + cell
		}
		if n == 0 {
			line = c.look(lookDim, line)
		}
		c.say("%s", strings.TrimRight(line, " "))
	}
}

const seedHead = "  seed   arrived    p50        p99        faults  events     trace"

func (p *program) seedLine(r *simReport) string {
	due := 0
	var all []time.Duration
	for _, f := range r.Traffic {
		due += f.Due
		all = append(all, f.sorted...)
	}
	slices.Sort(all)
	line := fmt.Sprintf("  %-6d %-10s %-10s %-10s %-7d %-10d %s", r.Seed, percentText(len(all), due),
		timeText(seconds(quantile(all, 50))), timeText(seconds(quantile(all, 99))), len(r.Faults), r.Events, r.Hash)
	if r.Failure != "" {
		line += "\n         " + p.look(lookRed, cut(r.Failure, 2*p.width))
	}
	return line
}

// A simMeter shows how far a run has come: a bar, a line now and then, or objects.
// It is for people who wait, so its time is the real one.
type simMeter struct {
	*console
	whole time.Duration
	bars  *mpb.Progress
	bar   *mpb.Bar
	now   func() time.Time // the real one
	last  time.Time
}

func (p *program) simMeter(ctx context.Context, s *scenario) *simMeter {
	m := &simMeter{console: p.console, whole: s.duration, now: func() time.Time { return actor.Now(ctx) }, last: actor.Now(ctx)}
	if p.terminal && !p.json {
		m.bars = mpb.New(mpb.WithOutput(p.out), mpb.WithAutoRefresh(), mpb.WithRefreshRate(100*time.Millisecond))
		m.bar = newBar(m.bars, p.console, "virtual time", lookCyan, int64(s.duration), func() string { return "  of " + timeText(s.duration) }, mpb.BarRemoveOnComplete())
	}
	return m
}

func (m *simMeter) move(virtual time.Duration) {
	virtual = min(virtual, m.whole)
	if m.bar != nil {
		m.bar.SetCurrent(int64(virtual))
		return
	}
	every := lineEvery
	if m.json {
		every = jsonEvery
	}
	if now := m.now(); now.Sub(m.last) >= every {
		m.last = now
		m.say("%s of %s virtual", timeText(virtual), timeText(m.whole))
		m.emit(map[string]any{"event": "progress", "virtual_seconds": virtual.Seconds(), "of_seconds": m.whole.Seconds()})
	}
}

func (m *simMeter) end() {
	if m.bar != nil {
		m.bar.Abort(true)
		m.bars.Wait()
	}
}
