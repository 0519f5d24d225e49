package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"time"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// frames has two machines of a muxer talk to each other without a network: the
// dialer's streams always have something to send, the listener reads it at once.
func frames(_ context.Context, c peer.Contender, _ string, w Work, _ looker) (Figures, error) {
	factory, ok := machines()[c.Name]
	if !ok {
		return nil, fmt.Errorf("%s has no machine of ours", c.Name)
	}
	p := newPair(factory, w.Streams)
	for range 300 { // until buffers and tables have their sizes
		if _, err := p.turn(w.Size); err != nil {
			return nil, err
		}
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	sent, begin := 0, time.Now()
	for time.Since(begin) < w.Time {
		for range 100 {
			n, err := p.turn(w.Size)
			if err != nil {
				return nil, err
			}
			sent += n
		}
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	// The runtime itself allocates a few times a second: that is not a frame's.
	each := math.Floor(float64(after.Mallocs-before.Mallocs)/float64(sent)*1000) / 1000
	return Figures{perFrame: each, frameTime: float64(took.Nanoseconds()) / float64(sent)}, nil
}

// pair is two machines and the wire between them.
type pair struct {
	dialer, listener muxer.Machine
	streams          []muxer.StreamID // as the dialer has them
	do, also         []muxer.Effect   // used again and again
	now              time.Time
}

func newPair(f muxer.Factory, streams int) *pair {
	limits := muxer.Limits{Inbound: streams, Outbound: streams}
	p := &pair{dialer: f.New(negotiate.Dialer, limits), listener: f.New(negotiate.Listener, limits), now: time.Unix(1, 0)}
	for range streams {
		for _, e := range p.dialer.Step(p.now, muxer.Event{Kind: muxer.Open}, nil) {
			if e.Kind == muxer.Opened {
				p.streams = append(p.streams, e.Stream)
			}
		}
	}
	return p
}

// turn sends one message of each stream, and returns how many frames that were.
func (p *pair) turn(size int) (frames int, err error) {
	for _, id := range p.streams {
		p.do = p.dialer.Step(p.now, muxer.Event{Kind: muxer.Ready, Stream: id, N: size}, p.do[:0])
	}
	for p.dialer.Pending() {
		frames += p.carry(p.dialer, p.listener)
	}
	for p.listener.Pending() { // windows
		p.carry(p.listener, p.dialer)
	}
	return frames, errors.Join(p.dialer.Err(), p.listener.Err())
}

// carry takes one batch from a machine to the other, which reads all of it.
func (p *pair) carry(from, to muxer.Machine) (frames int) {
	b := buf.Get(buf.MaxSize)
	wire := b.Bytes()[:0]
	p.do = from.Step(p.now, muxer.Event{Kind: muxer.Room, N: buf.MaxSize}, p.do[:0])
	for _, e := range p.do {
		if e.Kind == muxer.Send {
			wire = from.AppendHead(wire, e)
			wire = wire[:len(wire)+e.N] // the body: whatever is there
			frames++
		}
	}
	view := b.View(0, len(wire))
	defer view.Release()
	p.do = to.Step(p.now, muxer.Event{Kind: muxer.Received, Data: view}, p.do[:0])
	for _, e := range p.do {
		if e.Kind == muxer.Deliver {
			n := e.Data.Len()
			e.Data.Release()
			p.also = to.Step(p.now, muxer.Event{Kind: muxer.Consumed, Stream: e.Stream, N: n}, p.also[:0])
		}
	}
	return frames
}
