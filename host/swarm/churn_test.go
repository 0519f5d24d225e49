package swarm

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// details are the swarm's gauges in the tree, by name.
func (n *node) details() map[string]string {
	out := map[string]string{}
	v, _ := n.w.self.Tree().Find(n.self.Path() + "/swarm")
	for _, d := range v.Details {
		out[d.Key] = d.Value
	}
	return out
}

// pretend is a handler that ends in one of several ways.
func pretend(self *actor.Self, s *stream.Stream) error {
	first := make([]byte, 1)
	if _, err := io.ReadFull(s, first); err != nil {
		return err
	}
	switch first[0] % 5 {
	case 0:
		return errBoom
	case 1:
		panic("ouch")
	case 2:
		return stream.Refuse(7)
	case 3:
		s.Write(make([]byte, 10_000))
		return nil
	}
	return echo(self, s)
}

// TestAfterAnyChurnNothingIsLeft has peers connect, talk, cut and leave each
// other in the middle of everything, and then looks at what is left.
func TestAfterAnyChurnNothingIsLeft(t *testing.T) {
	both(t, func(w *world) {
		const swarms, callers, steps = 4, 6, 25
		var nodes []*node
		var heard []*hearer
		names := map[peer.ID]string{}
		for i := range swarms {
			n := w.start([]string{fmt.Sprintf("/memory/%d", i+1), fmt.Sprintf("/memory/%d", i+11)})
			w.must(n.Handle(n.self, "/pretend/1", pretend))
			names[n.ID()] = fmt.Sprint("n", i)
			nodes = append(nodes, n)
		}
		for _, n := range nodes {
			heard = append(heard, w.hear(n, names))
		}
		for _, err := range w.together(callers, func(self *actor.Self, i int) error {
			chance := rand.New(rand.NewPCG(uint64(i), 7))
			for range steps {
				from, to := nodes[chance.IntN(swarms)], nodes[chance.IntN(swarms)]
				info := to.info()
				switch chance.IntN(4) {
				case 0:
					info.Addrs = append(addrs("/memory/99"), info.Addrs...)
				case 1:
					info.Addrs = nodes[chance.IntN(swarms)].Addrs() // perhaps somebody else's
				}
				ctx, cancel := self.WithTimeout(time.Duration(chance.IntN(2000)) * time.Millisecond)
				from.Connect(ctx, info)
				if s, err := from.Open(ctx, to.ID(), "/pretend/1"); err == nil {
					s = s.WithContext(ctx)
					s.Write([]byte{byte(chance.IntN(256)), 2, 3})
					switch chance.IntN(4) {
					case 0:
						s.Reset(1)
					case 1:
						from.Disconnect(to.ID(), errBoom)
					case 2:
						to.Disconnect(from.ID(), nil)
					}
					s.Read(make([]byte, 3))
					s.Close()
				}
				cancel()
				if err := self.Sleep(time.Duration(chance.IntN(50)) * time.Millisecond); err != nil {
					return err
				}
			}
			return nil
		}) {
			w.must(err)
		}
		for _, n := range nodes {
			for _, id := range n.Peers() {
				n.Disconnect(id, nil)
			}
		}
		w.sleep(time.Minute)
		none := map[string]string{"peers": "0", "connections": "0", "half open": "0", "dials": "0", "refused": "0"}
		for i, n := range nodes {
			if diff := cmp.Diff(none, n.details()); diff != "" {
				w.Errorf("node %d, -want +got:\n%s\n%v", i, diff, n.self.Tree())
			}
			up := map[string]int{}
			for _, line := range heard[i].lines() {
				var what, kind, who string
				fmt.Sscan(line, &what, &kind, &who)
				switch what + " " + kind {
				case "peer up", "conn up":
					up[what+who]++
				case "peer down", "conn down":
					up[what+who]--
				}
				if n := up["peer"+who]; n < 0 || n > 1 || up["conn"+who] < 0 {
					w.Fatalf("after %q: %v", line, up)
				}
			}
			for who, n := range up {
				if n != 0 {
					w.Errorf("%s is up %d times in the end", who, n)
				}
			}
		}
	})
}
