package main

import (
	"context"
	"errors"
	"time"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// grown is what one of n things costs that have come between two looks. Heap and
// stack are counted after garbage collections.
func grown(hereBefore, here, thereBefore, there Stats, n float64) Figures {
	size := func(before, after Stats) float64 { return (after.Heap + after.Stack - before.Heap - before.Stack) / n }
	f := Figures{
		listenBytes:         size(thereBefore, there),
		"listener heap":     (there.Heap - thereBefore.Heap) / n,
		"listener stack":    (there.Stack - thereBefore.Stack) / n,
		listenGo:            (there.Goroutines - thereBefore.Goroutines) / n,
		"dialer bytes":      size(hereBefore, here),
		"dialer goroutines": (here.Goroutines - hereBefore.Goroutines) / n,
	}
	f[bothBytes] = f[listenBytes] + f["dialer bytes"]
	f[bothGo] = f[listenGo] + f["dialer goroutines"]
	return f
}

// idleConns makes connections, and looks at both processes before and after. What
// is made once, with the first connection, is not counted; nor are the dialers:
// they are there before.
func idleConns(ctx context.Context, c peer.Contender, addr string, w Work, look looker) (f Figures, err error) {
	dialers := make([]peer.Dialer, w.Conns+1)
	for i := range dialers {
		d, e := c.Dialer(ctx)
		if e != nil {
			return nil, e
		}
		defer func() { err = errors.Join(err, d.Close()) }()
		dialers[i] = d
	}
	var hereBefore, thereBefore Stats
	for i, d := range dialers {
		s, err := d.Dial(ctx, addr)
		if err != nil {
			return nil, err
		}
		defer s.Close() // the dialer's Close says what is wrong
		if i == 0 {
			pause(ctx, w.Settle)
			if hereBefore, thereBefore, err = look(atMemory); err != nil {
				return nil, err
			}
		}
	}
	pause(ctx, w.Settle)
	here, there, err := look(atMemory)
	return grown(hereBefore, here, thereBefore, there, float64(w.Conns)), err
}

// idleStreams opens streams that carry one message each and then nothing.
func idleStreams(ctx context.Context, c peer.Contender, addr string, w Work, look looker) (f Figures, err error) {
	return f, dialed(ctx, c, addr, func(s peer.Session) error {
		first, err := openUsed(ctx, s, 10)
		if err != nil {
			return err
		}
		pause(ctx, w.Settle)
		hereBefore, thereBefore, err := look(atMemory)
		if err != nil {
			return err
		}
		rest, err := openUsed(ctx, s, w.Streams)
		if err != nil {
			return err
		}
		pause(ctx, w.Settle)
		here, there, err := look(atMemory)
		f = grown(hereBefore, here, thereBefore, there, float64(w.Streams))
		for _, st := range append(first, rest...) { // until here all of them were held
			err = errors.Join(err, st.Close())
		}
		return err
	})
}

func openUsed(ctx context.Context, s peer.Session, n int) ([]peer.Stream, error) {
	all, err := openAll(ctx, s, peer.Echo, n)
	for _, st := range all {
		err = errors.Join(err, roundTrip(st, make([]byte, 32)))
	}
	return all, err
}

// idleWork makes connections, and looks what the listening process does while
// nothing is done with them.
func idleWork(ctx context.Context, c peer.Contender, addr string, w Work, look looker) (f Figures, err error) {
	return f, sessions(ctx, c, addr, w.Conns, func([]peer.Session) error {
		// Once for what the connections' beginnings leave behind.
		if _, _, err := look(atMemory); err != nil {
			return err
		}
		pause(ctx, w.Settle)
		_, before, err := look(atWork)
		if err != nil {
			return err
		}
		pause(ctx, 5*w.Time)
		_, after, err := look(atWork)
		each := (after.Clock - before.Clock) * float64(w.Conns)
		f = Figures{cpuTime: (after.CPU - before.CPU) * 1e6 / each, wakeUps: (after.WakeUps - before.WakeUps) / each}
		return err
	})
}

// pause waits for a while or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
