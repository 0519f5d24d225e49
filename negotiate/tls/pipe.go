package tls

import (
	"io"
	"net"
	"sync/atomic"

	"github.com/troupe-p2p/troupe/actor/buf"
)

const (
	// fullPlain is the plaintext of a full record (RFC 8446, 5.1).
	fullPlain = 16 << 10

	// overhead is what a record has besides: its head, the type inside, and the
	// tag (RFC 8446, 5.2), with every cipher of TLS 1.3 that crypto/tls has.
	overhead = 5 + 1 + 16

	// together is how many full records fit a buffer.
	together = buf.MaxSize / (fullPlain + overhead)

	// most is the plaintext whose records fit a buffer.
	most = buf.MaxSize - (together+1)*overhead
)

// records is in how many records crypto/tls sends size bytes.
func records(size int) int { return (size + fullPlain - 1) / fullPlain }

// portion is how much of left bytes to seal for one call of the pipe: all, or
// as many full records as fit.
func portion(left int) int {
	if left <= most {
		return left
	}
	return together * fullPlain
}

// A pipe stands between crypto/tls and the pipe. It marks the errors of the
// pipe, so that they are known among those of crypto/tls, and hands records
// that were sealed together over together:
//
//	crypto/tls ──a record at a time──▶ buffer ──one call──▶ pipe
//
// crypto/tls calls Write under its own lock. The records may be the writer's, or
// an answer that the reader has to give; all of them leave in the order in which
// they came.
type pipe struct {
	net.Conn
	more   atomic.Int32            // how many records still come before the pipe is called
	held   atomic.Pointer[buf.Buf] // the records that wait for the rest
	used   int                     // their bytes; only Write looks at it
	closed atomic.Bool

	ahead    atomic.Pointer[buf.Buf] // what was read ahead; the rest is Read's alone
	from, to int                     // where in it
	later    error                   // came with its last bytes
	hurry    bool                    // much is coming
}

// expect says how many records the writer will send next.
func (p *pipe) expect(records int) {
	if records > 1 {
		p.more.Store(int32(records))
	}
}

// Write keeps a record when more are to follow, and else hands all over.
func (p *pipe) Write(record []byte) (int, error) {
	wait := false
	if more := p.more.Load(); more > 0 {
		wait = p.more.Add(-1) > 0
	}
	b := p.held.Swap(nil)
	if b == nil && !wait {
		return p.send(record)
	}
	if b == nil {
		b, p.used = buf.Get(buf.MaxSize), 0
	}
	if len(record) > b.Cap()-p.used {
		// An answer of the reader's came between and took the room.
		if _, err := p.send(b.Bytes()[:p.used]); err != nil {
			b.Release()
			return 0, err
		}
		p.used = 0
	}
	p.used += copy(b.Bytes()[p.used:], record)
	if wait {
		p.held.Store(b)
		if p.closed.Load() {
			p.release()
		}
		return len(record), nil
	}
	_, err := p.send(b.Bytes()[:p.used])
	b.Release()
	if err != nil {
		return 0, err
	}
	return len(record), nil
}

// send calls the pipe.
func (p *pipe) send(b []byte) (int, error) {
	n, err := p.Conn.Write(b)
	switch {
	case n < 0 || n > len(b):
		return 0, &pipeError{errCount}
	case err != nil:
		return n, &pipeError{err}
	case n < len(b):
		return n, &pipeError{io.ErrShortWrite}
	}
	return n, nil
}

// busy is how much a read must bring for the next one to read ahead.
const busy = 8 << 10

// Read reads from the pipe, and ahead while much is coming: crypto/tls asks for
// one record at a time, and a call of the pipe costs as much as opening one. Its
// end goes on as it is: crypto/tls knows it.
func (p *pipe) Read(b []byte) (int, error) {
	if a := p.ahead.Swap(nil); a != nil {
		return p.give(a, b), nil
	}
	if err := p.later; err != nil {
		p.later = nil
		return 0, err
	}
	if !p.hurry || len(b) >= buf.MaxSize {
		n, err := p.pull(b)
		p.hurry = n == len(b) && n >= busy
		return n, err
	}
	a := buf.Get(buf.MaxSize)
	n, err := p.pull(a.Bytes())
	p.hurry = n >= buf.MaxSize/2
	if n == 0 {
		a.Release()
		return 0, err
	}
	p.from, p.to, p.later = 0, n, err
	return p.give(a, b), nil
}

// give copies from what was read ahead, and keeps the rest.
func (p *pipe) give(a *buf.Buf, b []byte) int {
	n := copy(b, a.Bytes()[p.from:p.to])
	if p.from += n; p.from == p.to {
		a.Release()
		return n
	}
	p.ahead.Store(a)
	if p.closed.Load() {
		p.release()
	}
	return n
}

// pull calls the pipe.
func (p *pipe) pull(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if n < 0 || n > len(b) {
		return 0, &pipeError{errCount}
	}
	if err != nil && err != io.EOF {
		err = &pipeError{err}
	}
	return n, err
}

// drop gives up what waits for more records and what was read ahead, for good:
// the session is at its end.
func (p *pipe) drop() {
	p.closed.Store(true)
	p.release()
}

// release gives the buffers back.
func (p *pipe) release() {
	for _, held := range []*atomic.Pointer[buf.Buf]{&p.held, &p.ahead} {
		if b := held.Swap(nil); b != nil {
			b.Release()
		}
	}
}

// A pipeError is an error of the pipe on its way through crypto/tls. It is a
// [net.Error] whose Temporary says what crypto/tls reads from it: a Read that
// ran into its deadline can go on.
type pipeError struct{ err error }

func (e *pipeError) Error() string { return e.err.Error() }

func (e *pipeError) Unwrap() error { return e.err }

// Timeout reports whether a deadline passed.
func (e *pipeError) Timeout() bool { return late(e.err) }

// Temporary reports the same.
func (e *pipeError) Temporary() bool { return late(e.err) }
