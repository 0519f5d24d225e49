package ping

import (
	"context"
	"errors"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

const (
	// idle is how long a stream may be silent.
	idle = 30 * time.Second
	// maxStreams is how many streams of one peer are served at a time (libp2p
	// specs, ping/ping.md).
	maxStreams = 2
)

// Run is the body of the service's actor: it serves pings until self is told to
// end (then it returns the cause). Another error is that of
// [swarm.Swarm.Handle].
func Run(self *actor.Self, s *swarm.Swarm) error { return run(self, s, func() {}) }

// Start runs the service of a swarm as a child of parent named "ping", and waits
// until it serves. It is started again when it fails; after five failures in a
// minute it stays down. Errors: why it could not begin, for example a
// [*swarm.ProtocolTakenError]; parent's cause when parent ends first.
func Start(parent *actor.Self, s *swarm.Swarm) error {
	b := &beginning{signal: actor.NewSignal(parent, "the start of ping")}
	r := actor.Restart{When: actor.OnFailure, Backoff: 100 * time.Millisecond, Optional: true}
	ref := parent.Supervise("ping", r, func(self *actor.Self) error {
		self.OnEnd(func() { b.is(actor.ErrStopped) }) // told to end before it began
		err := run(self, s, func() { b.is(nil) })
		if err != nil {
			b.is(err)
		}
		return err
	})
	if err := ref.Err(); err != nil {
		return err
	}
	err := b.wait(parent)
	if err != nil {
		ref.Stop(err)
	}
	return err
}

// beginning is how Start learns how the first incarnation began.
type beginning struct {
	signal actor.Signal
	over   atomic.Bool
	err    error
}

// is says it; the first time counts. Only the service's actor calls it.
func (b *beginning) is(err error) {
	if !b.over.Load() {
		b.err = err
		b.over.Store(true)
		b.signal.Set()
	}
}

func (b *beginning) wait(ctx context.Context) error {
	for !b.over.Load() {
		if err := b.signal.Wait(ctx, time.Time{}); err != nil {
			return err
		}
	}
	return b.err
}

func run(self *actor.Self, s *swarm.Swarm, ready func()) error {
	l := &listener{streams: make(map[peer.ID]int)}
	self.Gauge("answered", l.answered.Load)
	self.Gauge("refused", l.refused.Load)
	if err := s.Handle(self, ID, l.serve); err != nil {
		return err
	}
	self.State("serving")
	ready()
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}

// listener is what the handlers of one service share.
type listener struct {
	answered, refused atomic.Int64

	mu      sync.Mutex // never held over a wait
	streams map[peer.ID]int
}

// enter counts one more stream of a peer, unless that is one too many.
func (l *listener) enter(id peer.ID) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams[id] == maxStreams {
		return false
	}
	l.streams[id]++
	return true
}

func (l *listener) leave(id peer.ID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.streams[id]--; l.streams[id] == 0 {
		delete(l.streams, id)
	}
}

// serve is the handler of a stream.
func (l *listener) serve(self *actor.Self, s *stream.Stream) error {
	if !l.enter(s.Peer()) {
		l.refused.Add(1)
		return stream.Refuse(stream.CodeResourceLimit)
	}
	defer l.leave(s.Peer())
	var buf [Size]byte
	for {
		if err := s.SetDeadline(self.Now().Add(idle)); err != nil {
			return err
		}
		if _, err := io.ReadFull(s, buf[:]); err != nil {
			return ended(self, err)
		}
		if _, err := s.Write(buf[:]); err != nil {
			return ended(self, err)
		}
		l.answered.Add(1)
	}
}

// ended says how a stream is to end. What the remote does is no failure of this
// host.
func ended(self *actor.Self, err error) error {
	switch {
	case self.Err() != nil:
		return err
	case err == io.EOF:
		return nil
	case errors.Is(err, io.ErrUnexpectedEOF):
		self.Note("refused", "the stream ended in the middle of a ping")
		return stream.Refuse(stream.CodeProtocolViolation)
	case errors.Is(err, os.ErrDeadlineExceeded):
		self.Note("refused", "nothing came, or nobody read the answers")
		return stream.Refuse(stream.CodeGarbageCollected)
	}
	return stream.Refuse(stream.CodeNone)
}
