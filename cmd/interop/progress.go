package main

import (
	"fmt"
	"io"
	"os"

	"unicode/utf8"
)

// progress is told what runAll does, in order, by one goroutine.
type progress interface {
	begin(cells int)
	check(cell Cell, label string) // it begins
	result(cell Cell, r Result)
	cell(done CellReport)
	end()
	notes() io.Writer // for what an installation says
}

// progressOn is the progress for a file: one line that changes on a terminal, a
// line for each cell elsewhere, a line for each check if it is to be verbose.
func progressOn(f *os.File, verbose bool) progress {
	switch {
	case verbose:
		return &lineProgress{out: f, each: true}
	case isTerminal(f):
		return &liveProgress{out: f}
	default:
		return &lineProgress{out: f}
	}
}

// isTerminal says whether somebody looks at what is written to w.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok || os.Getenv("TERM") == "dumb" {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // a device of characters, too
	return err != nil || !os.SameFile(info, null)
}

// lineProgress writes lines that stay.
type lineProgress struct {
	out  io.Writer
	each bool // a line for each check, not for each cell
}

func (p *lineProgress) begin(int)          {}
func (p *lineProgress) check(Cell, string) {}
func (p *lineProgress) end()               {}
func (p *lineProgress) notes() io.Writer   { return p.out }

func (p *lineProgress) result(cell Cell, r Result) {
	if p.each || r.Status == Failed {
		fmt.Fprintln(p.out, resultLine(cell, r))
	}
}

func (p *lineProgress) cell(done CellReport) {
	fmt.Fprintf(p.out, "%s: %s in %.1f s\n", done.Cell, countOf(done.Results), done.TookMS/1e3)
}

// liveProgress writes one line over and over. Failures stay above it.
type liveProgress struct {
	out         io.Writer
	done, cells int

	failed int

	shown int // how many characters the line has
}

// lineWidth is how long the live line may be: a line that wraps cannot be taken
// back.
const lineWidth = 79

func (p *liveProgress) begin(cells int) { p.cells = cells }

func (p *liveProgress) check(cell Cell, label string) {
	line := fmt.Sprintf("[%d/%d] %s: %s", p.done+1, p.cells, cell, label)
	if p.failed > 0 {
		line += fmt.Sprintf(" (%d failed)", p.failed)
	}
	p.show(line)
}

func (p *liveProgress) result(cell Cell, r Result) {
	if r.Status != Failed {
		return
	}
	p.failed++
	p.show("")
	fmt.Fprintln(p.out, resultLine(cell, r))
}

func (p *liveProgress) cell(CellReport) { p.done++ }
func (p *liveProgress) end()            { p.show("") }

// notes takes the live line away before each piece of text.
func (p *liveProgress) notes() io.Writer { return clearing{p} }

type clearing struct{ *liveProgress }

func (c clearing) Write(b []byte) (int, error) {
	c.show("")
	return c.out.Write(b)
}

// show replaces the live line.
func (p *liveProgress) show(line string) {
	if utf8.RuneCountInString(line) > lineWidth {
		line = string([]rune(line)[:lineWidth-1]) + "…"
	}
	if line == "" && p.shown == 0 {
		return
	}
	p.shown = utf8.RuneCountInString(line)
	fmt.Fprintf(p.out, "\r\x1b[K%s", line)
}
