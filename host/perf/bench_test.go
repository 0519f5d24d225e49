package perf_test

import (
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/perf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

// stacks are what a connection is made of.
func stacks() map[string][]host.Option {
	noisy := host.Security(func(k peer.Key) negotiate.Security { return noise.New(k) })
	tlsy := host.Security(func(k peer.Key) negotiate.Security { return tls.New(k) })
	with := func(f muxer.Factory) host.Option { return host.Muxer(f) }
	return map[string][]host.Option{
		"noise-yamux": {noisy, with(yamux.Factory(yamux.Options{}))},
		"noise-mplex": {noisy, with(mplex.Factory(mplex.PauseThenReset))},
		"tls-yamux":   {tlsy, with(yamux.Factory(yamux.Options{}))},
	}
}

// measure runs a benchmark between two hosts on loopback TCP.
func measure(b *testing.B, f func(b *testing.B, m func(up, down uint64) perf.Result)) {
	for name, options := range stacks() {
		b.Run(name, func(b *testing.B) {
			listener, err := host.New(b.Context(), append(options, host.Listen("/ip4/127.0.0.1/tcp/0"), host.Run("perf", servePerf))...)
			if err != nil {
				b.Fatal(err)
			}
			dialer, err := host.New(b.Context(), append(options, host.NoListen())...)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := dialer.Close(); err != nil {
					b.Error(err)
				}
				if err := listener.Close(); err != nil {
					b.Error(err)
				}
			})
			if err := dialer.Connect(b.Context(), listener.Info()); err != nil {
				b.Fatal(err)
			}
			f(b, func(up, down uint64) perf.Result {
				r, err := perf.Measure(b.Context(), dialer.Swarm(), listener.ID(), up, down, nil)
				if err != nil {
					b.Fatal(err)
				}
				return r
			})
		})
	}
}

const bulk = 256 << 20

func BenchmarkUpload(b *testing.B) {
	measure(b, func(b *testing.B, m func(up, down uint64) perf.Result) {
		b.SetBytes(bulk)
		b.ReportAllocs()
		for b.Loop() {
			m(bulk, 0)
		}
	})
}

func BenchmarkDownload(b *testing.B) {
	measure(b, func(b *testing.B, m func(up, down uint64) perf.Result) {
		b.SetBytes(bulk)
		b.ReportAllocs()
		for b.Loop() {
			m(0, bulk)
		}
	})
}

// BenchmarkOneByte is a stream for one byte there and one back.
func BenchmarkOneByte(b *testing.B) {
	measure(b, func(b *testing.B, m func(up, down uint64) perf.Result) {
		b.ReportAllocs()
		var streaming time.Duration
		for b.Loop() {
			streaming += m(1, 1).Streaming()
		}
		b.ReportMetric(float64(streaming.Nanoseconds())/float64(b.N), "streaming-ns/op")
	})
}
