package sim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/mem"
	"github.com/troupe-p2p/troupe/transport/transporttest"
)

const ms = time.Millisecond

func ip(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }

// twoHosts listens at one host and dials from another.
type twoHosts struct {
	network *Network
	config  LinkConfig
}

func (h *twoHosts) CanDial(to ma.Multiaddr) bool   { return new(Transport).CanDial(to) }
func (h *twoHosts) CanListen(at ma.Multiaddr) bool { return new(Transport).CanListen(at) }

func (h *twoHosts) Dial(ctx context.Context, to ma.Multiaddr, want peer.ID) (transport.Link, error) {
	return h.network.Host(ip(1)).Dial(ctx, to, want)
}

// Listen makes the network: only here the tree is known.
func (h *twoHosts) Listen(ctx context.Context, at ma.Multiaddr) (transport.Listener, error) {
	if h.network == nil {
		h.network = NewNetwork(ctx, 1, h.config)
	}
	return h.network.Host(ip(2)).Listen(ctx, at)
}

func links() map[string]LinkConfig {
	return map[string]LinkConfig{
		"at once": {},
		"far":     {Latency: 50 * ms, Jitter: 5 * ms},
		"slow":    {Latency: 10 * ms, Bandwidth: 10_000_000, Chunk: 6000, Queue: 20_000},
		"narrow":  {Latency: ms, Window: 9000, Chunk: 1000},
	}
}

func TestItIsATransportOverLinksOfAllKinds(t *testing.T) {
	for name, config := range links() {
		make := func(*testing.T) (transport.Transport, ma.Multiaddr) {
			return &twoHosts{config: config}, ma.StringCast("/ip4/0.0.0.0/tcp/0")
		}
		t.Run(name, func(t *testing.T) {
			transporttest.RunIn(t, transporttest.Bubble(), make)
			transporttest.RunIn(t, transporttest.Scheduler(3, nil), make)
		})
	}
}

func TestTheSameSeedTakesTheSameSteps(t *testing.T) {
	transporttest.Repeat(t, 20, 7, func(*testing.T) (transport.Transport, ma.Multiaddr) {
		return &twoHosts{config: links()["far"]}, ma.StringCast("/ip4/0.0.0.0/tcp/4001")
	})
}

// inWorlds runs a scenario on both carriers.
func inWorlds(t *testing.T, config LinkConfig, f func(self *actor.Self, n *Network) error) {
	t.Helper()
	body := func(self *actor.Self) error { return f(self, NewNetwork(self, 1, config)) }
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := actor.Run(t.Context(), "root", body); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("scheduler", func(t *testing.T) {
		for seed := range uint64(10) {
			if err := actor.NewScheduler(seed, nil).Run(t.Context(), "root", body); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	})
}

// took checks how long something took.
func took(self *actor.Self, since time.Time, want time.Duration) error {
	if d := self.Now().Sub(since); d != want {
		return fmt.Errorf("it took %v, want %v", d, want)
	}
	return nil
}

func listen(self *actor.Self, n *Network, host byte, at string) (transport.Listener, error) {
	return n.Host(ip(host)).Listen(self, ma.StringCast(at))
}

func TestADialTakesOneRoundTrip(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 30 * ms}, func(self *actor.Self, n *Network) error {
		n.SetLink(ip(2), ip(1), LinkConfig{Latency: 5 * ms})
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		began := self.Now()
		self.Go("listener", func(self *actor.Self) error {
			link, err := l.Accept(self)
			if err != nil {
				return err
			}
			defer link.Close()
			if err := took(self, began, 30*ms); err != nil {
				return fmt.Errorf("accept: %w", err)
			}
			_, err = io.WriteString(link.Pipe, "hello")
			return err
		})
		link, err := n.Host(ip(1)).Dial(self, l.Addrs()[0], "")
		if err != nil {
			return err
		}
		defer link.Close()
		if err := took(self, began, 35*ms); err != nil {
			return fmt.Errorf("dial: %w", err)
		}
		if link.Local.String() != "/ip4/10.0.0.1/tcp/49152" || link.Pipe.LocalAddr().String() != "10.0.0.1:49152" || link.Pipe.LocalAddr().Network() != "tcp" {
			return fmt.Errorf("dialed from %s, the pipe says %s", link.Local, link.Pipe.LocalAddr())
		}
		if _, err := io.ReadFull(link.Pipe, make([]byte, 5)); err != nil {
			return err
		}
		return took(self, began, 35*ms)
	})
}

func TestADialWhereNobodyListensIsRefusedAfterARoundTrip(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 30 * ms}, func(self *actor.Self, n *Network) error {
		n.Host(ip(2))
		began := self.Now()
		_, err := n.Host(ip(1)).Dial(self, ma.StringCast("/ip4/10.0.0.2/tcp/4001"), "")
		if !errors.Is(err, transport.ErrRefused) {
			return err
		}
		return took(self, began, 60*ms)
	})
}

func TestAnAddressWithoutAHostNeverAnswers(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 30 * ms}, func(self *actor.Self, n *Network) error {
		began := self.Now()
		ctx, cancel := self.WithTimeout(time.Hour)
		defer cancel()
		_, err := n.Host(ip(1)).Dial(ctx, ma.StringCast("/ip4/10.0.0.2/tcp/4001"), "")
		if !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("got %w", err)
		}
		return took(self, began, time.Hour)
	})
}

func TestADialThatIsGivenUpLeavesNoOpenEnd(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 30 * ms}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		began := self.Now()
		ctx, cancel := self.WithTimeout(40 * ms)
		defer cancel()
		if _, err := n.Host(ip(1)).Dial(ctx, l.Addrs()[0], ""); !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("got %w", err)
		}
		if err := took(self, began, 40*ms); err != nil {
			return err
		}
		link, err := l.Accept(self)
		if err != nil {
			return err
		}
		defer link.Close()
		// The answer comes to somebody who does not know of it any more.
		if _, err := link.Pipe.Read(make([]byte, 1)); !errors.Is(err, mem.ErrReset) {
			return fmt.Errorf("got %w", err)
		}
		return took(self, began, 90*ms)
	})
}

// Two connections share the bandwidth of their link: together they take as long
// as the sum of their bytes.
func TestConnectionsBetweenTwoHostsShareTheirLink(t *testing.T) {
	config := LinkConfig{Latency: 10 * ms, Bandwidth: 1_000_000, Chunk: 1000}
	inWorlds(t, config, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		began := self.Now()
		const connections, bytes = 2, 200_000
		for range connections {
			link, err := n.Host(ip(1)).Dial(self, l.Addrs()[0], "")
			if err != nil {
				return err
			}
			self.Go("write "+link.Local.String(), func(self *actor.Self) error {
				self.Sleep(began.Add(100 * ms).Sub(self.Now()))
				defer link.Close()
				_, err := link.Pipe.Write(make([]byte, bytes))
				return err
			})
		}
		var refs []*actor.Ref
		for range connections {
			link, err := l.Accept(self)
			if err != nil {
				return err
			}
			refs = append(refs, self.Go("read "+link.Remote.String(), func(*actor.Self) error {
				defer link.Close()
				got, err := io.Copy(io.Discard, link.Pipe)
				if err == nil && got != bytes {
					err = fmt.Errorf("read %d bytes", got)
				}
				return err
			}))
		}
		for _, ref := range refs {
			if err := ref.Wait(self); err != nil {
				return err
			}
		}
		// 400,000 bytes at a million a second, from 100 ms on, and the latency.
		return took(self, began, 510*ms)
	})
}

func TestAChangedLinkConcernsWhatIsSentLater(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 30 * ms}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		here, err := n.Host(ip(1)).Dial(self, l.Addrs()[0], "")
		if err != nil {
			return err
		}
		defer here.Close()
		there, err := l.Accept(self)
		if err != nil {
			return err
		}
		defer there.Close()
		began := self.Now()
		var times []time.Duration
		send := func() error { _, err := here.Pipe.Write([]byte{1}); return err }
		receive := func() error {
			_, err := there.Pipe.Read(make([]byte, 1))
			times = append(times, self.Now().Sub(began))
			return err
		}
		change := func(latency time.Duration) func() error {
			return func() error { n.SetLink(ip(1), ip(2), LinkConfig{Latency: latency}); return nil }
		}
		for _, f := range []func() error{send, change(100 * ms), send, change(0), send, receive, receive, receive, send, receive} {
			if err := f(); err != nil {
				return err
			}
		}
		// The third byte does not overtake the second one.
		if want := []time.Duration{30 * ms, 100 * ms, 100 * ms, 100 * ms}; !slices.Equal(times, want) {
			return fmt.Errorf("the bytes came after %v, want %v", times, want)
		}
		return nil
	})
}

func TestAConnectionHoldsAWindowOfBytes(t *testing.T) {
	inWorlds(t, LinkConfig{Latency: 30 * ms, Window: 300_000}, func(self *actor.Self, n *Network) error {
		l, err := listen(self, n, 2, "/ip4/10.0.0.2/tcp/4001")
		if err != nil {
			return err
		}
		defer l.Close()
		link, err := n.Host(ip(1)).Dial(self, l.Addrs()[0], "")
		if err != nil {
			return err
		}
		defer link.Close()
		link.Pipe.SetWriteDeadline(self.Now().Add(time.Second))
		if sent, err := link.Pipe.Write(make([]byte, 1<<20)); sent != 300_000 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return fmt.Errorf("%d bytes were taken over: %w", sent, err)
		}
		return nil
	})
}

func TestAHostListensAtItsOwnAddressOnly(t *testing.T) {
	n := NewNetwork(t.Context(), 1, LinkConfig{})
	for at, want := range map[string]error{
		"/ip4/10.0.0.3/tcp/1": transport.ErrNotLocal, "/ip6/::/tcp/1": transport.ErrNotLocal,
		"/dns4/host/tcp/1": transport.ErrUnsupported, "/ip4/10.0.0.2/tcp/1/ws": transport.ErrUnsupported,
	} {
		if _, err := n.Host(ip(2)).Listen(t.Context(), ma.StringCast(at)); !errors.Is(err, want) {
			t.Errorf("%s: got %v", at, err)
		}
	}
	// The same port of two hosts is not the same.
	for _, host := range []byte{2, 3} {
		if _, err := n.Host(ip(host)).Listen(t.Context(), ma.StringCast("/ip4/0.0.0.0/tcp/1")); err != nil {
			t.Error(err)
		}
	}
}

func TestPickedPortsPassByThoseThatAreListenedAt(t *testing.T) {
	n := NewNetwork(t.Context(), 1, LinkConfig{})
	var got []string
	for _, at := range []string{"49153", "0", "0", "65535"} {
		l, err := n.Host(ip(2)).Listen(t.Context(), ma.StringCast("/ip4/0.0.0.0/tcp/"+at))
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(l.Addrs()[0].String(), "/ip4/10.0.0.2/tcp/"))
	}
	if want := []string{"49153", "49152", "49154", "65535"}; !slices.Equal(got, want) {
		t.Errorf("listening at %v, want %v", got, want)
	}
	h := n.Host(ip(2))
	h.next = lastPort
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := h.pick(); a.Port() != 49155 {
		t.Errorf("after the last port comes %d", a.Port())
	}
}

func TestTheRandomNumbersOfALinkDependOnNothingElse(t *testing.T) {
	arrival := func(n *Network, from, to byte) time.Time {
		h := n.Host(ip(from))
		h.mu.Lock()
		defer h.mu.Unlock()
		l := h.link(ip(to))
		return l.machine.Step(epoch, linkEvent{kind: linkSend, n: 1}, nil)[0].at
	}
	draw := func(seed uint64, before func(n *Network)) (all []time.Time) {
		n := NewNetwork(t.Context(), seed, LinkConfig{Jitter: time.Second})
		n.Host(ip(2))
		before(n)
		for range 10 {
			all = append(all, arrival(n, 1, 2))
		}
		return all
	}
	nothing := func(*Network) {}
	first := draw(1, nothing)
	if !slices.Equal(first, draw(1, func(n *Network) { arrival(n, 2, 1); n.Host(ip(3)); arrival(n, 1, 3) })) {
		t.Error("other links change it")
	}
	if slices.Equal(first, draw(2, nothing)) {
		t.Error("the seed does not change it")
	}
	n := NewNetwork(t.Context(), 1, LinkConfig{Jitter: time.Second})
	n.Host(ip(1))
	if arrival(n, 2, 1).Equal(first[0]) {
		t.Error("both directions draw the same")
	}
}

func addrPort(host byte, port uint16) netip.AddrPort { return netip.AddrPortFrom(ip(host), port) }

// connected opens a connection from the first to the second host.
func connected(self *actor.Self, n *Network) (here, there net.Conn, err error) {
	return connectedTo(self, n, 1, 2)
}

func connectedTo(self *actor.Self, n *Network, from, to byte) (here, there net.Conn, err error) {
	l, err := listen(self, n, to, fmt.Sprintf("/ip4/%s/tcp/0", ip(to)))
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	a, err := n.Host(ip(from)).Dial(self, l.Addrs()[0], "")
	if err != nil {
		return nil, nil, err
	}
	b, err := l.Accept(self)
	return a.Pipe, b.Pipe, err
}
