package noise

import (
	"encoding/binary"
	"io"
	"net"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// gather is how many full records are handed to the pipe together.
const gather = 2

// A writer is the sending direction.
//
//	pieces ──seal──▶ buffers, each with one record ──one call──▶ pipe
//
// The buffers come from the pool when there is something to send and go back
// when the pipe has taken it.
type writer struct {
	gate
	sealing
	bufs  [gather]*buf.Buf
	parts [gather][]byte // what goes out of each
	used  int            // how many of them there are
	rest  net.Buffers    // of parts, what the pipe has not taken yet
	one   [1][]byte      // the pieces of a Write
	err   error
}

// write is [Conn.WriteBuffers].
func (out *writer) write(raw net.Conn, pieces [][]byte) (int64, error) {
	if out.err != nil {
		return 0, out.err
	}
	if err := out.push(raw); err != nil { // what a deadline has left behind
		return 0, err
	}
	var left, n int64
	for _, p := range pieces {
		left += int64(len(p))
	}
	at := 0 // in pieces[0], where the next record begins
	for left > 0 {
		var sealed int64
		var limit error
		for out.used < gather && left > 0 && limit == nil {
			size := int(min(left, fullPlain))
			b := buf.Get(headSize + size + tagSize)
			plain := b.Bytes()[headSize : headSize+size]
			if len(pieces[0])-at >= size {
				plain = pieces[0][at : at+size] // no copy
				at += size
			} else {
				at, pieces = buf.Collect(plain, at, pieces)
			}
			if limit = out.add(b, plain); limit == nil {
				sealed += int64(size)
				left -= int64(size)
			}
		}
		out.rest = out.parts[:out.used]
		if err := out.push(raw); err != nil {
			if out.err == nil {
				n += sealed // a deadline: the rest of it is kept
			}
			return n, err
		}
		n += sealed
		if limit != nil {
			return n, out.final(limit)
		}
	}
	return n, nil
}

// add seals plain into b and queues it for the pipe. plain may lie in b where
// its sealed form will.
func (out *writer) add(b *buf.Buf, plain []byte) error {
	frame := b.Bytes()[:headSize]
	binary.BigEndian.PutUint16(frame, uint16(len(plain)+tagSize))
	frame, err := out.seal(frame, plain)
	if err != nil {
		b.Release()
		return err
	}
	out.bufs[out.used], out.parts[out.used] = b, frame
	out.used++
	return nil
}

// push hands rest to the pipe with one call, which is one system call where the
// pipe is a TCP connection. After a deadline rest is what is left of it.
func (out *writer) push(raw net.Conn) error {
	var total, n int64
	for _, p := range out.rest {
		total += int64(len(p))
	}
	var err error
	switch len(out.rest) {
	case 0:
		return nil
	case 1:
		var one int
		one, err = raw.Write(out.rest[0])
		n = int64(one)
		out.rest[0] = out.rest[0][max(0, min(n, total)):]
	default:
		n, err = out.rest.WriteTo(raw)
	}
	switch {
	case n < 0 || n > total:
		return out.final(errCount)
	case err == nil && n < total:
		return out.final(io.ErrShortWrite)
	case err != nil && deadline(err):
		return err
	case err != nil:
		return out.final(err)
	}
	out.drop()
	return nil
}

// final makes err the error of every later write.
func (out *writer) final(err error) error {
	out.err = err
	out.drop()
	return err
}

// drop gives the buffers back.
func (out *writer) drop() {
	for i := range out.used {
		out.bufs[i].Release()
		out.bufs[i], out.parts[i] = nil, nil
	}
	out.used, out.rest = 0, nil
}
