package main

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// errNothing is what a work ends with that took longer than its time for a single
// turn.
var errNothing = errors.New("nothing was finished within the time: give it more with --time")

// echo measures round trips on one open stream, one after another.
func echo(ctx context.Context, c peer.Contender, addr string, w Work, _ looker) (f Figures, err error) {
	return f, dialed(ctx, c, addr, func(s peer.Session) error {
		st, err := s.Open(ctx, peer.Echo)
		if err != nil {
			return err
		}
		data := make([]byte, w.Size)
		var took []time.Duration
		for begin := time.Now(); time.Since(begin) < w.Time*5/4; {
			before := time.Now()
			if err := roundTrip(st, data); err != nil {
				return err
			}
			if before.Sub(begin) > w.Time/4 { // after the warm-up
				took = append(took, time.Since(before))
			}
		}
		if len(took) == 0 {
			return errNothing
		}
		slices.Sort(took)
		us := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))].Nanoseconds()) / 1000 }
		f = Figures{p50: us(0.5), p99: us(0.99)}
		return st.Close()
	})
}

func roundTrip(s peer.Stream, data []byte) error {
	if _, err := s.Write(data); err != nil {
		return err
	}
	_, err := io.ReadFull(s, data)
	return err
}

// during runs n workers until the time is over, and returns how often per second
// they finished something after a warm-up.
func during(w Work, n int, once func(worker int) error) (Figures, error) {
	var g errgroup.Group
	var count atomic.Int64
	var warm sync.Once
	var begin time.Time
	start := time.Now()
	for i := range n {
		g.Go(func() error {
			for {
				now := time.Now()
				if now.Sub(start) > w.Time/4 {
					warm.Do(func() { count.Store(0); begin = now })
				}
				if now.Sub(start) > w.Time*5/4 {
					return nil
				}
				if err := once(i); err != nil {
					return err
				}
				count.Add(1)
			}
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if count.Load() == 0 {
		return nil, errNothing
	}
	return Figures{perSecond: float64(count.Load()) / time.Since(begin).Seconds()}, nil
}

// requests has every stream send a message and wait for it to come back.
func requests(ctx context.Context, c peer.Contender, addr string, w Work, _ looker) (f Figures, err error) {
	return f, dialed(ctx, c, addr, func(s peer.Session) error {
		streams, err := openAll(ctx, s, peer.Echo, w.Streams)
		if err != nil {
			return err
		}
		data := make([][]byte, w.Streams)
		for i := range data {
			data[i] = make([]byte, w.Size)
		}
		f, err = during(w, w.Streams, func(i int) error { return roundTrip(streams[i], data[i]) })
		return err
	})
}

// openEchoClose opens a stream, sends a message, reads it back and closes.
func openEchoClose(ctx context.Context, c peer.Contender, addr string, w Work, _ looker) (f Figures, err error) {
	return f, dialed(ctx, c, addr, func(s peer.Session) error {
		f, err = during(w, w.Streams, func(int) error {
			st, err := s.Open(ctx, peer.Echo)
			if err != nil {
				return err
			}
			if err := roundTrip(st, make([]byte, w.Size)); err != nil {
				return err
			}
			return st.Close()
		})
		return err
	})
}

// connect makes connections and closes them, each of as many dialers as there are
// to be connections at once.
func connect(ctx context.Context, c peer.Contender, addr string, w Work, _ looker) (_ Figures, err error) {
	dialers := make([]peer.Dialer, w.Conns)
	for i := range dialers {
		d, e := c.Dialer(ctx)
		if e != nil {
			return nil, e
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		dialers[i] = d
	}
	return during(w, w.Conns, func(i int) error {
		s, err := dialers[i].Dial(ctx, addr)
		if err != nil {
			return err
		}
		return s.Close()
	})
}
