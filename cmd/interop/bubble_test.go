package main

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/nettest"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/sim"

	"github.com/troupe-p2p/troupe/cmd/interop/gopeer"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// startIn starts a peer at a place in a bubble.
func startIn(n *sim.Net, name string, c talk.Config) (talk.Peer, error) {
	place := n.Host(name)
	at := "/ip4/" + place.IP().String() + "/tcp/4001"
	if name == "go" {
		return gopeer.NewOn(gopeer.Net{Dial: place.Dial, Listen: place.Listen, At: at}, c)
	}
	return newTroupePeerOn(n.T().Context(), c, host.Transport(place.Transport()), host.Listen(at))
}

// meeting is go-libp2p and Troupe in one bubble, connected.
type meeting struct {
	*sim.Net
	dialer, listener talk.Peer
	recorder         *talk.Recorder
}

// meet plays a scenario with the two of them, 50 ms apart.
func meet(t *testing.T, security, muxer, from, to string, scenario func(t *testing.T, m *meeting)) {
	t.Helper()
	sim.Bubble(t, 1, func(n *sim.Net) {
		t := n.T()
		n.Link(from, to, sim.LinkConfig{Latency: 50 * time.Millisecond, Bandwidth: 10_000_000})
		m := &meeting{Net: n, recorder: talk.NewRecorder()}
		start := func(name string, r *talk.Recorder) talk.Peer {
			p, err := startIn(n, name, talk.Config{Security: security, Muxer: muxer, Handlers: r.Handlers()})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := p.Close(); err != nil {
					t.Errorf("%s does not close: %v", name, err)
				}
			})
			return p
		}
		m.listener = start(to, m.recorder)
		m.dialer = start(from, talk.NewRecorder())
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := m.dialer.Connect(ctx, m.listener.Addrs()[0]); err != nil {
			t.Fatal(err)
		}
		scenario(t, m)
	})
}

// check runs one of the matrix's checks.
func (m *meeting) check(t *testing.T, c talk.Check) {
	t.Helper()
	from, to := m.dialer, m.listener
	if c.Back {
		from, to = to, from
	}
	ctx, cancel := context.WithTimeout(t.Context(), c.Limit)
	defer cancel()
	target := talk.Target{ID: to.ID(), Addrs: to.Addrs(), Agent: to.Agent()}
	err := c.Run(ctx, from, target)
	if err == nil && c.Awaits != "" {
		var e talk.Ending
		if e, err = m.recorder.Await(ctx, c.Awaits); err == nil {
			err = c.Ended(e)
		}
	}
	if err == nil {
		err = talk.Alive(ctx, from, target)
	}
	if err != nil {
		t.Errorf("%s: %v", c.Label(), err)
	}
}

func TestGoLibp2pAndTroupeTalkInABubble(t *testing.T) {
	for _, pair := range [][2]string{{"go", "troupe"}, {"troupe", "go"}} {
		for _, security := range []string{"noise", "tls", "plaintext"} {
			for _, muxer := range usualMuxers() {
				t.Run(security+"/"+muxer+"/"+pair[0]+"-"+pair[1], func(t *testing.T) {
					meet(t, security, muxer, pair[0], pair[1], func(t *testing.T, m *meeting) {
						for _, c := range talk.Checks() {
							if c.Size <= 1<<21 && c.Kills == talk.KillNobody { // the matrix has the others
								m.check(t, c)
							}
						}
					})
				})
			}
		}
	}
}

func TestGoLibp2pAndTroupeOutliveAPartitionInABubble(t *testing.T) {
	for _, pair := range [][2]string{{"go", "troupe"}, {"troupe", "go"}} {
		for _, muxer := range usualMuxers() {
			t.Run(muxer+"/"+pair[0]+"-"+pair[1], func(t *testing.T) {
				meet(t, "noise", muxer, pair[0], pair[1], func(t *testing.T, m *meeting) {
					ctx := t.Context()
					round := func() time.Duration {
						t.Helper()
						took, err := m.dialer.Ping(ctx, m.listener.ID(), 1)
						if err != nil {
							t.Fatal(err)
						}
						return took[0]
					}
					if rtt := round(); rtt < 100*time.Millisecond || rtt > 101*time.Millisecond {
						t.Errorf("the ping took %v", rtt)
					}

					// Nothing gets through for four seconds. The question is sent again
					// as TCP would, and comes through when the network has healed.
					sides := [][]netip.Addr{{m.Host(pair[0]).IP()}, {m.Host(pair[1]).IP()}}
					time.AfterFunc(4*time.Second, m.Network().Partition(sides...))
					if rtt := round(); rtt < 4*time.Second || rtt > 10*time.Second {
						t.Errorf("the ping through the partition took %v", rtt)
					}
					if rtt := round(); rtt > 101*time.Millisecond {
						t.Errorf("the ping after it took %v", rtt)
					}
					for _, c := range talk.Checks() {
						if c.Name == "identify" || c.Name == "echo" && c.Size < 1<<21 {
							m.check(t, c)
						}
					}

					// For an hour: whoever says something finds out, and a new
					// connection is made when the network has healed. (yamux says
					// something by itself, mplex does not.)
					heal := m.Network().Partition(sides...)
					ends := []struct{ who, of talk.Peer }{{m.dialer, m.listener}, {m.listener, m.dialer}}
					for _, end := range ends {
						soon, cancel := context.WithTimeout(ctx, time.Minute)
						if took, err := end.who.Ping(soon, end.of.ID(), 1); err == nil {
							t.Errorf("%s had an answer after %v", end.who.Agent(), took)
						}
						cancel()
					}
					time.Sleep(time.Hour)
					for _, end := range ends {
						if there, err := end.who.Connected(ctx, end.of.ID()); there || err != nil {
							t.Errorf("after an hour %s is still connected (%v)", end.who.Agent(), err)
						}
					}
					heal()
					if err := m.dialer.Connect(ctx, m.listener.Addrs()[0]); err != nil {
						t.Fatal(err)
					}
					round()
				})
			})
		}
	}
}

// The subtests of TestConn are those of the test outside: inside of a bubble no
// test may run others.
func TestAConnectionInABubbleIsAsPackageNetWantsIt(t *testing.T) {
	for name, c := range map[string]sim.LinkConfig{
		"far":    {Latency: 20 * time.Millisecond, Jitter: 10 * time.Millisecond},
		"narrow": {Latency: time.Millisecond, Bandwidth: 1_000_000, Window: 9000, Chunk: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			sim.Bubble(t, 1, func(n *sim.Net) {
				n.Link("alice", "bob", c)
				nettest.TestConn(t, func() (c1, c2 net.Conn, stop func(), err error) {
					l, err := n.Host("bob").Listen("tcp", ":0")
					if err != nil {
						return nil, nil, nil, err
					}
					defer l.Close()
					if c1, err = n.Host("alice").Dial(context.Background(), "tcp", l.Addr().String()); err != nil {
						return nil, nil, nil, err
					}
					c2, err = l.Accept()
					return c1, c2, func() { c1.Close(); c2.Close() }, err
				})
			})
		})
	}
}
