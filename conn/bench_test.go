package conn

import (
	"context"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/stream"
)

// The benchmarks run over loopback TCP without security, so that they measure
// the connection: machine, engine, lanes, actors.

func manyStreams(c *Config) {
	c.Limits = muxer.Limits{Inbound: 1 << 20, Outbound: 1 << 20}
}

func BenchmarkBulk(b *testing.B) {
	for _, streams := range []int{1, 100} {
		for _, size := range []int{4 << 10, 64 << 10} {
			b.Run(name(streams, size), func(b *testing.B) {
				p := newPair(b, manyStreams)
				all := make([]*stream.Stream, streams)
				for i := range all {
					all[i] = p.open(b, "/sink/1")
				}
				b.SetBytes(int64(size))
				b.ReportAllocs()
				b.ResetTimer()
				var done sync.WaitGroup
				for i, s := range all {
					rounds := b.N / streams
					if i < b.N%streams {
						rounds++
					}
					done.Go(func() {
						data := make([]byte, size)
						for range rounds {
							if _, err := s.Write(data); err != nil {
								b.Error(err)
								return
							}
						}
						s.CloseWrite()
						io.ReadAll(s)
					})
				}
				done.Wait()
			})
		}
	}
}

func name(streams, size int) string {
	text := map[int]string{1: "1stream", 16: "16streams", 100: "100streams"}[streams]
	switch size {
	case 4 << 10:
		return text + "/4KiB"
	case 64 << 10:
		return text + "/64KiB"
	}
	return text
}

func BenchmarkEcho64(b *testing.B) {
	for _, streams := range []int{1, 16} {
		b.Run(name(streams, 0), func(b *testing.B) {
			p := newPair(b, manyStreams)
			all := make([]*stream.Stream, streams)
			for i := range all {
				all[i] = p.open(b, "/small-echo/1")
			}
			b.ReportAllocs()
			b.ResetTimer()
			var done sync.WaitGroup
			for i, s := range all {
				rounds := b.N / streams
				if i < b.N%streams {
					rounds++
				}
				done.Go(func() {
					var data [64]byte
					for range rounds {
						s.Write(data[:])
						if _, err := io.ReadFull(s, data[:]); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			done.Wait()
		})
	}
}

func BenchmarkOpenEchoClose(b *testing.B) {
	for _, lazy := range []bool{false, true} {
		text := "agreed"
		if lazy {
			text = "lazy"
		}
		b.Run(text, func(b *testing.B) {
			p := newPair(b, manyStreams)
			var data [32]byte
			b.ReportAllocs()
			for b.Loop() {
				s, err := p.dialer.Open(context.Background(), lazy, "/small-echo/1")
				if err != nil {
					b.Fatal(err)
				}
				s.Write(data[:])
				if _, err := io.ReadFull(s, data[:]); err != nil {
					b.Fatal(err)
				}
				s.Close()
			}
		})
	}
}

func BenchmarkIdleStream(b *testing.B) {
	const streams = 5000
	for b.Loop() {
		p := newPair(b, manyStreams)
		before, goroutines := memory(), runtime.NumGoroutine()
		all := make([]*stream.Stream, streams)
		for i := range all {
			all[i] = p.open(b, "/small-echo/1")
		}
		b.ReportMetric(float64(memory()-before)/streams, "B/stream")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/streams, "goroutines/stream")
		runtime.KeepAlive(all)
	}
}

func BenchmarkIdleConnection(b *testing.B) {
	const connections = 200
	for b.Loop() {
		before, goroutines := memory(), runtime.NumGoroutine()
		all := make([]*pair, connections)
		for i := range all {
			all[i] = newPair(b, nil)
		}
		// Both ends, and the tree of their own that each pair has here.
		b.ReportMetric(float64(memory()-before)/connections/2, "B/end")
		b.ReportMetric(float64(runtime.NumGoroutine()-goroutines-connections)/connections/2, "goroutines/end")
		runtime.KeepAlive(all)
	}
}

func memory() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}
