package negotiate

import "strconv"

// An EventKind says what happened to a negotiation.
type EventKind uint8

// The events. An [Answer] ignores Begin: a listener has nothing to begin with.
const (
	Begin EventKind = iota // this end may speak
	Line                   // the remote sent a whole line
	Gone                   // no line will come: end, failure, deadline, or bytes that are no line
)

// An Event is what a machine is told. It is a value.
type Event struct {
	Kind EventKind
	// Supported belongs to Line for an [Answer]: this end supports the protocol
	// that Text names, now. Routes change at run time, so the machine is told
	// line by line instead of being given the set.
	Supported bool
	Text      string // Line: the line without its length and its newline
}

// String returns the event as golden traces write it.
func (e Event) String() string {
	switch e.Kind {
	case Begin:
		return "begin"
	case Line:
		return "line " + show(e.Text)
	case Gone:
		return "gone"
	}
	return "event " + strconv.Itoa(int(e.Kind))
}

// An EffectKind says what a machine wants done.
type EffectKind uint8

// The effects. Agreed, Refused and Failed end a negotiation; each machine emits
// one of them, once, as its last effect.
const (
	Write     EffectKind = iota // send the line Text
	WriteList                   // send the list of the supported names
	Assumed                     // lazy offer: Text may be spoken now, but is not agreed yet
	Agreed                      // both ends have chosen Text
	Refused                     // the remote supports nothing that was offered
	Failed                      // the remote broke Rule, or with NoRule it is gone
)

// An Effect is what a machine wants done. It is a value. Effects of one event
// are carried out in order, and all of them before the next event.
type Effect struct {
	Kind EffectKind
	Rule Rule   // Failed: what the remote broke; NoRule when it is gone
	Text string // Write: a line; Assumed, Agreed: a protocol; Failed: the line at fault
}

// String returns the effect as golden traces write it.
func (e Effect) String() string {
	switch e.Kind {
	case Write:
		return "write " + show(e.Text)
	case WriteList:
		return "write list"
	case Assumed:
		return "assumed " + show(e.Text)
	case Agreed:
		return "agreed " + show(e.Text)
	case Refused:
		return "refused"
	case Failed:
		if e.Rule == NoRule {
			return "failed: gone"
		}
		return "failed: " + e.Rule.String() + ", got " + show(e.Text)
	}
	return "effect " + strconv.Itoa(int(e.Kind))
}

// show returns text as it is when it reads as one word, and quoted otherwise.
func show(text string) string {
	quoted := strconv.Quote(text)
	if text == "" || len(quoted) != len(text)+2 {
		return quoted
	}
	for i := range len(text) {
		if text[i] == ' ' {
			return quoted
		}
	}
	return text
}
