package actor

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// goroutines is the production carrier: every actor is a goroutine that an
// errgroup.Group started and joins.
type goroutines struct{}

func (goroutines) spawn(g *group, _ *node, _ string, run func() error) { g.goroutines.Go(run) }
func (goroutines) join(g *group) error                                 { return g.goroutines.Wait() }
func (goroutines) now() time.Time                                      { return time.Now() }
func (goroutines) yield()                                              { runtime.Gosched() }
func (goroutines) cancelled(*Self)                                     {}
func (goroutines) entropy(string) io.Reader                            { return crand.Reader }
func (goroutines) simulator() *Island                                  { return nil }

func (goroutines) after(d time.Duration, f func()) timer { return time.AfterFunc(d, f) }

func (goroutines) afterDone(ctx context.Context, f func()) func() bool {
	return context.AfterFunc(ctx, f)
}

func (goroutines) parking() parking { return new(lot) }

func (goroutines) signal(what string) Signal {
	s := &struct {
		lot
		waitNote
	}{waitNote: waitNote{what: what}}
	return Signal{&s.lot, &s.waitNote}
}

func (goroutines) random(string) *rand.Rand {
	var seed [16]byte
	crand.Read(seed[:])
	return rand.New(rand.NewPCG(binary.NativeEndian.Uint64(seed[:]), binary.NativeEndian.Uint64(seed[8:])))
}

// A lot is the parking of goroutines: a slot that is made when the first one
// waits, because most things that can be waited for never are.
type lot struct {
	state atomic.Int32 // lotEmpty, lotWoken or lotOpen
	mu    sync.Mutex   // held while the slot is made
	slot  slot
}

const (
	lotEmpty int32 = iota
	lotWoken       // a wake waits
	lotOpen        // the slot is there, and has the wakes
)

func (l *lot) wake() {
	if l.state.Load() == lotOpen || !l.state.CompareAndSwap(lotEmpty, lotWoken) && l.state.Load() == lotOpen {
		l.slot.wake()
	}
}

func (l *lot) wait(ctx context.Context, until time.Time) error {
	if l.state.Load() != lotOpen {
		if l.state.CompareAndSwap(lotWoken, lotEmpty) {
			return nil
		}
		l.open()
	}
	return l.slot.wait(ctx, until)
}

// open makes the slot, and moves a wake into it that came before.
//
//go:noinline
func (l *lot) open() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state.Load() == lotOpen {
		return
	}
	l.slot = make(slot, 1)
	if l.state.Swap(lotOpen) == lotWoken {
		l.slot.wake()
	}
}

// A slot is a channel with room for one wake.
type slot chan struct{}

func (s slot) wake() {
	select {
	case s <- struct{}{}:
	default:
	}
}

func (s slot) wait(ctx context.Context, until time.Time) error {
	select {
	case <-s:
		return nil
	default:
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if until.IsZero() {
		select {
		case <-s:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	left := time.Until(until)
	if left <= 0 {
		return os.ErrDeadlineExceeded
	}
	alarm := time.NewTimer(left)
	defer alarm.Stop()
	select {
	case <-s:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-alarm.C:
		return os.ErrDeadlineExceeded
	}
}
