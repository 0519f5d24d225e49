package conn

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
)

// converse runs two ends over a pipe with latency on the scheduler, lets the
// dialer hold several conversations, and returns the steps.
func converse(t *testing.T, seed uint64, muxing muxer.Factory) (trace []string) {
	t.Helper()
	s := actor.NewScheduler(seed, func(step actor.Step) {
		trace = append(trace, fmt.Sprint(step.Number, " ", step.At, " ", step.Actor))
	})
	err := s.Run(context.Background(), "world", func(self *actor.Self) error {
		late := func() mem.Delay {
			return func(now time.Time, n int) (int, time.Time) { return n, now.Add(20 * time.Millisecond) }
		}
		a, b := mem.Pipe(self, mem.Options{AtoB: late(), BtoA: late()})
		addr := ma.StringCast("/ip4/10.0.0.1/tcp/1")
		up := actor.NewSignal(self, "the connection")
		var dialer *Conn
		start := func(name string, pipe net.Conn, role negotiate.Role) *actor.Ref {
			key, err := peer.Generate(actor.Entropy(self))
			if err != nil {
				t.Error(err)
			}
			return Start(self, name, Config{
				Link: transport.Link{Local: addr, Remote: addr, Pipe: pipe}, Role: role,
				Security: []negotiate.Security{noise.New(key)}, Muxers: []muxer.Factory{muxing},
				Routes: handlers,
				Up: func(c *Conn) {
					if role == negotiate.Dialer {
						dialer = c
						up.Set()
					}
				},
			})
		}
		start("alice", a, negotiate.Dialer)
		bob := start("bob", b, negotiate.Listener)
		if err := up.Wait(self, time.Time{}); err != nil {
			return err
		}
		var talks []*actor.Ref
		for i := range 5 {
			talks = append(talks, self.Go(fmt.Sprint("talk", i), func(self *actor.Self) error {
				st, err := dialer.Open(self, i%2 == 0, "/sum/1")
				if err != nil {
					return err
				}
				st = st.WithContext(self)
				st.Write(bytes.Repeat([]byte{byte(i)}, 30000*i))
				st.CloseWrite()
				if sum, err := io.ReadAll(st); len(sum) != 32 || err != nil {
					return fmt.Errorf("got %x, %v", sum, err)
				}
				return st.Close()
			}))
		}
		for _, talk := range talks {
			if err := talk.Wait(self); err != nil {
				return err
			}
		}
		// What both ends have closed is gone at once, and not after its linger.
		self.Sleep(time.Second)
		for _, end := range self.Tree().Children {
			for _, below := range end.Children {
				if strings.HasPrefix(below.Name, "stream") {
					t.Errorf("seed %d: %s is left", seed, below.Path)
				}
			}
		}
		dialer.Close(nil)
		return bob.Wait(self)
	})
	if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	return trace
}

// allMuxers are the muxers there are.
func allMuxers() []muxer.Factory {
	return []muxer.Factory{mplex.Factory(mplex.PauseThenReset), yamux.Factory(yamux.Options{})}
}

func TestOneSeedGivesOneTraceThroughNoiseAndEachMuxer(t *testing.T) {
	for _, muxing := range allMuxers() {
		first := converse(t, 1, muxing)
		for range 19 {
			if diff := cmp.Diff(first, converse(t, 1, muxing)); diff != "" {
				t.Fatalf("%s: the same seed gave another trace:\n%s", muxing.Protocol, diff)
			}
		}
		if cmp.Equal(first, converse(t, 2, muxing)) {
			t.Errorf("%s: another seed gave the same trace", muxing.Protocol)
		}
	}
}

func TestManySeedsFindNoDeadlock(t *testing.T) {
	for seed := range uint64(100) {
		for _, muxing := range allMuxers() {
			converse(t, seed, muxing)
		}
	}
}
