package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"unicode/utf8"

	"golang.org/x/term"
)

// A console is where a command prints: to people, or to programs.
type console struct {
	out, err io.Writer
	terminal bool // out is a terminal: bars are drawn
	color    bool
	errColor bool

	errTerminal bool // err is a terminal
	width       int  // of the terminal; 80 otherwise
	json        bool // one JSON object a line, and nothing else, on out
}

// newConsole looks at what the process prints to.
func newConsole(out, err io.Writer, env func(string) string) *console {
	c := &console{out: out, err: err, width: 80}
	f, outIs := terminalOf(out)
	_, errIs := terminalOf(err)
	c.dress(outIs, errIs, env)
	if outIs {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			c.width = w
		}
	}
	return c
}

func terminalOf(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd()))
}

// dress decides on bars and colour. Both are for terminals; the variable NO_COLOR
// (no-color.org) forbids colour, and TERM=dumb both.
func (c *console) dress(outIs, errIs bool, env func(string) string) {
	dumb := env("TERM") == "dumb"
	plain := dumb || env("NO_COLOR") != ""
	c.terminal, c.color = outIs && !dumb, outIs && !plain
	c.errTerminal, c.errColor = errIs && !dumb, errIs && !plain
}

// say prints a line for people. With --json it prints nothing.
func (c *console) say(format string, args ...any) {
	if !c.json {
		fmt.Fprintf(c.out, format+"\n", args...)
	}
}

// emit prints a line for programs. Without --json it prints nothing.
func (c *console) emit(v any) {
	if !c.json {
		return
	}
	line, err := json.Marshal(v)
	if err != nil {
		line, _ = json.Marshal(map[string]string{"event": "error", "message": err.Error()})
	}
	fmt.Fprintf(c.out, "%s\n", line)
}

// warn prints a line for people beside the output, on standard error. On a
// terminal it goes over a ^C that stands there.
func (c *console) warn(format string, args ...any) {
	if c.json {
		return
	}
	if c.errTerminal {
		format = "\r" + format
	}
	fmt.Fprintf(c.err, format+"\n", args...)
}

// The looks of text on a terminal (ECMA-48, SGR).
const (
	lookBold   = "1"
	lookDim    = "2"
	lookRed    = "31"
	lookGreen  = "32"
	lookYellow = "33"
	lookCyan   = "36"
)

// look gives a text a look, where colour is wanted.
func (c *console) look(look, text string) string { return paint(c.color, look, text) }

func paint(color bool, look, text string) string {
	if !color || text == "" {
		return text
	}
	return "\x1b[" + look + "m" + text + "\x1b[0m"
}

// title prints a headline.
func (c *console) title(text string) { c.say("\n%s", c.look(lookBold, text)) }

// cut shortens a text to so many characters, with a mark where it ends.
func cut(text string, width int) string {
	if utf8.RuneCountInString(text) <= width {
		return text
	}
	runes := []rune(text)
	return string(runes[:max(width-1, 0)]) + "…"
}
