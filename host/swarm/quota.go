package swarm

import (
	"errors"
	"sync"
	"sync/atomic"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// quota is what all connections of a swarm share: the streams that there may be,
// and the bytes by which their windows may grow.
type quota struct {
	refusals *refusals
	growth   atomic.Int64 // bytes that windows may still grow by

	mu     sync.Mutex // guards the next; never held over a wait
	counts *streamCounts
}

func newQuota(limits Limits, r *refusals) *quota {
	q := &quota{refusals: r, counts: newStreamCounts(limits)}
	q.growth.Store(int64(limits.WindowGrowth))
	return q
}

// stake is one connection's part of the quota. It implements conn.Quota.
type stake struct {
	quota  *quota
	subnet string // of an inbound connection

	// Guarded by quota.mu.
	peer     peer.ID
	inbound  int
	outbound int
	closed   bool

	grown atomic.Int64
}

// is says who is at the other end.
func (s *stake) is(id peer.ID) {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	s.peer = id
}

// Take counts one more stream, or returns a [*LimitError]. For a stream that is
// opened here it names the holders.
func (s *stake) Take(role negotiate.Role) error {
	q, inbound := s.quota, role == negotiate.Listener
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.closed {
		return errEnded
	}
	err := q.counts.take(string(s.peer), s.subnet, inbound)
	if err != nil {
		if err.Of == string(s.peer) {
			err.Of = s.peer.String()
		}
		if !inbound {
			err.Holders = q.counts.peers.most()
			for i := range err.Holders {
				err.Holders[i].Who = peer.ID(err.Holders[i].Who).String()
			}
		}
		q.refusals.note(err)
		return err
	}
	if inbound {
		s.inbound++
	} else {
		s.outbound++
	}
	return nil
}

// errEnded is for a stream of a connection of which nothing is left.
var errEnded = errors.New("swarm: the connection has ended")

// Give takes a stream off the counts.
func (s *stake) Give(role negotiate.Role) {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	if s.closed {
		return
	}
	inbound := role == negotiate.Listener
	if inbound {
		s.inbound--
	} else {
		s.outbound--
	}
	s.quota.counts.give(string(s.peer), s.subnet, inbound)
}

// Lend implements muxer.Lender.
func (s *stake) Lend(n int) bool {
	if s.quota.growth.Add(int64(-n)) < 0 && n > 0 {
		s.quota.growth.Add(int64(n))
		return false
	}
	s.grown.Add(int64(n))
	return true
}

var _ muxer.Lender = (*stake)(nil)

// close gives back what is left when nothing of the connection is: actors that
// were stopped before they began, windows that had grown.
func (s *stake) close() {
	s.quota.mu.Lock()
	defer s.quota.mu.Unlock()
	if s.closed {
		return
	}
	s.closed = true
	for range s.inbound {
		s.quota.counts.give(string(s.peer), s.subnet, true)
	}
	for range s.outbound {
		s.quota.counts.give(string(s.peer), s.subnet, false)
	}
	s.quota.growth.Add(s.grown.Swap(0))
}
