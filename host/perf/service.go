package perf

import (
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// Options are what a listener is ready to do for others. Zero and less is the
// default.
type Options struct {
	// PeerStreams is how many streams of one peer are served at a time; by
	// default 8.
	PeerStreams int
	// Streams is how many are served at a time in all; by default 64.
	Streams int
	// MaxUpload is how many bytes one stream may upload; by default 1 TiB. The
	// stream is reset when more come.
	MaxUpload uint64
	// MaxDownload is how many bytes are sent on one stream, whatever the dialer
	// asks for; by default 1 TiB. If it asked for more, the stream is reset then.
	MaxDownload uint64
	// Idle is how long a stream may take to move 64 KiB, up and down together, or
	// to end; by default 30 s.
	Idle time.Duration
	// Longest is how long one stream may take in all; by default an hour.
	Longest time.Duration
	// Allow says which peers are served; nil allows all. It is called by several
	// actors at the same time, once for each stream, and must not wait.
	Allow func(peer.ID) bool
}

// withDefaults fills in what was not given.
func (o Options) withDefaults() Options {
	o.PeerStreams = orElse(o.PeerStreams, 8)
	o.Streams = orElse(o.Streams, 64)
	o.MaxUpload = orElse(o.MaxUpload, 1<<40)
	o.MaxDownload = orElse(o.MaxDownload, 1<<40)
	o.Idle = orElse(o.Idle, 30*time.Second)
	o.Longest = orElse(o.Longest, time.Hour)
	if o.Allow == nil {
		o.Allow = func(peer.ID) bool { return true }
	}
	return o
}

func orElse[T int | uint64 | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

// Run is the body of the service's actor: it serves perf until self is told to
// end (then it returns the cause). Another error is that of
// [swarm.Swarm.Handle].
func Run(self *actor.Self, s *swarm.Swarm, o Options) error { return run(self, s, o, func() {}) }

// Start runs the service of a swarm as a child of parent named "perf", and waits
// until it serves. It is started again when it fails; after five failures in a
// minute it stays down. Errors: why it could not begin, for example a
// [*swarm.ProtocolTakenError]; parent's cause when parent ends first.
func Start(parent *actor.Self, s *swarm.Swarm, o Options) error {
	r := actor.Restart{When: actor.OnFailure, Backoff: 100 * time.Millisecond, Optional: true}
	return parent.SuperviseReady("perf", r, func(self *actor.Self, ready func()) error { return run(self, s, o, ready) })
}

func run(self *actor.Self, s *swarm.Swarm, o Options, ready func()) error {
	l := &listener{Options: o.withDefaults(), of: make(map[peer.ID]int)}
	self.Gauge("streams", l.streams)
	self.Gauge("received", l.received.Load)
	self.Gauge("sent", l.sent.Load)
	self.Gauge("refused", l.refused.Load)
	if err := s.Handle(self, ID, l.serve); err != nil {
		return err
	}
	self.State("serving")
	ready()
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}
