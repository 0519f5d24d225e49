package muxertest

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
)

// A Faulty machine is a sound one with a fault planted into it. The explorer
// must find every fault that somebody might make; one that it does not find is
// an invariant that is missing. A field that is nil changes nothing.
type Faulty[M muxer.Machine] struct {
	// Of is the sound machine.
	Of M
	// Memory is what the fault remembers.
	Memory int
	// Before changes the event.
	Before func(f *Faulty[M], e *muxer.Event)
	// After changes the effects from n on.
	After func(f *Faulty[M], e muxer.Event, do []muxer.Effect, n int) []muxer.Effect
	// Head changes the frame that is written.
	Head func(e *muxer.Effect)
	// Pends changes what Pending tells, Due what Deadline tells.
	Pends func(bool) bool
	Due   func(time.Time) time.Time
}

// Step implements muxer.Machine.
func (f *Faulty[M]) Step(now time.Time, e muxer.Event, do []muxer.Effect) []muxer.Effect {
	n := len(do)
	if f.Before != nil {
		f.Before(f, &e)
	}
	do = f.Of.Step(now, e, do)
	if f.After != nil {
		do = f.After(f, e, do, n)
	}
	return do
}

// AppendHead implements muxer.Machine.
func (f *Faulty[M]) AppendHead(dst []byte, send muxer.Effect) []byte {
	if f.Head != nil {
		f.Head(&send)
	}
	return f.Of.AppendHead(dst, send)
}

// Pending implements muxer.Machine.
func (f *Faulty[M]) Pending() bool {
	if f.Pends != nil {
		return f.Pends(f.Of.Pending())
	}
	return f.Of.Pending()
}

// Deadline implements muxer.Machine.
func (f *Faulty[M]) Deadline() time.Time {
	if f.Due != nil {
		return f.Due(f.Of.Deadline())
	}
	return f.Of.Deadline()
}

// Err implements muxer.Machine.
func (f *Faulty[M]) Err() error { return f.Of.Err() }

// Streams implements muxer.Machine.
func (f *Faulty[M]) Streams() int { return f.Of.Streams() }

// Without is an After that swallows effects of one kind.
func Without[M muxer.Machine](kind muxer.EffectKind) func(*Faulty[M], muxer.Event, []muxer.Effect, int) []muxer.Effect {
	return func(_ *Faulty[M], _ muxer.Event, do []muxer.Effect, n int) []muxer.Effect {
		kept := do[:n]
		for _, e := range do[n:] {
			if e.Kind == kind {
				e.Data.Release()
				continue
			}
			kept = append(kept, e)
		}
		return kept
	}
}

// Deaf is a Before that swallows events of one kind: they become one for the
// stream nobody, which never lives.
func Deaf[M muxer.Machine](kind muxer.EventKind, nobody muxer.StreamID) func(*Faulty[M], *muxer.Event) {
	return func(_ *Faulty[M], e *muxer.Event) {
		if e.Kind == kind {
			*e = muxer.Event{Kind: muxer.Consumed, Stream: nobody}
		}
	}
}
