package capture

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-p2p/troupe/negotiate"
)

// MaxData is how many bytes the chunks of one capture may hold, all told. A
// repetition of a few characters cannot make more of them.
const MaxData = 8 << 20

// A SyntaxError is a text that is no capture.
type SyntaxError struct {
	Line int
	Rule string
	Got  string
}

func (e *SyntaxError) Error() string {
	return fmt.Sprintf("capture: line %d: %s: %.60q", e.Line, e.Rule, e.Got)
}

// Parse reads the text of a capture. Error: a [*SyntaxError].
func Parse(text string) (*Capture, error) {
	p := &parser{capture: &Capture{}, seen: map[string]bool{}}
	for i, line := range strings.Split(text, "\n") {
		p.line = i + 1
		if rule := p.take(strings.TrimSuffix(line, "\r")); rule != "" {
			return nil, &SyntaxError{Line: p.line, Rule: rule, Got: line}
		}
	}
	if rule := p.finish(); rule != "" {
		return nil, &SyntaxError{Line: p.line, Rule: rule}
	}
	return p.capture, nil
}

type parser struct {
	capture *Capture
	seen    map[string]bool
	line    int
	size    int
}

// take reads one line and returns the rule it breaks.
func (p *parser) take(line string) string {
	words := strings.TrimSpace(line)
	switch {
	case p.line == 1:
		if line != firstLine {
			return "a capture begins with \"" + firstLine + "\""
		}
	case words == "" || words[0] == '#':
	case line[0] == '<' || line[0] == '>':
		return p.chunk(line)
	case strings.HasPrefix(line, "  "):
		return p.data(words)
	default:
		name, value, _ := strings.Cut(line, " ")
		return p.field(name, value)
	}
	return ""
}

// many are the fields of the header that may come several times.
func many(name string) bool { return name == "version" || name == "own" }

func (p *parser) field(name, value string) string {
	c := p.capture
	switch {
	case len(c.Chunks) > 0:
		return "the header stands before the chunks"
	case p.seen[name] && !many(name):
		return "a field stands once"
	case value == "" || value != strings.TrimSpace(value):
		return "a field is a name, one blank and a value"
	}
	p.seen[name] = true
	var err error
	switch name {
	case "kind":
		c.Kind = Kind(value)
		if c.Kind != Session && c.Kind != Handshake && c.Kind != Certificate {
			return "a kind is session, handshake or certificate"
		}
	case "peer":
		c.Peer = value
	case "version":
		c.Versions = append(c.Versions, value)
	case "date":
		c.Date = value
		if _, err := time.Parse(time.DateOnly, value); err != nil {
			return "a date is 2006-01-02"
		}
	case "dialer":
		if c.Dialer = Troupe; value == Peer.String() {
			c.Dialer = Peer
		}
		if value != c.Dialer.String() {
			return "the dialer is troupe or peer"
		}
	case "security":
		c.Security = negotiate.Protocol(value)
	case "muxer":
		c.Muxer = negotiate.Protocol(value)
	case "early":
		if c.Early = value == "yes"; !c.Early {
			return "early is yes, or absent"
		}
	case "key":
		if c.Key, err = hex.DecodeString(value); err != nil {
			return "a key is written in hex"
		}
	case "local":
		c.Local = value
	case "remote":
		c.Remote = value
	case "own":
		secret, text, _ := strings.Cut(value, " ")
		data, err := hex.DecodeString(text)
		if err != nil || len(data) == 0 {
			return "a secret is a name and hex"
		}
		c.Own = append(c.Own, Secret{Name: secret, Data: data})
	default:
		return "the header has no such field"
	}
	return ""
}

// chunk begins a chunk: "< 12ms" or "> 12ms end".
func (p *parser) chunk(line string) string {
	const rule = "a chunk is < or >, a time and perhaps end"
	words := strings.Split(line, " ")
	if len(words) < 2 || len(words) > 3 || len(words[0]) != 1 || len(words) == 3 && words[2] != "end" {
		return rule
	}
	at, err := time.ParseDuration(words[1])
	if err != nil || at < 0 {
		return rule
	}
	chunk := Chunk{At: at, End: len(words) == 3, Line: p.line}
	if line[0] == '<' {
		chunk.From = Peer
	}
	if n := len(p.capture.Chunks); n > 0 {
		last := p.capture.Chunks[n-1]
		switch {
		case last.End:
			return "nothing follows the end"
		case len(last.Data) == 0:
			return "a chunk has data"
		case last.At > at:
			return "the chunks stand in the order of their times"
		}
	}
	p.capture.Chunks = append(p.capture.Chunks, chunk)
	return ""
}

// data adds a line of words to the chunk that was begun.
func (p *parser) data(words string) string {
	n := len(p.capture.Chunks)
	if n == 0 || p.capture.Chunks[n-1].End {
		return "data belongs to a chunk"
	}
	chunk := &p.capture.Chunks[n-1]
	for words != "" {
		data, count, rest, rule := nextData(words)
		if rule != "" {
			return rule
		}
		if count > MaxData || p.size+len(data)*count > MaxData {
			return fmt.Sprintf("a capture has at most %d bytes", MaxData)
		}
		p.size += len(data) * count
		chunk.Data = append(chunk.Data, bytes.Repeat(data, count)...)
		words = strings.TrimLeft(rest, " ")
	}
	return ""
}

// nextData reads the first word of a line: "text", hex, or hex*count.
func nextData(words string) (data []byte, count int, rest, rule string) {
	if words[0] == '"' {
		quoted, err := strconv.QuotedPrefix(words)
		if err != nil {
			return nil, 0, "", "text ends with a quote"
		}
		text, err := strconv.Unquote(quoted)
		if rest = words[len(quoted):]; err != nil || text == "" || rest != "" && rest[0] != ' ' {
			return nil, 0, "", "text stands between quotes, and a blank follows"
		}
		return []byte(text), 1, rest, ""
	}
	word, rest, _ := strings.Cut(words, " ")
	digits, times, repeated := strings.Cut(word, "*")
	count = 1
	if repeated {
		var err error
		if count, err = strconv.Atoi(times); err != nil || count < 1 {
			return nil, 0, "", "a repetition is a number from 1"
		}
	}
	data, err := hex.DecodeString(digits)
	if err != nil || len(data) == 0 {
		return nil, 0, "", "data is hex, hex*count or \"text\""
	}
	return data, count, rest, ""
}

// finish checks what only the whole shows.
func (p *parser) finish() string {
	c := p.capture
	for _, name := range []string{"kind", "peer", "date", "dialer", "security", "key"} {
		if !p.seen[name] {
			return "the header says " + name
		}
	}
	if c.Kind == Session && c.Muxer == "" {
		return "the header of a session says muxer"
	}
	if n := len(c.Chunks); n == 0 || !c.Chunks[n-1].End && len(c.Chunks[n-1].Data) == 0 {
		return "a capture has chunks, and a chunk has data"
	}
	if last := c.Chunks[len(c.Chunks)-1]; c.Kind == Session && !last.End {
		return "a session has an end"
	}
	return ""
}
