package perf

import (
	"context"
	"errors"
	"io"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/stream"
)

// blockSize is how many bytes are read or written at a time, as in go and rust.
const blockSize = 64 << 10

// errOver: more bytes came than are wanted.
var errOver = errors.New("more bytes came than are wanted")

// errLong: the transfer took longer than it may.
var errLong = errors.New("the stream took longer than a stream may")

// A Progress is what moved in one interval of a measurement.
type Progress struct {
	// Took is how long the interval was.
	Took time.Duration
	// Uploaded and Downloaded are the bytes that moved in it, and not before. A
	// byte is uploaded when the connection has taken it over.
	Uploaded, Downloaded uint64
}

// transfer is one end of a perf stream. It moves blocks and asks its pace after
// each: for that a deadline of the stream ends a wait, which then goes on.
type transfer struct {
	ctx    context.Context
	stream *stream.Stream
	pace   paceMachine
	report func(Progress)

	block   *buf.Buf
	do      []paceEffect
	wake    time.Time
	header  uint64    // bytes of the header that have not moved
	in, out uint64    // bytes so far, without the header
	first   time.Time // when the first byte or the end was read
}

// begin makes a transfer over a stream that is open. Whoever makes it ends it.
func begin(ctx context.Context, s *stream.Stream, pace paceMachine, report func(Progress)) *transfer {
	t := &transfer{
		ctx: ctx, stream: s.WithContext(ctx), pace: pace, report: report,
		block: buf.Get(blockSize), header: headerSize,
	}
	_ = t.step(paceEvent{kind: paceBegin}) // it only says when to wake
	return t
}

// end gives back what the transfer holds; the stream is not its own.
func (t *transfer) end() { t.block.Release() }

// payload is how many of the n bytes that just moved are not of the header, with
// which every stream begins.
func (t *transfer) payload(n int) uint64 {
	of := min(t.header, uint64(n))
	t.header -= of
	return uint64(n) - of
}

// write writes p. Only the write deadline is used for that: while the dialer's
// stream still waits for the answer to its proposal, the read deadline is not
// the user's.
func (t *transfer) write(p []byte) error {
	for len(p) > 0 {
		t.stream.SetWriteDeadline(t.wake)
		n, err := t.stream.Write(p)
		p = p[n:]
		if err := t.moved(0, t.payload(n), err); err != nil {
			return err
		}
	}
	return nil
}

// send writes n zeros.
func (t *transfer) send(n uint64) error {
	zeros := t.block.Bytes()[:min(n, blockSize)]
	clear(zeros) // the block may hold what others received
	for n > 0 {
		p := zeros[:min(n, blockSize)]
		if err := t.write(p); err != nil {
			return err
		}
		n -= uint64(len(p))
	}
	return nil
}

// agreed waits until the remote has answered the proposal of the protocol.
func (t *transfer) agreed() error {
	for {
		ctx, cancel := actor.WithTimeout(t.ctx, t.wake.Sub(actor.Now(t.ctx)))
		err := t.stream.Agreed(ctx)
		woken := err != nil && ctx.Err() != nil && t.ctx.Err() == nil
		cancel()
		if !woken {
			return err
		}
		if err := t.moved(0, 0, nil); err != nil {
			return err
		}
	}
}

// read reads at most one block into p. It returns io.EOF at the end.
func (t *transfer) read(p []byte) (int, error) {
	for {
		t.stream.SetReadDeadline(t.wake)
		n, err := t.stream.Read(p[:min(len(p), blockSize)])
		if t.first.IsZero() && (n > 0 || err == io.EOF) {
			t.first = actor.Now(t.ctx)
		}
		if err := t.moved(t.payload(n), 0, err); n > 0 || err != nil {
			return n, err
		}
	}
}

// drain reads to the end, and gives up with errOver after more than limit bytes.
func (t *transfer) drain(limit uint64) error {
	for n := uint64(0); ; {
		k, err := t.read(t.block.Bytes())
		if n += uint64(k); n > limit {
			return errOver
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// moved counts what a read or a write moved. It returns its error, unless that is
// the deadline that the pace asked for; then what the pace says. Other errors may
// have a deadline as their cause, that of the connection for example.
func (t *transfer) moved(in, out uint64, err error) error {
	woken := err == os.ErrDeadlineExceeded && !actor.Now(t.ctx).Before(t.wake)
	t.in += in
	t.out += out
	verdict := t.step(paceEvent{kind: paceMoved, in: in, out: out})
	if err != nil && !woken {
		return err
	}
	return verdict
}

// step feeds the pace one event and does what it says.
func (t *transfer) step(ev paceEvent) (verdict error) {
	t.do = t.pace.Step(actor.Now(t.ctx), ev, t.do[:0])
	for _, e := range t.do {
		switch e.kind {
		case paceReport:
			t.report(Progress{Took: e.took, Uploaded: e.out, Downloaded: e.in})
		case paceWake:
			t.wake = e.at
		case paceSlow:
			verdict = ErrSlow
		case paceLong:
			verdict = errLong
		}
	}
	return verdict
}
