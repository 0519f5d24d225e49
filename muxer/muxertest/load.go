package muxertest

import (
	"fmt"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// A Load is the work that a machine is measured with.
type Load struct {
	// Receiver returns a function that steps one full read of frames of size
	// bytes, in turns over the streams, and reads all of it; how many frames and
	// bytes that are.
	Receiver func(size, streams int) (step func(), frames, length int)
	// Sender returns a function that fills one batch from streams that always
	// have size bytes waiting, and counts the frames.
	Sender func(size, streams int) (step func(), frames *int)
	// Lives returns a function that opens a stream and lets it live: a message
	// each way, both closes.
	Lives func() func()
}

// sizes are those of the bodies that are measured.
func sizes() []int { return []int{64, 1 << 10, 16 << 10} }

// AllocatesNothing checks that nothing is allocated in steady state. In the debug
// build of package buf it only takes the steps.
func (l Load) AllocatesNothing(t *testing.T) {
	t.Helper()
	steady := func(name string, step func()) {
		t.Helper()
		for range 300 {
			step()
		}
		if n := testing.AllocsPerRun(200, step); n != 0 && !buf.Debug {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
	for _, size := range sizes() {
		receive, _, _ := l.Receiver(size, 10)
		steady(fmt.Sprintf("receive frames of %d bytes", size), receive)
		send, _ := l.Sender(size, 10)
		steady(fmt.Sprintf("send frames of %d bytes", size), send)
	}
	steady("open and close", l.Lives())
}

// Receive measures reads, by the size of the bodies and the number of streams.
func (l Load) Receive(b *testing.B) {
	each(b, func(b *testing.B, size, streams int) {
		step, frames, length := l.Receiver(size, streams)
		step()
		b.SetBytes(int64(length))
		b.ReportAllocs()
		for b.Loop() {
			step()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*frames), "ns/frame")
	})
}

// Send measures batches, by the size of the bodies and the number of streams.
func (l Load) Send(b *testing.B) {
	each(b, func(b *testing.B, size, streams int) {
		step, frames := l.Sender(size, streams)
		step()
		*frames = 0
		b.ReportAllocs()
		for b.Loop() {
			step()
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(*frames), "ns/frame")
	})
}

// OpenClose measures the lives of streams.
func (l Load) OpenClose(b *testing.B) {
	step := l.Lives()
	step()
	b.ReportAllocs()
	for b.Loop() {
		step()
	}
}

func each(b *testing.B, run func(b *testing.B, size, streams int)) {
	for _, size := range sizes() {
		for _, streams := range []int{1, 100} {
			b.Run(fmt.Sprintf("body=%d/streams=%d", size, streams), func(b *testing.B) { run(b, size, streams) })
		}
	}
}
