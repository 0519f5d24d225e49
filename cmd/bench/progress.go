package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
	"golang.org/x/term"
)

// progress is told what is done, in order, by one goroutine.
type progress interface {
	building(who string)
	begin(r *Report)
	measuring(round int, row *RowReport, who string) // it begins
	measured(round int, row *RowReport, who string, s Sample)
	end()
}

// progressOn is a bar on a terminal, and lines elsewhere.
func progressOn(f *os.File) progress {
	if term.IsTerminal(int(f.Fd())) && os.Getenv("TERM") != "dumb" {
		return &liveProgress{out: f}
	}
	return &lineProgress{out: f}
}

// lineProgress writes a line for each row and round.
type lineProgress struct {
	out    io.Writer
	rounds int
	row    []string // what this row's contenders have got
}

func (p *lineProgress) building(who string)               { fmt.Fprintf(p.out, "building the %s\n", who) }
func (p *lineProgress) begin(r *Report)                   { p.rounds = r.Rounds }
func (p *lineProgress) measuring(int, *RowReport, string) {}
func (p *lineProgress) end()                              {}

func (p *lineProgress) measured(round int, row *RowReport, who string, s Sample) {
	result := "failed"
	if s.Error == "" {
		result = number(s.Figures[row.Figure])
	}
	if p.row = append(p.row, who+" "+result); len(p.row) == len(row.Who) {
		fmt.Fprintf(p.out, "round %d of %d: %s: %s (%s)\n", round, p.rounds, row.Name, strings.Join(p.row, ", "), row.Figure)
		p.row = nil
	}
	if s.Error != "" {
		fmt.Fprintln(p.out, failure(round, row, who, s))
	}
}

func failure(round int, row *RowReport, who string, s Sample) string {
	return fmt.Sprintf("round %d: %s: %s failed: %s", round, row.Name, who, s.Error)
}

// liveProgress has one bar at the bottom of a terminal. Failures stay above it.
type liveProgress struct {
	out  io.Writer
	bars *mpb.Progress
	bar  *mpb.Bar
	now  atomic.Pointer[string] // what is measured
}

func (p *liveProgress) building(who string) { fmt.Fprintf(p.out, "building the %s\n", who) }

func (p *liveProgress) begin(r *Report) {
	total := 0
	for _, row := range r.Rows {
		total += len(row.Who)
	}
	p.now.Store(new(string))
	p.bars = mpb.New(mpb.WithOutput(p.out), mpb.WithWidth(24), mpb.WithAutoRefresh())
	p.bar = p.bars.New(int64(total*r.Rounds), mpb.BarStyle(),
		mpb.AppendDecorators(decor.Percentage(), decor.Name(" "), decor.OnComplete(decor.AverageETA(decor.ET_STYLE_GO), ""),
			decor.Name(" left, "), decor.Any(func(decor.Statistics) string { return *p.now.Load() })))
}

func (p *liveProgress) measuring(round int, row *RowReport, who string) {
	text := fmt.Sprintf("round %d, %s: %s", round, row.Name, who)
	p.now.Store(&text)
}

func (p *liveProgress) measured(round int, row *RowReport, who string, s Sample) {
	if s.Error != "" {
		fmt.Fprintln(p.bars, failure(round, row, who, s))
	}
	p.bar.Increment()
}

// end takes the bar away: the table comes next.
func (p *liveProgress) end() {
	p.bar.Abort(true)
	p.bars.Wait()
}
