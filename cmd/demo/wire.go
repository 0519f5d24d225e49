package main

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"unicode/utf8"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/stream"
)

// The protocol /troupe/file/1.0.0: one stream carries one request, which is a
// list of files, or one file on its way in either direction.
//
//	list     dialer: list            listener: entry, entry, … end
//	fetch    dialer: get             listener: begin BLOCKS sum     dialer: done
//	bring    dialer: put             listener: have
//	         dialer: begin BLOCKS sum                             listener: done
//
// So whoever has the file is the sender and the other one is the receiver, and
// after the first words both directions are the same:
//
//	receiver ── get or have: I hold so many first bytes, this is their sum ──▶ sender
//	sender   ── begin: I go on after the first n bytes, of size in all ──────▶ receiver
//	sender   ── size - n bytes, in blocks ───────────────────────────────────▶ receiver
//	sender   ── sum: SHA-256 of the whole file ──────────────────────────────▶ receiver
//	receiver ── done: it is on my disk under its name ───────────────────────▶ sender
//
// The sender compares the sum with that of its own first bytes: when they
// differ, the file has changed and n is 0. Either end may say refused instead of
// its next word (the receiver also while bytes come), and busy, any number of
// times with a growing offset, while it reads its disk. After refused nothing
// follows.
//
// A block is its length in 4 bytes, big endian, at most 64 KiB, and so many
// bytes; one of length 0 ends the blocks, and a message follows. So a sender
// whose disk fails in the middle can still say so.
//
// A message is its length as an unsigned varint and then, big endian:
//
//	 0   1  kind
//	 1   1  code    why, in refused
//	 2   8  offset  below 2^63
//	10   8  size    below 2^63
//	18  32  sum     SHA-256
//	50   …  name    UTF-8, at most 1024 bytes, see checkName
//
// A field that a kind does not use is zero; a message that breaks this ends the
// stream. The length is at most 4 KiB.
const fileProtocol negotiate.Protocol = "/troupe/file/1.0.0"

// blockLimit is the most bytes of a block, and blockHead those of its length.
const (
	blockLimit = 64 << 10
	blockHead  = 4
)

// messageLimit is the most bytes of a message, and messageHead those before the
// name.
const (
	messageLimit = 4 << 10
	messageHead  = 2 + 8 + 8 + sha256.Size
)

// messageKind is the word that a message is.
type messageKind byte

// The kinds, with the fields each one uses.
const (
	sayList    messageKind = 1 + iota // -
	sayEntry                          // size, name
	sayEnd                            // size: entries sent; offset: entries left out
	sayGet                            // name; offset, sum: what is there already
	sayPut                            // name, size
	sayHave                           // offset, sum
	sayBegin                          // offset, size
	saySum                            // sum
	sayDone                           // -
	sayRefused                        // code
	sayBusy                           // offset: bytes looked at; size: of so many
)

// uses says which fields a kind has.
type uses struct{ code, offset, size, sum, name bool }

func (k messageKind) uses() (uses, bool) {
	switch k {
	case sayList, sayDone:
		return uses{}, true
	case sayEntry, sayPut:
		return uses{size: true, name: true}, true
	case sayEnd, sayBegin, sayBusy:
		return uses{offset: true, size: true}, true
	case sayGet:
		return uses{offset: true, sum: true, name: true}, true
	case sayHave:
		return uses{offset: true, sum: true}, true
	case saySum:
		return uses{sum: true}, true
	case sayRefused:
		return uses{code: true}, true
	}
	return uses{}, false
}

func (k messageKind) String() string {
	names := [...]string{"nothing", "list", "entry", "end", "get", "put", "have", "begin", "sum", "done", "refused", "busy"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", byte(k))
}

// digest is a SHA-256 sum.
type digest [sha256.Size]byte

func (d digest) String() string { return hex.EncodeToString(d[:]) }

// fileMessage is one message of the file protocol.
type fileMessage struct {
	kind   messageKind
	code   refusal
	offset int64
	size   int64
	sum    digest
	name   string
}

// appendTo appends the wire form, without the length in front.
func (m fileMessage) appendTo(p []byte) []byte {
	p = append(p, byte(m.kind), byte(m.code))
	p = binary.BigEndian.AppendUint64(p, uint64(m.offset))
	p = binary.BigEndian.AppendUint64(p, uint64(m.size))
	p = append(p, m.sum[:]...)
	return append(p, m.name...)
}

// wireError is a message that breaks the protocol: the fault of who sent it.
type wireError struct{ rule string }

func (e *wireError) Error() string { return "a message breaks the file protocol: " + e.rule }

// parseMessage reads the wire form. The error is a [*wireError].
func parseMessage(p []byte) (fileMessage, error) {
	bad := func(format string, args ...any) (fileMessage, error) {
		return fileMessage{}, &wireError{fmt.Sprintf(format, args...)}
	}
	if len(p) < messageHead {
		return bad("it has %d bytes, and %d come before the name", len(p), messageHead)
	}
	offset, size := binary.BigEndian.Uint64(p[2:]), binary.BigEndian.Uint64(p[10:])
	if offset > math.MaxInt64 || size > math.MaxInt64 {
		return bad("a number is 2^63 or more")
	}
	m := fileMessage{kind: messageKind(p[0]), code: refusal(p[1]), offset: int64(offset), size: int64(size), name: string(p[messageHead:])}
	copy(m.sum[:], p[18:])
	has, known := m.kind.uses()
	switch {
	case !known:
		return bad("%v is unknown", m.kind)
	case has.code != (m.code != 0):
		return bad("the code of %v is %d", m.kind, m.code)
	case !has.offset && m.offset != 0, !has.size && m.size != 0, !has.sum && m.sum != digest{}, !has.name && m.name != "":
		return bad("%v has a field that it does not use", m.kind)
	case len(m.name) > maxName || !utf8.ValidString(m.name):
		return bad("the name is over %d bytes or not UTF-8", maxName)
	}
	return m, nil
}

// say writes a message. It blocks as w does.
func say(w io.Writer, m fileMessage) error {
	return stream.WriteMessage(w, m.appendTo(nil), messageLimit)
}

// hear reads a message. It blocks as r does, and takes nothing after it. Errors:
// those of r, [io.ErrUnexpectedEOF], and a [*wireError].
func hear(r io.Reader) (fileMessage, error) {
	watched := &watchedReader{r: r}
	p, err := stream.ReadMessage(watched, messageLimit)
	switch {
	case err != nil && watched.err != nil:
		return fileMessage{}, err
	case err != nil:
		return fileMessage{}, &wireError{err.Error()}
	}
	return parseMessage(p)
}

// watchedReader remembers how its reader failed, which tells a broken stream
// from broken bytes.
type watchedReader struct {
	r   io.Reader
	err error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil {
		w.err = err
	}
	return n, err
}
