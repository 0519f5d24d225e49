package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// bufferSize is what a service asks for in one Read.
const bufferSize = 64 << 10

// buffers are what the services read into: a stream that is idle has none, so
// that the memory of an idle stream is the implementation's own.
var buffers = sync.Pool{New: func() any { return new([bufferSize]byte) }}

// Serve does what a service does with a stream, to its end. It does not close
// the stream.
func Serve(service Service, s Stream) error {
	switch service {
	case Sink:
		return sink(s)
	case Echo:
		return echo(s)
	default:
		return fmt.Errorf("there is no service %q", service)
	}
}

// sink reads what is announced and says when all of it has come, and in how many
// Reads.
func sink(s Stream) error {
	for {
		var head [8]byte
		if _, err := io.ReadFull(s, head[:]); err != nil {
			return orEnd(err)
		}
		reads, err := swallow(s, binary.BigEndian.Uint64(head[:]))
		if err != nil {
			return err
		}
		binary.BigEndian.PutUint64(head[:], reads)
		if _, err := s.Write(head[:]); err != nil {
			return err
		}
	}
}

// swallow reads that many bytes, and says how many Reads it took.
func swallow(s Stream, left uint64) (reads uint64, err error) {
	buf := buffers.Get().(*[bufferSize]byte)
	defer buffers.Put(buf)
	for left > 0 {
		n, err := s.Read(buf[:min(left, uint64(len(buf)))])
		left -= uint64(n)
		reads++
		if err != nil && left > 0 {
			return reads, err
		}
	}
	return reads, nil
}

// orEnd makes the end of a stream a normal end.
func orEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// echo waits with a small buffer: an idle stream holds next to nothing.
func echo(s Stream) error {
	var small [128]byte
	for {
		n, err := s.Read(small[:])
		if n > 0 {
			if _, err := s.Write(small[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return orEnd(err)
		}
	}
}
