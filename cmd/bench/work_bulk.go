package main

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// bulk sends from the dialer to the listener over all streams of all connections,
// and counts until the last byte has been read there. It first finds out how much
// fills the time.
func bulk(ctx context.Context, c peer.Contender, addr string, w Work, _ looker) (f Figures, err error) {
	return f, sessions(ctx, c, addr, max(1, w.Conns), func(all []peer.Session) error {
		streams, total, err := warmedUp(ctx, all, w)
		if err != nil {
			return err
		}
		s, err := sendAll(streams, total, w.Size)
		f = Figures{
			megabytes: float64(s.bytes) / s.took.Seconds() / 1e6,
			messages:  float64(s.writes) / s.took.Seconds(),
		}
		return err
	})
}

// warmedUp opens the streams, sends for a while, and says how many bytes fill the
// time.
func warmedUp(ctx context.Context, all []peer.Session, w Work) (streams []peer.Stream, total uint64, err error) {
	for _, s := range all {
		more, err := openAll(ctx, s, peer.Sink, w.Streams)
		if err != nil {
			return nil, 0, err
		}
		streams = append(streams, more...)
	}
	least := uint64(len(streams) * w.Size)
	for total = least; ; total *= 2 {
		s, err := sendAll(streams, total, w.Size)
		if err != nil {
			return nil, 0, err
		}
		if s.took >= w.Time/4 {
			return streams, max(least, uint64(float64(total)*float64(w.Time)/float64(s.took))), nil
		}
		if total > 64<<30 {
			return nil, 0, errors.New("this is faster than can be measured")
		}
	}
}

// sent is what sendAll did.
type sent struct {
	bytes, writes, reads uint64
	took                 time.Duration
}

// sendAll sends about total bytes, divided among the streams, in writes of a size.
func sendAll(streams []peer.Stream, total uint64, size int) (sent, error) {
	each := max(1, total/uint64(len(streams))/uint64(size)) // writes
	var g errgroup.Group
	var reads atomic.Uint64
	data := make([]byte, size)
	begin := time.Now()
	for _, s := range streams {
		g.Go(func() error {
			if _, err := s.Write(binary.BigEndian.AppendUint64(nil, each*uint64(size))); err != nil {
				return err
			}
			for range each {
				if _, err := s.Write(data); err != nil {
					return err
				}
			}
			var done [8]byte
			_, err := io.ReadFull(s, done[:])
			reads.Add(binary.BigEndian.Uint64(done[:]))
			return err
		})
	}
	err := g.Wait()
	writes := each * uint64(len(streams))
	return sent{bytes: writes * uint64(size), writes: writes, reads: reads.Load(), took: time.Since(begin)}, err
}

// allocations counts what is allocated while streams are busy: at the dialing side
// for each Write, at the listening side for each Read.
func allocations(ctx context.Context, c peer.Contender, addr string, w Work, look looker) (f Figures, err error) {
	return f, dialed(ctx, c, addr, func(s peer.Session) error {
		streams, total, err := warmedUp(ctx, []peer.Session{s}, w)
		if err != nil {
			return err
		}
		hereBefore, thereBefore, err := look(atMemory)
		if err != nil {
			return err
		}
		done, err := sendAll(streams, total, w.Size)
		if err != nil {
			return err
		}
		here, there, err := look(atMemory)
		f = Figures{
			perWrite: (here.Mallocs - hereBefore.Mallocs) / float64(done.writes),
			perRead:  (there.Mallocs - thereBefore.Mallocs) / float64(done.reads),
		}
		return err
	})
}
