package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"
)

// table prints a row for each cell, then the reasons of what did not pass, then
// the sums.
func (r *Report) table(out io.Writer, terminal bool) error {
	ink := painter{on: terminal && os.Getenv("NO_COLOR") == ""}
	rows := [][]string{{"", "", "passed", "failed", "cannot", "not run", "time"}}
	paint := []func(string) string{ink.none}
	for _, c := range r.Cells {
		n := countOf(c.Results)
		rows = append(rows, []string{
			c.Security + "/" + c.Muxer, c.Dialer + " dials " + c.Listener,
			number(n.Passed), number(n.Failed), number(n.Cannot), number(n.NotRun), seconds(c.TookMS),
		})
		switch {
		case n.Failed > 0:
			paint = append(paint, ink.red)
		case n.NotRun > 0:
			paint = append(paint, ink.yellow)
		default:
			paint = append(paint, ink.none)
		}
	}
	var text strings.Builder
	text.WriteString("\n")
	for i, line := range align(rows, 2) {
		text.WriteString(paint[i](line) + "\n")
	}
	for _, status := range []struct {
		Status
		paint func(string) string
	}{{Cannot, ink.none}, {NotRun, ink.yellow}, {Failed, ink.red}} {
		for _, f := range r.findings(status.Status) {
			fmt.Fprintf(&text, "\n%s: %s\n", status.paint(string(f.status)), f.reason)
			for _, place := range f.few(8) {
				fmt.Fprintf(&text, "   %s\n", place)
			}
		}
	}
	for _, l := range r.Unseen {
		fmt.Fprintf(&text, "\na known limit was not seen: %s: %s\n", l, l.Reason)
	}
	fmt.Fprintf(&text, "\n%s, %s, in %s\n", cells(len(r.Cells)), r.Counts, seconds(r.TookMS))
	if r.Interrupted != "" {
		fmt.Fprintf(&text, "%s\n", ink.yellow("interrupted "+r.Interrupted))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

// align pads the fields of rows to columns; those after the first left ones stand
// at the right.
func align(rows [][]string, left int) []string {
	var width []int
	for _, row := range rows {
		for i, field := range row {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(field))
		}
	}
	var lines []string
	for _, row := range rows {
		line := ""
		for i, field := range row {
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(field))
			if i < left {
				line += field + pad + "  "
			} else {
				line += pad + field + "  "
			}
		}
		lines = append(lines, strings.TrimRight(line, " "))
	}
	return lines
}

// number shows nothing where there is nothing, so that something is seen.
func number(n int) string {
	if n == 0 {
		return "-"
	}
	return fmt.Sprint(n)
}

func cells(n int) string {
	if n == 1 {
		return "1 cell"
	}
	return fmt.Sprintf("%d cells", n)
}

func seconds(ms float64) string { return fmt.Sprintf("%.1f s", ms/1e3) }

// painter colours text, if it is on.
type painter struct{ on bool }

func (p painter) none(s string) string   { return s }
func (p painter) red(s string) string    { return p.colour(31, s) }
func (p painter) yellow(s string) string { return p.colour(33, s) }

func (p painter) colour(code int, s string) string {
	if !p.on {
		return s
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", code, s)
}

// resultText is a result in two or three words.
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
		return string(r.Status)
	}
}

// resultLine is a result as a line of its own.
func resultLine(cell Cell, r Result) string {
	line := fmt.Sprintf("%s, %s: %s", cell, r.Check, resultText(r))
	if r.Reason != "" {
		line += ": " + r.Reason
	}
	if r.Detail != "" {
		line += " (this time: " + r.Detail + ")"
	}
	return line
}
