package mplex

import (
	"bytes"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// readSize is one full network read.
const readSize = 64 << 10

// messages returns one read full of whole messages of size bytes, in turns over
// the streams, and how many they are.
func messages(size, streams int) (p []byte, frames int) {
	body := bytes.Repeat([]byte{'x'}, size)
	for {
		id := muxer.NewStreamID(uint64(frames%streams), true)
		next := append(appendHead(p, frame(flagMessageInitiator, id, size)), body...)
		if len(next) > readSize {
			return p, frames
		}
		p, frames = next, frames+1
	}
}

// receiver returns a machine with open streams, and a function that steps one
// read of messages and reads all of it.
func receiver(size, streams int) (step func(), frames, length int) {
	m := New(negotiate.Listener, muxer.Limits{}, PauseThenReset)
	m.Step(start, received(openings(0, uint64(streams))), nil)
	p, frames := messages(size, streams)
	b := buf.Get(len(p))
	data := b.View(0, copy(b.Bytes(), p))
	var do []muxer.Effect
	return func() {
		do = m.Step(start, muxer.Event{Kind: muxer.Received, Data: data}, do[:0])
		for i := range do {
			do[i].Data.Release()
		}
		// One Consumed a stream and read, as the engine coalesces them.
		for id := range min(streams, frames) {
			m.Step(start, muxer.Event{Kind: muxer.Consumed, Stream: muxer.NewStreamID(uint64(id), false), N: len(p)}, nil)
		}
	}, frames, len(p)
}

// sender returns a function that fills one batch from streams that always have
// size bytes waiting, and how many frames that makes.
func sender(size, streams int) (step func(), frames *int) {
	m := New(negotiate.Dialer, muxer.Limits{}, PauseThenReset)
	for range streams {
		m.Step(start, muxer.Event{Kind: muxer.Open}, nil)
	}
	m.Step(start, muxer.Event{Kind: muxer.Room, N: 1 << 20}, nil)
	var do []muxer.Effect
	head := make([]byte, 0, muxer.MinRoom)
	frames = new(int)
	next := 0
	return func() {
		// As many streams write as fill the batch, the others are idle.
		for range min(streams, readSize/size) {
			m.Step(start, muxer.Event{Kind: muxer.Ready, Stream: muxer.NewStreamID(uint64(next), true), N: size}, nil)
			next = (next + 1) % streams
		}
		do = m.Step(start, muxer.Event{Kind: muxer.Room, N: readSize}, do[:0])
		for _, e := range do {
			head = m.AppendHead(head[:0], e)
			*frames++
		}
	}, frames
}

// lives returns a function that opens a stream at this end and lets it live: a
// message each way, both closes.
func lives() func() {
	m := New(negotiate.Dialer, muxer.Limits{}, PauseThenReset)
	var do []muxer.Effect
	var answer []byte
	return func() {
		do = m.Step(start, muxer.Event{Kind: muxer.Open}, do[:0])
		id := do[0].Stream
		do = m.Step(start, muxer.Event{Kind: muxer.CloseWrite, Stream: id, N: 32}, do[:0])
		do = m.Step(start, muxer.Event{Kind: muxer.Room, N: readSize}, do[:0])
		answer = append(appendHead(answer[:0], frame(flagMessageReceiver, id, 4)), "abcd"...)
		answer = appendHead(answer, frame(flagCloseReceiver, id, 0))
		do = m.Step(start, received(answer), do[:0])
		if do[len(do)-1].Kind != muxer.Forget {
			panic("the stream lives on")
		}
	}
}

// load is what the machine is measured with.
var load = muxertest.Load{Receiver: receiver, Sender: sender, Lives: lives}

func BenchmarkReceive(b *testing.B) { load.Receive(b) }

func BenchmarkSend(b *testing.B) { load.Send(b) }

func BenchmarkOpenClose(b *testing.B) { load.OpenClose(b) }
