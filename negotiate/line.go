package negotiate

// The words of multistream-select 1.0.0 (libp2p specs, connections/README.md;
// multiformats/multistream-select, README.md).
const (
	// Header opens the conversation of both sides.
	Header = "/multistream/1.0.0"
	// NotAvailable refuses a proposal.
	NotAvailable = "na"
	// List asks the listener for the names it supports.
	List = "ls"
	// SimultaneousConnect is the ID of the withdrawn protocol that gave two
	// dialers their roles (libp2p specs, connections/simopen.md). It is always
	// refused: a listener that took it would become a second dialer.
	SimultaneousConnect = "/libp2p/simultaneous-connect"
)

// MaxLine is the length of the longest line in bytes, its newline included and
// its length prefix not. The specification names no limit; go and js take 1024
// and close on 1025, rust takes more, so 1024 is what everybody understands.
const MaxLine = 1024

// AppendLine appends the wire form of text to dst: a varint that counts the
// newline, the text, the newline. It panics when text and newline are longer
// than [MaxLine]: that is a mistake of the caller, who has [Protocol.Check].
func AppendLine(dst []byte, text string) []byte {
	n := len(text) + 1
	if n > MaxLine {
		panic("negotiate: a line of more than 1024 bytes was to be written")
	}
	dst = appendLength(dst, n)
	dst = append(dst, text...)
	return append(dst, '\n')
}

// AppendList appends the answer to "ls" to dst: one line whose text is the
// names, each a line by itself, so that the whole ends in two newlines. Names
// that no longer fit [MaxLine], and names that [Protocol.Check] refuses, are
// left out; the remote may still propose the former.
func AppendList(dst []byte, names []Protocol) []byte {
	n := 1
	for _, name := range names {
		if size := lineSize(name); name.Check() == nil && n+size <= MaxLine {
			n += size
		}
	}
	dst = appendLength(dst, n)
	n = 1
	for _, name := range names {
		if size := lineSize(name); name.Check() == nil && n+size <= MaxLine {
			n += size
			dst = AppendLine(dst, string(name))
		}
	}
	return append(dst, '\n')
}

// DecodeLine reads the line that b begins with. It returns the text without its
// newline, which is a part of b, and the number of bytes the line takes. n is 0
// when b ends before the line does. A line that can never become valid is
// refused as early as the bytes show it, with a [*ProtocolError]: a length of
// 0, above [MaxLine] or not minimal, or a missing newline.
func DecodeLine(b []byte) (text []byte, n int, err error) {
	length, head, rule := decodeLength(b)
	if rule != NoRule {
		return nil, 0, &ProtocolError{Rule: rule}
	}
	if head == 0 || len(b) < head+length {
		return nil, 0, nil
	}
	text, rule = trimLine(b[head : head+length])
	if rule != NoRule {
		return nil, 0, &ProtocolError{Rule: rule, Got: cut(string(text))}
	}
	return text, head + length, nil
}

// decodeLength decodes the varint that b begins with. n is 0 when b is too
// short to tell; two bytes always tell, because MaxLine fits two.
func decodeLength(b []byte) (length, n int, rule Rule) {
	switch {
	case len(b) == 0:
		return 0, 0, NoRule
	case b[0] == 0:
		return 0, 0, RuleEmpty
	case b[0] < 0x80:
		return int(b[0]), 1, NoRule
	case len(b) == 1:
		return 0, 0, NoRule
	case b[1] == 0:
		return 0, 0, RuleMinimal
	case b[1] >= 0x80:
		// Three bytes or more: at least 1<<14, or padded with zeros. Which one
		// is not worth waiting for.
		return 0, 0, RuleLength
	}
	length = int(b[0]&0x7f) | int(b[1])<<7
	if length > MaxLine {
		return 0, 0, RuleLength
	}
	return length, 2, NoRule
}

// trimLine takes the newline off a whole line. With RuleNewline it returns the
// line as it is, to be shown.
func trimLine(line []byte) ([]byte, Rule) {
	last := len(line) - 1
	if line[last] != '\n' {
		return line, RuleNewline
	}
	return line[:last], NoRule
}

// appendLength appends the minimal varint of n, which is at most MaxLine.
func appendLength(dst []byte, n int) []byte {
	if n < 0x80 {
		return append(dst, byte(n))
	}
	return append(dst, byte(n)|0x80, byte(n>>7))
}

// lineSize is the length of a name's line, prefix included.
func lineSize(name Protocol) int {
	n := len(name) + 1
	if n < 0x80 {
		return n + 1
	}
	return n + 2
}
