package noise

import (
	"encoding/binary"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// maxPlain is the most plaintext that a record may hold.
const maxPlain = 65535 - tagSize

// A pipe is the net.Conn of tests that are about one direction: Read gives what
// the script says, Write keeps what it takes.
type pipe struct {
	reads  []read      // what Read returns, in order; io.EOF after that
	asked  []int       // the sizes of the slices that Read was given
	taken  []byte      // what Write took
	calls  int         // of Write
	writes func() take // how much the next Write takes; nil: everything
	closed bool
	during func() // called inside of Read and Write
}

// A read is one result of Read; the rest of data stays for the next one when the
// slice is too small. A nil err with no data is a result, too.
type read struct {
	data []byte
	err  error
}

// A take is one result of Write.
type take struct {
	n   int // at most
	err error
}

func (p *pipe) Read(b []byte) (int, error) {
	p.asked = append(p.asked, len(b))
	if p.closed {
		return 0, net.ErrClosed
	}
	if len(p.reads) == 0 {
		return 0, io.EOF
	}
	if p.during != nil {
		p.during()
	}
	next := &p.reads[0]
	n := copy(b, next.data)
	next.data = next.data[n:]
	if err := next.err; err != nil && n == 0 {
		p.reads = p.reads[1:]
		return 0, err
	}
	if len(next.data) == 0 && next.err == nil {
		p.reads = p.reads[1:]
	}
	return n, nil
}

func (p *pipe) Write(b []byte) (int, error) {
	p.calls++
	if p.closed {
		return 0, net.ErrClosed
	}
	if p.during != nil {
		p.during()
	}
	n, err := len(b), error(nil)
	if p.writes != nil {
		t := p.writes()
		n, err = min(n, t.n), t.err
	}
	p.taken = append(p.taken, b[:max(0, n)]...)
	return n, err
}

func (p *pipe) Close() error                     { p.closed = true; return nil }
func (p *pipe) LocalAddr() net.Addr              { return nil }
func (p *pipe) RemoteAddr() net.Addr             { return nil }
func (p *pipe) SetDeadline(time.Time) error      { return nil }
func (p *pipe) SetReadDeadline(time.Time) error  { return nil }
func (p *pipe) SetWriteDeadline(time.Time) error { return nil }

// late is a deadline that passes once.
var late = read{err: os.ErrDeadlineExceeded}

// reading returns a connection that reads from the script, and the sealing with
// which records for it are made.
func reading(t testing.TB, script ...read) (*Conn, *pipe, *sealing) {
	t.Helper()
	p := &pipe{reads: script}
	c, _ := sessions(t, p, &pipe{})
	var key [keySize]byte
	chance(2).Read(key[:])
	s := newSealing(&key, lastRecord)
	return c, p, &s
}

// wire returns plain as a record with its head.
func wire(t testing.TB, s *sealing, plain []byte) []byte {
	t.Helper()
	head := binary.BigEndian.AppendUint16(nil, uint16(len(plain)+tagSize))
	record, err := s.seal(append(head, make([]byte, len(plain)+tagSize)...)[:headSize], plain)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// opened returns what the records in wire hold, and the size of each.
func opened(t testing.TB, wire []byte) (plain []byte, sizes []int) {
	t.Helper()
	var key [keySize]byte
	chance(1).Read(key[:])
	s := newSealing(&key, lastRecord)
	for len(wire) > 0 {
		if len(wire) < headSize {
			t.Fatal("half a head")
		}
		n := int(binary.BigEndian.Uint16(wire))
		if len(wire) < headSize+n {
			t.Fatal("half a record")
		}
		body := wire[headSize : headSize+n]
		if err := s.open(body[:0], body); err != nil {
			t.Fatal(err)
		}
		plain = append(plain, body[:n-tagSize]...)
		sizes = append(sizes, n-tagSize)
		wire = wire[headSize+n:]
	}
	return plain, sizes
}

// text returns n bytes of which no part repeats soon.
func text(n int) []byte {
	b := make([]byte, n)
	chance(77).Read(b)
	return b
}
