//go:build !race && !bufdebug

package conn

import (
	"fmt"
	"io"
	"runtime"
	"testing"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
)

// What an idle stream costs, both ends together: it holds a bar of its own, above
// what is reached (11.0 KB over plaintext and mplex, of which 4 KiB are the
// handler's stack) by what a garbage collection may leave.
func TestAnIdleStreamCostsOneGoroutineAndFewBytes(t *testing.T) {
	const streams, most = 2000, 12 << 10
	p := newPair(t, manyStreams)
	open := func(n int) []*stream.Stream {
		all := make([]*stream.Stream, n)
		var data [32]byte
		for i := range all {
			all[i] = p.open(t, "/small-echo/1")
			all[i].Write(data[:])
			if _, err := io.ReadFull(all[i], data[:]); err != nil {
				t.Fatal(err)
			}
		}
		return all
	}
	first := open(10)
	before, goroutines := liveMemory(), runtime.NumGoroutine()
	rest := open(streams)
	if each := float64(liveMemory()-before) / streams; each > most {
		t.Errorf("an idle stream costs %.0f bytes", each)
	}
	if each := float64(runtime.NumGoroutine()-goroutines) / streams; each > 1.1 {
		t.Errorf("an idle stream has %.2f goroutines", each)
	}
	runtime.KeepAlive(first)
	runtime.KeepAlive(rest)
}

// liveMemory is what is in live objects and in stacks.
func liveMemory() int64 {
	for range 3 { // pools survive one
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// At most one allocation for each Read and Write, whatever happens below it at
// both ends. The race detector and the debug build of package buf allocate
// themselves, so this is not for them.
func TestABusyStreamAllocatesAtMostOnceForEachReadAndWrite(t *testing.T) {
	secure := map[string]func(peer.Key) negotiate.Security{
		"plaintext": func(k peer.Key) negotiate.Security { return plaintext.New(k) },
		"noise":     func(k peer.Key) negotiate.Security { return noise.New(k) },
	}
	for _, m := range []muxer.Factory{yamux.Factory(yamux.Options{}), mplex.Factory(mplex.PauseThenReset)} {
		for name, security := range secure {
			for _, size := range []int{64, 4 << 10, 64 << 10} {
				t.Run(fmt.Sprint(name, m.Protocol, " ", size), func(t *testing.T) {
					p := newPair(t, func(c *Config) {
						key, _ := peer.Generate(nil)
						c.Security, c.Muxers = []negotiate.Security{security(key)}, []muxer.Factory{m}
						c.Routes = handlers
					})
					s := p.open(t, "/whole-echo/1")
					data := make([]byte, size)
					s.Write([]byte{byte(size >> 16), byte(size >> 8), byte(size)})
					// Reads are not counted one by one: there is at least one at
					// each end.
					const calls = 4
					round := func() {
						if _, err := s.Write(data); err != nil {
							t.Fatal(err)
						}
						if _, err := io.ReadFull(s, data); err != nil {
							t.Fatal(err)
						}
					}
					for range 50 {
						round()
					}
					if n := testing.AllocsPerRun(200, round); n > calls {
						t.Errorf("%v allocations in %d reads and writes", n, calls)
					}
				})
			}
		}
	}
}
