package stream

import (
	"bytes"
	"fmt"
	"io"

	"github.com/multiformats/go-varint"
)

// A SizeError is a message over the limit that its reader or writer allows.
type SizeError struct {
	Size  uint64 // bytes, as announced
	Limit int
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("a message of %d bytes is over the limit of %d", e.Size, e.Limit)
}

// readStep is how much memory a message gets ahead of its bytes: an announced
// length alone costs the reader no more.
const readStep = 4 << 10

// ReadMessage reads one message: its length as an unsigned varint, then so many
// bytes (the form of identify, the DHT, pubsub and others). It blocks as r does.
//
// It returns io.EOF when r ends before the first byte, [io.ErrUnexpectedEOF]
// when it ends later, a [*SizeError] before taking any memory when the length is
// over the limit, and the error of the varint package for a length that is not
// minimal or too long.
func ReadMessage(r io.Reader, limit int) ([]byte, error) {
	one := oneByte{r: r}
	size, err := varint.ReadUvarint(&one)
	if err != nil {
		if err == io.EOF && one.read > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	if size > uint64(limit) {
		return nil, &SizeError{Size: size, Limit: limit}
	}
	if size <= readStep {
		p := make([]byte, size)
		_, err := io.ReadFull(r, p)
		return p, unexpected(err)
	}
	var grown bytes.Buffer
	grown.Grow(readStep)
	if n, err := io.CopyN(&grown, r, int64(size)); err != nil || n < int64(size) {
		return nil, unexpected(err)
	}
	return grown.Bytes(), nil
}

// WriteMessage writes one message with its length in front, in one Write. It
// blocks as w does; a message over the limit is a [*SizeError].
func WriteMessage(w io.Writer, message []byte, limit int) error {
	if len(message) > limit {
		return &SizeError{Size: uint64(len(message)), Limit: limit}
	}
	p := make([]byte, 0, varint.UvarintSize(uint64(len(message)))+len(message))
	p = append(p, varint.ToUvarint(uint64(len(message)))...)
	_, err := w.Write(append(p, message...))
	return err
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// oneByte reads single bytes, so that nothing beyond the length is taken.
type oneByte struct {
	r    io.Reader
	read int
	p    [1]byte
}

func (o *oneByte) ReadByte() (byte, error) {
	if _, err := io.ReadFull(o.r, o.p[:]); err != nil {
		return 0, err
	}
	o.read++
	return o.p[0], nil
}
