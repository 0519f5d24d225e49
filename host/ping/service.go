package ping

import (
	"errors"
	"io"
	"os"
	"slices"
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
	// specs, ping/ping.md). One more takes the place of the oldest: go-libp2p opens
	// a new stream for each ping and ends the one before in its own time.
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
	r := actor.Restart{When: actor.OnFailure, Backoff: 100 * time.Millisecond, Optional: true}
	return parent.SuperviseReady("ping", r, func(self *actor.Self, ready func()) error { return run(self, s, ready) })
}

func run(self *actor.Self, s *swarm.Swarm, ready func()) error {
	l := &listener{streams: make(map[peer.ID][]*stream.Stream)}
	self.Gauge("answered", l.answered.Load)
	self.Gauge("replaced", l.replaced.Load)
	if err := s.Handle(self, ID, l.serve); err != nil {
		return err
	}
	self.State("serving")
	ready()
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}

// listener is what the handlers of one service share.
type listener struct {
	answered, replaced atomic.Int64

	mu      sync.Mutex                   // never held over a wait
	streams map[peer.ID][]*stream.Stream // the oldest first
}

// enter counts one more stream of its peer and returns the one it replaces.
func (l *listener) enter(s *stream.Stream) (replaced *stream.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.streams[s.Peer()]
	if len(all) == maxStreams {
		replaced = all[0]
		all = slices.Delete(all, 0, 1)
	}
	l.streams[s.Peer()] = append(all, s)
	return replaced
}

func (l *listener) leave(s *stream.Stream) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := slices.DeleteFunc(l.streams[s.Peer()], func(other *stream.Stream) bool { return other == s })
	if len(all) == 0 {
		delete(l.streams, s.Peer())
		return
	}
	l.streams[s.Peer()] = all
}

// serve is the handler of a stream.
func (l *listener) serve(self *actor.Self, s *stream.Stream) error {
	if oldest := l.enter(s); oldest != nil {
		l.replaced.Add(1)
		oldest.Reset(stream.CodeSupplanted)
	}
	defer l.leave(s)
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
