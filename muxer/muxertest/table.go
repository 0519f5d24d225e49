package muxertest

import (
	"fmt"
	"strings"
)

// Columns are the events that every state meets in one table of a document: what
// the table calls each, and what makes it happen.
type Columns struct {
	Title, Intro string
	Events       [][2]string
}

// Tables prints a document of what a machine does: its head, and a table for each
// group of columns, with a row for each state. cell says what an event does in
// the nth state.
func Tables(head string, states []string, groups []Columns, cell func(n int, event string) string) string {
	var b strings.Builder
	b.WriteString(head)
	for _, group := range groups {
		fmt.Fprintf(&b, "\n## %s\n\n", group.Title)
		if group.Intro != "" {
			b.WriteString(group.Intro + "\n\n")
		}
		b.WriteString("| state |")
		for _, c := range group.Events {
			b.WriteString(" " + c[0] + " |")
		}
		b.WriteString("\n|---" + strings.Repeat("|---", len(group.Events)) + "|\n")
		for n, state := range states {
			b.WriteString("| " + state + " |")
			for _, c := range group.Events {
				b.WriteString(" " + cell(n, c[1]) + " |")
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}
