package muxertest

import "fmt"

// An OpKind is what somebody does in a world.
type OpKind uint8

// The operations, each at one end of the world.
const (
	// Open asks for a stream.
	Open OpKind = iota
	// Write puts N more bytes into the stream's send lane.
	Write
	// Room lets the machine send N bytes.
	Room
	// Carry hands N bytes of the other end's queue to this end, as one read.
	Carry
	// Consume lets the stream's reader read N bytes of what was delivered.
	Consume
	// CloseWrite ends the writing on the stream.
	CloseWrite
	// CloseRead ends the reading on the stream.
	CloseRead
	// Reset resets the stream.
	Reset
	// GoAway lets the connection drain at this end.
	GoAway
	// Pass lets N milliseconds pass at both ends, and ticks what is due.
	Pass

	opKinds
)

var opWords = [opKinds]string{"open", "write", "room", "carry", "consume", "close-write", "close-read", "reset", "go-away", "pass"}

// An Op is one operation.
type Op struct {
	Kind   OpKind
	End    uint8 // 0 or 1
	Stream int   // which of the end's streams, in the order of their beginning; -1 is the newest
	N      int
}

// String prints the operation: b write stream 0 n 5.
func (o Op) String() string {
	name := string('a' + rune(o.End))
	switch o.Kind {
	case Open, GoAway:
		return name + " " + opWords[o.Kind]
	case Room, Carry:
		return fmt.Sprintf("%s %s %d", name, opWords[o.Kind], o.N)
	case Pass:
		return fmt.Sprintf("pass %d ms", o.N)
	case Write, Consume:
		return fmt.Sprintf("%s %s stream %d n %d", name, opWords[o.Kind], o.Stream, o.N)
	default:
		return fmt.Sprintf("%s %s stream %d", name, opWords[o.Kind], o.Stream)
	}
}

// opBytes is how many bytes of a program make one operation.
const opBytes = 4

// frequency is how often a program's first byte means each operation: bytes
// move often, ends are rare, so that worlds reach deep states.
var frequency = func() (table [256]OpKind) {
	weights := [opKinds]int{Open: 14, Write: 50, Room: 60, Carry: 60, Consume: 40, CloseWrite: 12, CloseRead: 5, Reset: 5, GoAway: 1, Pass: 9}
	at := 0
	for kind, n := range weights {
		for range n {
			table[at] = OpKind(kind)
			at++
		}
	}
	return table
}()

// Program reads operations from bytes, as a fuzzer makes them: 4 bytes each, a
// rest of fewer bytes is ignored. Any bytes are a program.
func Program(code []byte) []Op {
	ops := make([]Op, 0, len(code)/opBytes)
	for ; len(code) >= opBytes; code = code[opBytes:] {
		op := Op{Kind: frequency[code[0]], End: code[1] & 1, Stream: -1 - int(code[1]>>1&15)}
		// Amounts of all sizes: the first byte says how many bits the second
		// one is spread over.
		op.N = int(code[3]) << (code[2] & 7)
		if code[2]&8 != 0 {
			op.N = int(code[3] & 15)
		}
		switch {
		case op.Kind == Pass:
			op.N = int(code[3])
		case op.Kind == GoAway && code[2] < 0xf8:
			// Rarer still: little happens after it.
			op.Kind = Open
		}
		ops = append(ops, op)
	}
	return ops
}
