package sim

import (
	"fmt"
	"strings"
)

// A Divergence is where two traces that should be equal are not.
type Divergence struct {
	// Number is that of the event, counted from 1.
	Number int
	// Before are the last events that both have, oldest first, at most 8.
	Before []Event
	// A and B are the event and those that follow it, at most 4 of each; none is
	// left of a trace that has ended.
	A, B []Event
}

// The sizes of the context of a Divergence.
const eventsBefore, eventsAfter = 8, 4

// Compare returns the first event in which two traces differ, or nil.
func Compare(a, b *Trace) *Divergence {
	x, y := a.Cursor(), b.Cursor()
	d := &Divergence{}
	for {
		moreX, moreY := x.Next(), y.Next()
		d.Number++
		switch {
		case !moreX && !moreY:
			return nil
		case moreX && moreY && x.Event() == y.Event():
			if len(d.Before) == eventsBefore {
				d.Before = append(d.Before[:0], d.Before[1:]...)
			}
			d.Before = append(d.Before, x.Event())
		default:
			d.A, d.B = following(x, moreX), following(y, moreY)
			return d
		}
	}
}

func following(c *Cursor, more bool) (events []Event) {
	for ; more && len(events) < eventsAfter; more = c.Next() {
		events = append(events, c.Event())
	}
	return events
}

// String shows it as the lines of a diff.
func (d *Divergence) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "the runs part at event %d:\n", d.Number)
	for _, part := range []struct {
		mark   string
		events []Event
	}{{" ", d.Before}, {"-", d.A}, {"+", d.B}} {
		for _, e := range part.events {
			fmt.Fprintf(&b, "  %s %v\n", part.mark, e)
		}
		if len(part.events) == 0 && part.mark != " " {
			fmt.Fprintf(&b, "  %s (the end)\n", part.mark)
		}
	}
	return b.String()
}
