package actor

import (
	"context"
	crand "crypto/rand"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"time"
)

// goroutines is the production carrier: every actor is a goroutine that an
// errgroup.Group started and joins.
type goroutines struct{}

func (goroutines) spawn(g *group, _ *node, _ string, run func() error) { g.goroutines.Go(run) }
func (goroutines) join(g *group) error                                 { return g.goroutines.Wait() }
func (goroutines) now() time.Time                                      { return time.Now() }
func (goroutines) cancelled()                                          {}
func (goroutines) entropy(string) io.Reader                            { return crand.Reader }
func (goroutines) simulator() *Scheduler                               { return nil }

func (goroutines) after(d time.Duration, f func()) timer { return time.AfterFunc(d, f) }

func (goroutines) afterDone(ctx context.Context, f func()) func() bool {
	return context.AfterFunc(ctx, f)
}

func (goroutines) parking() parking { return make(slot, 1) }

func (goroutines) random(string) *rand.Rand {
	var seed [16]byte
	crand.Read(seed[:])
	return rand.New(rand.NewPCG(binary.NativeEndian.Uint64(seed[:]), binary.NativeEndian.Uint64(seed[8:])))
}

// A slot is the parking of goroutines: a channel with room for one wake.
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
