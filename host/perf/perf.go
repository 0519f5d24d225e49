package perf

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// ID is the protocol's name (libp2p specs, perf/perf.md).
const ID negotiate.Protocol = "/perf/1.0.0"

// Interval is how long the intervals are that [Measure] reports (libp2p
// test-plans, perf/README.md: the progress is printed every second).
const Interval = time.Second

// Patience is how long [Measure] waits for a byte to move.
const Patience = 30 * time.Second

// headerSize is the size of the number that the dialer begins with.
const headerSize = 8

// A Result is what a measurement found.
type Result struct {
	// Uploaded and Downloaded count the bytes that moved, without the 8 that say
	// how many are to come back.
	Uploaded, Downloaded uint64
	// Open is how long the opening of the stream took, with the dialing of the
	// peer where that was needed.
	Open time.Duration
	// Upload is from then until the first byte of the answer, or its end: the
	// listener sends none before it has read everything.
	Upload time.Duration
	// Download is from then until the end of the answer.
	Download time.Duration
}

// Streaming is the time from the stream's opening to its end, by which the
// specification divides the bytes.
func (r Result) Streaming() time.Duration { return r.Upload + r.Download }

// Measure uploads so many bytes to a peer, then downloads so many from it, over
// one stream. Without a connection it makes one first, to the addresses in the
// address book. Both numbers may be zero, and as large as can be.
//
// While it lasts, report is called after each [Interval], by the same goroutine,
// also when nothing moved; nil is no report. What moved after the last full
// interval is only in the result.
//
// It blocks until the answer has ended, something fails, nothing has moved for
// [Patience], or ctx ends. Errors are [*Error]; the result then says how far it
// came, and the stream is reset.
func Measure(ctx context.Context, s *swarm.Swarm, to peer.ID, upload, download uint64, report func(Progress)) (Result, error) {
	if report == nil {
		report = func(Progress) {}
	}
	var r Result
	began := actor.Now(ctx)
	st, err := s.Open(ctx, to, ID)
	open := actor.Now(ctx)
	r.Open = open.Sub(began)
	if err != nil {
		return r, &Error{Peer: to, Stage: StageOpen, Cause: refusedBy(err)}
	}
	t := begin(ctx, st, paceMachine{every: Interval, period: Patience, least: 1}, report)
	defer t.end()
	stage, err := t.dial(upload, download)
	over := actor.Now(ctx)
	r.Uploaded, r.Downloaded = t.out, t.in
	if t.first.IsZero() {
		r.Upload = over.Sub(open)
	} else {
		r.Upload, r.Download = t.first.Sub(open), over.Sub(t.first)
	}
	if err != nil {
		code := stream.CodeNone
		if errors.Is(err, ErrLong) {
			code = stream.CodeProtocolViolation
		}
		st.Reset(code)
		return r, &Error{Peer: to, Stage: stage, Cause: refusedBy(err)}
	}
	st.Close()
	return r, nil
}

// dial is the dialer's side of the protocol.
func (t *transfer) dial(upload, download uint64) (Stage, error) {
	var header [headerSize]byte
	binary.BigEndian.PutUint64(header[:], download)
	if err := t.write(header[:]); err != nil {
		return StageUpload, err
	}
	if err := t.send(upload); err != nil {
		return StageUpload, err
	}
	t.stream.CloseWrite()
	if err := t.agreed(); err != nil {
		return StageAwait, err
	}
	err := t.drain(download)
	switch {
	case err == nil && t.in < download:
		err = ErrShort
	case errors.Is(err, errOver):
		err = ErrLong
	}
	if t.in == 0 && download > 0 {
		return StageAwait, err
	}
	return StageDownload, err
}
