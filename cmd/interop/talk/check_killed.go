package talk

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"
)

// A Victim says whose process is killed in the middle of a check: without a word
// to the other side, so that only the operating system closes the connection.
type Victim string

// The victims.
const (
	KillNobody   Victim = ""
	KillDialer   Victim = "dialer"   // the peer that runs the check
	KillListener Victim = "listener" // the peer that it talks to
)

// KillLimit is how long after the kill the survivor's stream may take to fail,
// and how long its connection may then stay in its list. On one machine TCP tells
// it at once.
const KillLimit = 5 * time.Second

// beforeKill is how many bytes of a transfer pass before the kill: more than the
// first window of any muxer, so that the transfer is in full swing.
const beforeKill = 1 << 20

// endless is the size of a transfer that is never finished.
const endless = maxSource

// killed makes one of the checks in which a process is killed.
func killed(victim Victim, direction string) Check {
	c := Check{Name: "killed-" + string(victim) + "-" + direction, Kills: victim, Limit: time.Minute}
	serves, back := Source, "downloads from it"
	c.Run = func(ctx context.Context, p Peer, to Target) error { return cutDownload(ctx, p, to) }
	if direction == "upload" {
		serves, back = Discard, "uploads to it"
		c.Run = func(ctx context.Context, p Peer, to Target) error { return cutUpload(ctx, p, to) }
	}
	c.Shows = "the listener is killed while the dialer " + back + ": the dialer's stream fails, its host goes on"
	if victim == KillDialer {
		c.Shows = "the dialer is killed while it " + direction + "s: the listener's stream fails, its host goes on"
		c.Awaits, c.Ended = serves, endedByKill
	}
	return c
}

// cutDownload downloads until the stream fails.
func cutDownload(ctx context.Context, p Peer, to Target) error {
	return untilCut(ctx, p, to, Source, func(s Stream, cut func()) error {
		if _, err := s.Write(binary.BigEndian.AppendUint64(nil, endless)); err != nil {
			return fmt.Errorf("before the kill: write the size: %w", err)
		}
		if err := s.CloseWrite(); err != nil {
			return fmt.Errorf("before the kill: close the write side: %w", err)
		}
		var back atomic.Int64
		doing(ctx, func() string { return fmt.Sprintf("downloading until the kill: %d bytes so far", back.Load()) })
		return readPattern(&milestone{r: s, reached: cut}, endless, endless, &back)
	})
}

// cutUpload uploads until the stream fails.
func cutUpload(ctx context.Context, p Peer, to Target) error {
	return untilCut(ctx, p, to, Discard, func(s Stream, cut func()) error {
		var sent atomic.Int64
		doing(ctx, func() string { return fmt.Sprintf("uploading until the kill: %d bytes so far", sent.Load()) })
		for buf := make([]byte, 64<<10); ; {
			n, err := s.Write(buf)
			if at := sent.Add(int64(n)); at >= beforeKill && at-int64(n) < beforeKill {
				cut()
			}
			if err != nil {
				return fmt.Errorf("write after %d bytes: %w", sent.Load(), err)
			}
		}
	})
}

// untilCut runs f on a stream, until it is cut. f calls cut when the transfer is
// in full swing; from then on the stream has KillLimit to fail.
func untilCut(ctx context.Context, p Peer, to Target, protocol string, f func(s Stream, cut func()) error) error {
	if _, ok := ctx.Value(underWayKey{}).(func()); !ok {
		return errors.New("there is nobody who kills: the context has no WithUnderWay")
	}
	doingThis(ctx, "opening the stream that is to be cut")
	s, err := p.Open(ctx, to.ID, Want{Protocols: []string{protocol}, Eager: true})
	if err != nil {
		return fmt.Errorf("open %s: %w", protocol, err)
	}
	defer func() { _ = s.Reset() }() // it has failed already
	if t, ok := ctx.Deadline(); ok {
		if err := s.SetDeadline(t); err != nil {
			return fmt.Errorf("set the deadline: %w", err)
		}
	}
	isCut := false
	err = f(s, func() {
		isCut = true
		_ = s.SetDeadline(time.Now().Add(KillLimit)) // on a stream that is cut it may fail
		underWay(ctx)
	})
	switch {
	case !isCut:
		return fmt.Errorf("failed before anybody was killed: %w", orNil(err))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%v after the kill the stream has not failed: %w", KillLimit, err)
	case !isLoss(err):
		return fmt.Errorf("the kill is seen neither as a reset nor as the end of the connection: %w", orNil(err))
	}
	return nil
}

// isLoss says whether an error is one that a lost connection gives its streams.
func isLoss(err error) bool { return errors.Is(err, ErrReset) || errors.Is(err, ErrConnEnded) }

// endedByKill wants a handler that saw the loss of its connection. It need not have
// read anything: a reset may drop what has come and was not read.
func endedByKill(e Ending) error {
	if e.How != HowReset && e.How != HowLost {
		return fmt.Errorf("the listener should have seen its stream fail, but: %s", e)
	}
	return nil
}

// milestone is a reader that says when beforeKill bytes have been read.
type milestone struct {
	r       io.Reader
	n       int64
	reached func()
}

func (m *milestone) Read(b []byte) (int, error) {
	n, err := m.r.Read(b)
	before := m.n
	m.n += int64(n)
	if before < beforeKill && m.n >= beforeKill {
		m.reached()
	}
	return n, err
}

type underWayKey struct{}

// WithUnderWay gives a check that kills somebody's context what it calls when the
// moment has come.
func WithUnderWay(ctx context.Context, now func()) context.Context {
	return context.WithValue(ctx, underWayKey{}, now)
}

// underWay says that the moment has come.
func underWay(ctx context.Context) {
	if now, ok := ctx.Value(underWayKey{}).(func()); ok {
		now()
	}
}

// Gone is run after a kill, by the survivor: the connection must leave the list,
// and a stream on it must not be had. It waits until that is so or ctx ends.
func Gone(ctx context.Context, p Peer, id string) error {
	doingThis(ctx, "waiting until the lost connection leaves the list")
	for {
		connected, err := p.Connected(ctx, id)
		if err != nil {
			return fmt.Errorf("ask for the connections: %w", err)
		}
		if !connected {
			break
		}
		select {
		case <-time.After(10 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the lost connection is still in the list: %w", context.Cause(ctx))
		}
	}
	doingThis(ctx, "opening a stream on a lost connection")
	s, err := p.Open(ctx, id, Want{Protocols: []string{Echo}, Eager: true})
	if err == nil {
		_ = s.Reset()
		return errors.New("a stream was opened with a peer that is gone")
	}
	if ctx.Err() != nil {
		return fmt.Errorf("a stream with a peer that is gone is not refused in time: %w", err)
	}
	return nil
}
