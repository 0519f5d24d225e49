package muxertest

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-p2p/troupe/muxer"
)

// Lines prints events and effects, a line each, and reads them back.
//
//	received 02 02 68 69 00*500        bytes in hex, *n repeats one
//	open | tick | ready 0 5 | room 1000 | consumed <0 5
//	close-write 0 3 | close-read 0 | reset 0 7 | go-away 7
//
//	opened 0 | refused | refused code 4103 | accept <0 | deliver <0 "hi" "x"*500
//	eof <0 | peer-reset <0 code 0 | peer-reset 0 code 4098 local
//	send 0 MessageInitiator 5 | pause | resume | forget 0 | drained | fatal
//
// A stream is written as muxer.StreamID prints it.
type Lines struct {
	// Op returns the muxer's name of a Send effect's Op; no blanks. nil prints
	// numbers.
	Op func(op uint8) string
}

var eventWords = [...]string{
	muxer.Received: "received", muxer.Open: "open", muxer.Ready: "ready", muxer.Room: "room",
	muxer.Consumed: "consumed", muxer.CloseWrite: "close-write", muxer.CloseRead: "close-read",
	muxer.Reset: "reset", muxer.GoAway: "go-away", muxer.Tick: "tick",
}

var effectWords = [...]string{
	muxer.Opened: "opened", muxer.Refused: "refused", muxer.Accept: "accept", muxer.Deliver: "deliver",
	muxer.EOF: "eof", muxer.PeerReset: "peer-reset", muxer.Send: "send", muxer.Pause: "pause",
	muxer.Resume: "resume", muxer.Forget: "forget", muxer.Drained: "drained", muxer.Fatal: "fatal",
}

// Event prints an event.
func (l Lines) Event(e muxer.Event) string {
	word := eventWords[e.Kind]
	switch e.Kind {
	case muxer.Received:
		return word + hexText(e.Data.Bytes())
	case muxer.Ready, muxer.Consumed, muxer.CloseWrite:
		return fmt.Sprintf("%s %v %d", word, e.Stream, e.N)
	case muxer.Room:
		return fmt.Sprintf("%s %d", word, e.N)
	case muxer.CloseRead:
		return fmt.Sprintf("%s %v", word, e.Stream)
	case muxer.Reset:
		return fmt.Sprintf("%s %v %d", word, e.Stream, e.Code)
	case muxer.GoAway:
		return fmt.Sprintf("%s %d", word, e.Code)
	default: // Open, Tick
		return word
	}
}

// Effect prints an effect.
func (l Lines) Effect(e muxer.Effect) string {
	word := effectWords[e.Kind]
	switch e.Kind {
	case muxer.Opened, muxer.Accept, muxer.EOF, muxer.Forget:
		return fmt.Sprintf("%s %v", word, e.Stream)
	case muxer.Deliver:
		return fmt.Sprintf("%s %v %s", word, e.Stream, quoted(e.Data.Bytes()))
	case muxer.Refused:
		if e.Code == 0 {
			return word
		}
		return fmt.Sprintf("%s code %d", word, e.Code)
	case muxer.PeerReset:
		text := fmt.Sprintf("%s %v code %d", word, e.Stream, e.Code)
		if e.Local {
			text += " local"
		}
		return text
	case muxer.Send:
		return fmt.Sprintf("%s %v %s %d", word, e.Stream, l.op(e.Op), e.N)
	default: // Pause, Resume, Drained, Fatal
		return word
	}
}

func (l Lines) op(op uint8) string {
	if l.Op == nil {
		return strconv.Itoa(int(op))
	}
	return l.Op(op)
}

// longRun is how many equal bytes are printed as one byte and a number.
const longRun = 8

// run returns how many of the first bytes of p are equal, at least 1.
func run(p []byte) int {
	n := 1
	for n < len(p) && p[n] == p[0] {
		n++
	}
	return n
}

// hexText prints bytes in hex, each with a blank in front, long runs shortened.
func hexText(p []byte) string {
	var b strings.Builder
	for len(p) > 0 {
		n := run(p)
		if n < longRun {
			n = 1
			fmt.Fprintf(&b, " %02x", p[0])
		} else {
			fmt.Fprintf(&b, " %02x*%d", p[0], n)
		}
		p = p[n:]
	}
	return b.String()
}

// quoted prints bytes as quoted text, long runs shortened, "" for none.
func quoted(p []byte) string {
	if len(p) == 0 {
		return `""`
	}
	var parts []string
	for len(p) > 0 {
		if n := run(p); n >= longRun {
			parts = append(parts, strconv.Quote(string(p[:1]))+"*"+strconv.Itoa(n))
			p = p[n:]
			continue
		}
		n := 0
		for n < len(p) && run(p[n:]) < longRun {
			n++
		}
		parts = append(parts, strconv.Quote(string(p[:n])))
		p = p[n:]
	}
	return strings.Join(parts, " ")
}

// ParseEvent reads a line that Event printed. Bytes are put into memory of no
// pool.
func (l Lines) ParseEvent(line string) (muxer.Event, error) {
	f := strings.Fields(line)
	kind, err := word(f, eventWords[:])
	e := muxer.Event{Kind: muxer.EventKind(kind)}
	if err != nil {
		return e, err
	}
	r := reader{words: f[1:]}
	switch e.Kind {
	case muxer.Received:
		e.Data = r.hex()
	case muxer.Ready, muxer.Consumed, muxer.CloseWrite:
		e.Stream, e.N = r.stream(), r.number()
	case muxer.Room:
		e.N = r.number()
	case muxer.CloseRead:
		e.Stream = r.stream()
	case muxer.Reset:
		e.Stream, e.Code = r.stream(), uint32(r.number())
	case muxer.GoAway:
		e.Code = uint32(r.number())
	}
	return e, r.end(line)
}

// ParseEffect reads a line that Effect printed.
func (l Lines) ParseEffect(line string) (muxer.Effect, error) {
	f := strings.Fields(line)
	kind, err := word(f, effectWords[:])
	e := muxer.Effect{Kind: muxer.EffectKind(kind)}
	if err != nil {
		return e, err
	}
	r := reader{words: f[1:]}
	switch e.Kind {
	case muxer.Opened, muxer.Accept, muxer.EOF, muxer.Forget:
		e.Stream = r.stream()
	case muxer.Deliver:
		e.Stream = r.stream()
		rest := strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), f[0]))
		r.words = nil
		e.Data = r.quoted(strings.TrimSpace(strings.TrimPrefix(rest, e.Stream.String())))
	case muxer.Refused:
		if len(r.words) > 0 {
			r.literal("code")
			e.Code = uint32(r.number())
		}
	case muxer.PeerReset:
		e.Stream = r.stream()
		r.literal("code")
		e.Code = uint32(r.number())
		if len(r.words) > 0 {
			r.literal("local")
			e.Local = true
		}
	case muxer.Send:
		e.Stream, e.Op, e.N = r.stream(), r.op(l), r.number()
	}
	return e, r.end(line)
}

// word finds the first word of a line among the known ones.
func word(fields, known []string) (int, error) {
	if len(fields) == 0 {
		return 0, fmt.Errorf("an empty line")
	}
	for i, w := range known {
		if w == fields[0] {
			return i, nil
		}
	}
	return 0, fmt.Errorf("unknown word %q", fields[0])
}

// repeat appends the unit times times.
func repeat(dst, unit []byte, times int) []byte {
	return append(dst, bytes.Repeat(unit, times)...)
}
