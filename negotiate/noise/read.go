package noise

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"

	"github.com/troupe-p2p/troupe/actor/buf"
)

const (
	// smallest is the buffer that a read begins with, in bytes, unless the caller
	// waits for less.
	smallest = 4 << 10

	// large is the size from which a record is received right in the caller's
	// slice. Below it, one read of the pipe for several records is worth more.
	large = 16 << 10

	// patience is how many reads without a byte and without an error a pipe may
	// return in a row.
	patience = 100
)

// A reader is the receiving direction.
//
//	buf  │ delivered │ plain ▒▒▒▒▒▒ │ raw ░░░░░░░░░░░░ │ free      │
//	     0         from            to r                w         cap
//
// plain is what is left of an opened record; raw are bytes as they came. The
// head of the record that raw begins with is taken off as soon as it is there,
// so that the largest record fits the largest buffer.
//
// The buffer comes from the pool when a read needs one, grows only while reads
// come back full, and goes back when nothing is left in it.
type reader struct {
	gate
	sealing
	buf      *buf.Buf
	from, to int
	r, w     int
	body     int // size of the record whose head has been taken; 0: no head yet
	size     int // of the buffer to begin with; 0: the smallest
	err      error
}

// read is [Conn.Read].
func (in *reader) read(raw net.Conn, p []byte) (int, error) {
	n := 0
	for in.err == nil {
		n += in.deliver(p[n:])
		if n == len(p) {
			break
		}
		more, err := 0, in.takeHead()
		switch whole := in.body > 0 && in.w-in.r >= in.body; {
		case err != nil:
		case whole && in.body-tagSize <= len(p)-n:
			more, err = in.openInto(p[n:])
		case n > 0:
			in.settle()
			return n, nil // what comes next does not fit or is not here yet
		case whole:
			err = in.openHere()
		case in.body > large && in.body <= len(p):
			more, err = in.receiveInto(raw, p)
		default:
			err = in.fill(raw, len(p))
		}
		n += more
		if err != nil {
			err = in.final(err)
			in.settle()
			if n > 0 {
				return n, nil // the error is for the next Read
			}
			return 0, err
		}
	}
	in.settle()
	return n, in.err
}

// deliver copies from what is left of an opened record.
func (in *reader) deliver(p []byte) int {
	if in.from == in.to {
		return 0
	}
	n := copy(p, in.buf.Bytes()[in.from:in.to])
	in.from += n
	return n
}

// has reports whether a read would not need the pipe.
func (in *reader) has() bool {
	if in.err != nil || in.from < in.to {
		return true
	}
	body, raw := in.body, in.w-in.r
	if body == 0 && raw >= headSize {
		raw -= headSize
		body = int(binary.BigEndian.Uint16(in.buf.Bytes()[in.r:]))
		return raw >= body
	}
	return body > 0 && raw >= body
}

// takeHead takes the head off the next record when it is there.
func (in *reader) takeHead() error {
	if in.body > 0 || in.w-in.r < headSize {
		return nil
	}
	n := int(binary.BigEndian.Uint16(in.buf.Bytes()[in.r:]))
	if n < tagSize {
		return &RecordError{Record: in.n, Rule: string(ruleTag)}
	}
	in.r += headSize
	in.body = n
	return nil
}

// record returns the whole record that raw begins with and takes it off.
func (in *reader) record() []byte {
	b := in.buf.Bytes()[in.r : in.r+in.body]
	in.r += in.body
	in.body = 0
	return b
}

// openInto opens the next record into p, which has room for it: no copy.
func (in *reader) openInto(p []byte) (int, error) {
	b := in.record()
	if err := in.open(p[:0], b); err != nil {
		return 0, err
	}
	return len(b) - tagSize, nil
}

// openHere opens the next record where it lies, for a p that is too small.
func (in *reader) openHere() error {
	from := in.r
	b := in.record()
	if err := in.open(b[:0], b); err != nil {
		return err
	}
	in.from, in.to = from, in.r-tagSize
	return nil
}

// receiveInto receives the rest of a large record in p and opens it there.
func (in *reader) receiveInto(raw net.Conn, p []byte) (int, error) {
	have := 0
	if in.buf != nil {
		have = copy(p, in.buf.Bytes()[in.r:in.w])
		in.drop()
	}
	for have < in.body {
		n, err := pull(raw, p[have:in.body])
		have += n
		if err != nil {
			in.keep(p[:have])
			return 0, err
		}
	}
	b := p[:in.body]
	in.body, in.size = 0, 0
	if err := in.open(b[:0], b); err != nil {
		return 0, err
	}
	return len(b) - tagSize, nil
}

// keep takes what has arrived of a record back out of the caller's slice.
func (in *reader) keep(part []byte) {
	if len(part) > 0 {
		in.buf = buf.Get(max(len(part), smallest))
		in.w = copy(in.buf.Bytes(), part)
	}
}

// fill reads from the pipe once, for a caller who waits for so many bytes: one
// who expects little is an idle connection.
func (in *reader) fill(raw net.Conn, wanted int) error {
	in.makeRoom(min(wanted, smallest))
	free := in.buf.Bytes()[in.w:]
	n, err := pull(raw, free)
	in.w += n
	in.size = 0
	if n == len(free) {
		in.size = min(4*in.buf.Cap(), buf.MaxSize) // more is likely to be waiting
	}
	return err
}

// makeRoom sees to a buffer in which the record that raw begins with has room to
// go on. It takes a larger one only when the last read came back full, or bytes
// of the record fill the one there is: the length in a head earns nothing.
func (in *reader) makeRoom(least int) {
	in.from, in.to = 0, 0
	have, want := in.w-in.r, max(in.size, least)
	if in.buf != nil && have == in.buf.Cap() {
		want = min(4*have, buf.MaxSize)
	}
	switch {
	case in.buf == nil:
		in.buf = buf.Get(want)
	case in.buf.Cap() < want:
		larger := buf.Get(want)
		copy(larger.Bytes(), in.buf.Bytes()[in.r:in.w])
		in.buf.Release()
		in.buf = larger
	case in.buf.Cap()-in.r < max(in.body, headSize):
		copy(in.buf.Bytes(), in.buf.Bytes()[in.r:in.w])
	default:
		return
	}
	in.r, in.w = 0, have
}

// pull reads from the pipe once, and again while that gives neither bytes nor an
// error. An error that comes with bytes comes again without them (io.Reader).
func pull(raw net.Conn, p []byte) (int, error) {
	for range patience {
		n, err := raw.Read(p)
		switch {
		case n < 0 || n > len(p):
			return 0, errCount
		case n > 0:
			return n, nil
		case err != nil:
			return 0, err
		}
	}
	return 0, io.ErrNoProgress
}

// final makes every error but a deadline the error of every later read. An end
// inside a record is not the end of the pipe but a cut.
func (in *reader) final(err error) error {
	if deadline(err) {
		return err
	}
	if err == io.EOF && (in.body > 0 || in.r < in.w) {
		err = &RecordError{Record: in.n, Rule: string(ruleWhole), Cause: io.ErrUnexpectedEOF}
	}
	in.err = err
	return err
}

// settle gives the buffer back when nothing in it is needed any more.
func (in *reader) settle() {
	if in.buf != nil && (in.err != nil || in.from == in.to && in.r == in.w) {
		in.drop()
	}
}

// drop gives the buffer back.
func (in *reader) drop() {
	if in.buf != nil {
		in.buf.Release()
		in.buf = nil
	}
	in.from, in.to, in.r, in.w = 0, 0, 0, 0
}

// deadline reports whether err is a deadline that has passed.
func deadline(err error) bool {
	var timeout net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
}
