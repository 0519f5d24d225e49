package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// A Work is what the dialing process does in one measurement.
type Work struct {
	Kind    string        `json:"kind"` // see works
	Conns   int           `json:"conns,omitempty"`
	Streams int           `json:"streams,omitempty"` // of each connection, at the same time
	Size    int           `json:"size,omitempty"`    // of one write or message, in bytes
	Time    time.Duration `json:"time,omitempty"`    // about how long it measures
	// Settle is how long connections and streams are left alone before it is measured
	// what they take, or do, when they are idle.
	Settle time.Duration `json:"settle,omitempty"`
}

// Figures are the outcome: name to value.
type Figures map[string]float64

// looker has the runner look at the listening process, and looks at this one.
type looker func(at string) (here, there Stats, err error)

// worker does one kind of work in the dialing process.
type worker func(ctx context.Context, c peer.Contender, addr string, w Work, look looker) (Figures, error)

// works are the kinds of work. start and size are not here: no process dials for
// them (see weigh.go).
func works() map[string]worker {
	return map[string]worker{
		"bulk":         bulk,
		"echo":         echo,
		"requests":     requests,
		"open":         openEchoClose,
		"connect":      connect,
		"idle-conns":   idleConns,
		"idle-streams": idleStreams,
		"idle-work":    idleWork,
		"allocations":  allocations,
		"machines":     frames,
	}
}

// sessions runs f with n sessions, each from a dialer of its own: a host keeps one
// connection with a peer.
func sessions(ctx context.Context, c peer.Contender, addr string, n int, f func(all []peer.Session) error) (err error) {
	var all []peer.Session
	for range n {
		d, e := c.Dialer(ctx)
		if e != nil {
			return fmt.Errorf("start dialer %d of %d: %w", len(all)+1, n, e)
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		s, e := d.Dial(ctx, addr)
		if e != nil {
			return fmt.Errorf("dial connection %d of %d: %w", len(all)+1, n, e)
		}
		defer func() { err = errors.Join(err, s.Close()) }()
		all = append(all, s)
	}
	return f(all)
}

// dialed runs f with a session.
func dialed(ctx context.Context, c peer.Contender, addr string, f func(s peer.Session) error) error {
	return sessions(ctx, c, addr, 1, func(all []peer.Session) error { return f(all[0]) })
}

// openAll opens n streams to a service.
func openAll(ctx context.Context, s peer.Session, service peer.Service, n int) ([]peer.Stream, error) {
	all := make([]peer.Stream, n)
	for i := range all {
		st, err := s.Open(ctx, service)
		if err != nil {
			return nil, fmt.Errorf("open stream %d of %d: %w", i+1, n, err)
		}
		all[i] = st
	}
	return all, nil
}
