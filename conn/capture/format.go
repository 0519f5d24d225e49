package capture

import (
	"encoding/hex"
	"strconv"
	"strings"
)

// The first line of every capture.
const firstLine = "capture 1"

// lineBytes is how many bytes of data one line of text holds at most, runs aside.
const lineBytes = 32

// minText and minRun are the shortest printable piece that is written as text,
// and the shortest repetition of one byte that is written as a count.
const (
	minText = 6
	minRun  = 24
)

// Format returns the capture's text, as package comment describes it. Parse
// returns an equal capture from it.
func (c *Capture) Format() string {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			b.WriteString(name + " " + value + "\n")
		}
	}
	b.WriteString(firstLine + "\n")
	field("kind", string(c.Kind))
	field("peer", c.Peer)
	for _, v := range c.Versions {
		field("version", v)
	}
	field("date", c.Date)
	field("dialer", c.Dialer.String())
	field("security", string(c.Security))
	field("muxer", string(c.Muxer))
	if c.Early {
		field("early", "yes")
	}
	field("key", hex.EncodeToString(c.Key))
	field("local", c.Local)
	field("remote", c.Remote)
	for _, s := range c.Own {
		field("own", s.Name+" "+hex.EncodeToString(s.Data))
	}
	cuts := newCuts(c)
	for _, chunk := range c.Chunks {
		b.WriteString("\n" + mark(chunk.From) + " " + chunk.At.String())
		if chunk.End {
			b.WriteString(" end")
		}
		b.WriteString("\n")
		for _, piece := range cuts.pieces(chunk) {
			writePiece(&b, piece)
		}
	}
	return b.String()
}

// mark is how a chunk's line begins.
func mark(from Side) string {
	if from == Peer {
		return "<"
	}
	return ">"
}

// writePiece writes bytes that belong together on lines of their own.
func writePiece(b *strings.Builder, p piece) {
	words, size := []string{}, 0
	flush := func() {
		if len(words) > 0 {
			b.WriteString("  " + strings.Join(words, " ") + "\n")
		}
		words, size = words[:0], 0
	}
	if p.note != "" {
		b.WriteString("  # " + p.note + "\n")
	}
	data := p.data
	for first := true; len(data) > 0; first = false {
		n, word := 0, ""
		if head := min(p.head, len(data)); first && head > 0 {
			n, word = head, hex.EncodeToString(data[:head])
		} else {
			n, word = nextWord(data)
		}
		if size > 0 && size+n > lineBytes && !strings.Contains(word, "*") {
			flush()
		}
		words, size = append(words, word), size+n
		data = data[n:]
	}
	flush()
}

// nextWord returns the text of the first bytes of data, and how many they are.
func nextWord(data []byte) (int, string) {
	if n := run(data); n >= minRun {
		return n, hex.EncodeToString(data[:1]) + "*" + strconv.Itoa(n)
	}
	if n := printable(data); n >= minText {
		n = min(n, 2*lineBytes)
		if n < len(data) && data[n] == '\n' {
			n++
		}
		return n, strconv.Quote(string(data[:n]))
	}
	n := 0
	for n < len(data) && n < lineBytes && (n == 0 || run(data[n:]) < minRun && printable(data[n:]) < minText) {
		n++
	}
	return n, hex.EncodeToString(data[:n])
}

// run is how often the first byte of data is repeated.
func run(data []byte) int {
	n := 0
	for n < len(data) && data[n] == data[0] {
		n++
	}
	return n
}

// printable is how many bytes at the front of data are ASCII that can be read.
func printable(data []byte) int {
	n := 0
	for n < len(data) && n < 4*lineBytes && data[n] >= ' ' && data[n] <= '~' {
		n++
	}
	return n
}
