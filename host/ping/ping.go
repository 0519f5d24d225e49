package ping

import (
	"bytes"
	"context"
	"io"
	"iter"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// ID is the protocol's name (libp2p specs, ping/ping.md).
const ID negotiate.Protocol = "/ipfs/ping/1.0.0"

// Size is how many bytes a ping has.
const Size = 32

// Timeout is how long a peer may take to answer one ping.
const Timeout = 10 * time.Second

// Ping pings a peer once and returns how long the answer took, without the
// opening of the stream. Without a connection it makes one first, to the
// addresses in the address book. It blocks until the answer comes, 10 seconds
// after the ping have passed, or ctx ends. Errors are [*Error].
func Ping(ctx context.Context, s *swarm.Swarm, to peer.ID) (time.Duration, error) {
	p, err := Open(ctx, s, to)
	if err != nil {
		return 0, err
	}
	defer p.Close()
	return p.Ping(ctx)
}

// All pings a peer again and again over one stream, and yields how long each
// answer took. The next ping is sent when the pause every has passed since the
// last one was sent and it is answered; without a pause, at once.
//
// It ends when the loop does, and after the first error, which it yields: an
// [*Error], with the cause of ctx when that has ended.
func All(ctx context.Context, s *swarm.Swarm, to peer.ID, every time.Duration) iter.Seq2[time.Duration, error] {
	return func(yield func(time.Duration, error) bool) {
		p, err := Open(ctx, s, to)
		if err != nil {
			yield(0, err)
			return
		}
		defer p.Close()
		pause := actor.NewSignal(ctx, "the next ping")
		for {
			next := actor.Now(ctx).Add(every)
			rtt, err := p.Ping(ctx)
			if !yield(rtt, err) || err != nil {
				return
			}
			if actor.Now(ctx).Before(next) {
				_ = pause.Wait(ctx, next) // it ends with the time, or with ctx: then the ping says so
			}
		}
	}
}

// A Pinger pings one peer over one stream. Only one goroutine may use it at a
// time.
type Pinger struct {
	peer   peer.ID
	stream *stream.Stream
}

// Open opens the stream for the pings of one peer. Close it when done. It blocks
// as [swarm.Swarm.Open] does. Errors are [*Error].
func Open(ctx context.Context, s *swarm.Swarm, to peer.ID) (*Pinger, error) {
	st, err := s.Open(ctx, to, ID)
	if err != nil {
		return nil, &Error{Peer: to, Stage: StageOpen, Cause: err}
	}
	return &Pinger{peer: to, stream: st}, nil
}

// Ping pings once and returns how long the answer took. It blocks until the
// answer comes, 10 seconds have passed, or ctx ends. After an error, an
// [*Error], the stream is reset and all later pings fail.
func (p *Pinger) Ping(ctx context.Context) (time.Duration, error) {
	ctx, cancel := actor.WithTimeout(ctx, Timeout)
	defer cancel()
	st := p.stream.WithContext(ctx)
	var sent, got [Size]byte
	fail := func(stage Stage, code uint32, err error) (time.Duration, error) {
		st.Reset(code)
		return 0, &Error{Peer: p.peer, Stage: stage, Cause: err}
	}
	if _, err := io.ReadFull(actor.Entropy(ctx), sent[:]); err != nil {
		return fail(StageSend, stream.CodeNone, err)
	}
	began := actor.Now(ctx)
	if _, err := st.Write(sent[:]); err != nil {
		return fail(StageSend, stream.CodeNone, err)
	}
	if _, err := io.ReadFull(st, got[:]); err != nil {
		return fail(StageAwait, stream.CodeNone, err)
	}
	rtt := actor.Now(ctx).Sub(began)
	if !bytes.Equal(sent[:], got[:]) {
		return fail(StageAwait, stream.CodeProtocolViolation, ErrMismatch)
	}
	return rtt, nil
}

// Close closes the stream. It does not wait.
func (p *Pinger) Close() error { return p.stream.Close() }
