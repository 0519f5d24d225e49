//go:build !race && !bufdebug

package conn

import (
	"fmt"
	"io"
	"testing"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
)

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
