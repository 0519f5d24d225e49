package stream

import (
	"slices"
	"sync"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
)

// A Handler serves one inbound stream, as an actor of its own: self ends when the
// stream, its connection, the handler's owner or the host does. Returning nil
// closes the stream, [Refuse] resets it with a code, and any other error or a
// panic resets it and is shown in the tree.
type Handler func(self *actor.Self, s *Stream) error

// Routes says which handler serves a protocol. Its methods are called by stream
// actors at the same time and must not wait.
type Routes interface {
	// Find returns the route of a protocol, nil when it is not supported.
	Find(p negotiate.Protocol) *Route
	// Protocols returns what is supported, for a remote that asks with ls.
	Protocols() []negotiate.Protocol
}

// A Route is one protocol's handler, as long as its owner lives.
type Route struct {
	Protocol negotiate.Protocol
	Handler  Handler

	mu      sync.Mutex
	closed  bool
	streams []*actor.Ref
}

// enter notes a stream that is served by this route; false means that the route
// has just been closed.
func (r *Route) enter(stream *actor.Ref) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.streams = append(r.streams, stream)
	return true
}

func (r *Route) leave(stream *actor.Ref) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if i := slices.Index(r.streams, stream); i >= 0 {
		last := len(r.streams) - 1
		r.streams[i] = r.streams[last]
		r.streams = r.streams[:last]
	}
}

// Close ends the route with the reason its owner ended for: the streams it
// serves are reset.
func (r *Route) Close(reason error) {
	r.mu.Lock()
	r.closed = true
	streams := r.streams
	r.streams = nil
	r.mu.Unlock()
	for _, s := range streams {
		s.Stop(reason)
	}
}

// Streams is how many streams the route serves now.
func (r *Route) Streams() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.streams)
}
