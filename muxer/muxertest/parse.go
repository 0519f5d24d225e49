package muxertest

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
)

// maxRepeat bounds how often a line repeats a byte, so that a typing error does
// not take all memory.
const maxRepeat = 1 << 24

// A reader takes the words of a line one by one and keeps the first error.
type reader struct {
	words []string
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) next() string {
	if len(r.words) == 0 {
		r.fail("a word is missing")
		return ""
	}
	w := r.words[0]
	r.words = r.words[1:]
	return w
}

func (r *reader) literal(want string) {
	if got := r.next(); got != want {
		r.fail("%q stands where %q belongs", got, want)
	}
}

func (r *reader) number() int {
	w := r.next()
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 {
		r.fail("%q is not a number", w)
	}
	return n
}

func (r *reader) stream() muxer.StreamID {
	w := r.next()
	digits, remote := strings.CutPrefix(w, "<")
	n, err := strconv.ParseUint(digits, 10, 63)
	if err != nil {
		r.fail("%q is not a stream", w)
	}
	return muxer.NewStreamID(n, !remote)
}

func (r *reader) op(l Lines) uint8 {
	w := r.next()
	for op := range 256 {
		if l.op(uint8(op)) == w {
			return uint8(op)
		}
	}
	r.fail("%q is no frame of this muxer", w)
	return 0
}

// hex reads all words that are left: two hex digits each, or with *n.
func (r *reader) hex() buf.Chunk {
	var p []byte
	for len(r.words) > 0 {
		w := r.next()
		digits, times, many := strings.Cut(w, "*")
		n := 1
		if many {
			n = r.times(times)
		}
		b, err := hex.DecodeString(digits)
		if err != nil || len(b) != 1 {
			r.fail("%q is not a byte", w)
			continue
		}
		p = repeat(p, b, n)
	}
	return buf.Static(p)
}

// quoted reads quoted pieces, each perhaps with *n.
func (r *reader) quoted(text string) buf.Chunk {
	var p []byte
	for text != "" {
		q, err := strconv.QuotedPrefix(text)
		if err != nil {
			r.fail("%q does not begin with a quoted text", text)
			break
		}
		unit, _ := strconv.Unquote(q)
		text = text[len(q):]
		n := 1
		if rest, many := strings.CutPrefix(text, "*"); many {
			times, _, _ := strings.Cut(rest, " ")
			n = r.times(times)
			text = rest[len(times):]
		}
		p = repeat(p, []byte(unit), n)
		text = strings.TrimLeft(text, " ")
	}
	return buf.Static(p)
}

func (r *reader) times(w string) int {
	n, err := strconv.Atoi(w)
	if err != nil || n < 0 || n > maxRepeat {
		r.fail("%q is not a number of times", w)
		return 0
	}
	return n
}

// end returns the first error of the line, or that words are left over.
func (r *reader) end(line string) error {
	if len(r.words) > 0 {
		r.fail("%q is left over", strings.Join(r.words, " "))
	}
	if r.err != nil {
		return fmt.Errorf("%q: %w", line, r.err)
	}
	return nil
}
