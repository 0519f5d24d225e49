package negotiate

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

// Two machines and no bytes: what deciding costs.
func BenchmarkMachinesDialogue(b *testing.B) {
	b.ReportAllocs()
	room := make([]Effect, 0, 4)
	for b.Loop() {
		o, err := NewOffer("/ipfs/ping/1.0.0")
		if err != nil {
			b.Fatal(err)
		}
		var a Answer
		room = o.Step(Event{Kind: Begin}, room[:0])
		room = a.Step(Event{Kind: Line, Text: Header}, room[:0])
		room = a.Step(Event{Kind: Line, Text: "/ipfs/ping/1.0.0", Supported: true}, room[:0])
		room = o.Step(Event{Kind: Line, Text: Header}, room[:0])
		room = o.Step(Event{Kind: Line, Text: "/ipfs/ping/1.0.0"}, room[:0])
		if room[0].Kind != Agreed {
			b.Fatal("no agreement")
		}
	}
}

// memory is a pipe with prepared bytes that costs nothing itself.
type memory struct {
	r bufio.Reader
	b bytes.Reader
}

func (m *memory) rewind(in []byte) *memory {
	m.b.Reset(in)
	m.r.Reset(&m.b)
	return m
}

func (m *memory) Read(p []byte) (int, error)  { return m.r.Read(p) }
func (m *memory) ReadByte() (byte, error)     { return m.r.ReadByte() }
func (m *memory) Buffered() int               { return m.r.Buffered() }
func (m *memory) Write(p []byte) (int, error) { return len(p), nil }

func BenchmarkDial(b *testing.B) {
	in, m := lines(Header, "/ipfs/ping/1.0.0"), new(memory)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Dial(m.rewind(in), "/ipfs/ping/1.0.0"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkListen(b *testing.B) {
	in, m := lines(Header, "/ipfs/ping/1.0.0"), new(memory)
	supports := func(p Protocol) bool { return p == "/ipfs/ping/1.0.0" }
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Listen(m.rewind(in), supports, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLazy(b *testing.B) {
	in, m := lines(Header, "/ipfs/ping/1.0.0"), new(memory)
	b.ReportAllocs()
	for b.Loop() {
		l, err := OfferLazily(io.Discard, "/ipfs/ping/1.0.0")
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Confirm(m.rewind(in)); err != nil {
			b.Fatal(err)
		}
	}
}

// A whole dialogue between two goroutines over loopback TCP, again and again
// over one connection.
func BenchmarkDialogueOverTCP(b *testing.B) {
	b.ReportAllocs()
	dialer, listener := loopback(b)
	supports := func(p Protocol) bool { return p == "/ipfs/ping/1.0.0" }
	done := make(chan error, 1)
	go func() {
		for {
			if _, err := Listen(listener, supports, nil); err != nil {
				done <- err
				return
			}
		}
	}()
	for b.Loop() {
		if _, err := Dial(dialer, "/ipfs/ping/1.0.0"); err != nil {
			b.Fatal(err)
		}
	}
	dialer.Close()
	<-done
}

func BenchmarkLine(b *testing.B) {
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = AppendLine(line[:0], "/ipfs/ping/1.0.0")
		if _, n, err := DecodeLine(line); n != len(line) || err != nil {
			b.Fatal(err)
		}
	}
}
