package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
)

func must[V any](v V, err error) V {
	if err != nil {
		panic(err)
	}
	return v
}

// pair opens a connection from one host to another.
func (n *Net) pair(from, to string) (dialed, accepted net.Conn) {
	l := must(n.Host(to).Listen("tcp", ":0"))
	defer l.Close()
	dialed = must(n.Host(from).Dial(n.t.Context(), "tcp", l.Addr().String()))
	return dialed, must(l.Accept())
}

func TestABubblesConnectionTakesTheTimeOfItsLinks(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		n.Direction("alice", "bob", LinkConfig{Latency: 50 * ms})
		n.Direction("bob", "alice", LinkConfig{Latency: 30 * ms})
		began := time.Now()
		a, b := n.pair("alice", "bob")
		defer a.Close()
		defer b.Close()
		if d := time.Since(began); d != 80*ms {
			t.Errorf("dialed in %v", d)
		}
		go io.Copy(b, b)
		io.WriteString(a, "hello")
		p := make([]byte, 10)
		k := must(a.Read(p))
		if d := time.Since(began); d != 160*ms || string(p[:k]) != "hello" {
			t.Errorf("%q came back after %v", p[:k], d)
		}
	})
}

func TestOrdinaryProgramsTalkInABubble(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.Copy(w, r.Body)
		})}
		go server.Serve(must(n.Host("server").Listen("tcp", ":80")))
		defer server.Close()
		transport := &http.Transport{DialContext: n.Host("client").Dial}
		defer transport.CloseIdleConnections()
		n.Link("client", "server", LinkConfig{Latency: 50 * ms, Bandwidth: 1_000_000})

		began := time.Now()
		want := bytes.Repeat([]byte("0123456789"), 100_000)
		r := must((&http.Client{Transport: transport}).Post("http://server/", "text/plain", bytes.NewReader(want)))
		got := must(io.ReadAll(r.Body))
		r.Body.Close()
		if !bytes.Equal(got, want) {
			t.Errorf("%d other bytes came back", len(got))
		}
		if d := time.Since(began); d < time.Second || d > 3*time.Second {
			t.Errorf("a megabyte went there and back in %v", d)
		}
	})
}

// TestConn of golang.org/x/net/nettest runs in cmd/interop.

func TestErrorsInABubbleAreThoseOfTheSystem(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		ctx := n.T().Context()
		alice, bob := n.Host("alice"), n.Host("bob")
		isOp := func(what string, err error, want error) {
			t.Helper()
			var op *net.OpError
			if !errors.As(err, &op) || !errors.Is(err, want) {
				t.Errorf("%s: %v", what, err)
			}
		}
		_, err := alice.Dial(ctx, "tcp", "bob:1")
		isOp("nobody listens", err, syscall.ECONNREFUSED)
		_, err = alice.Dial(ctx, "tcp", "carol:1")
		if dns := new(net.DNSError); !errors.As(err, &dns) || !dns.IsNotFound {
			t.Errorf("no such name: %v", err)
		}
		_, err = alice.Dial(ctx, "tcp6", "bob:1")
		if a := new(net.AddrError); !errors.As(err, &a) {
			t.Errorf("IPv4 as tcp6: %v", err)
		}
		_, err = alice.Dial(ctx, "unix", "bob:1")
		isOp("another network", err, net.UnknownNetworkError("unix"))
		soon, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		_, err = alice.Dial(soon, "tcp", "192.0.2.1:1")
		isOp("nobody has the address", err, context.DeadlineExceeded)
		if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("no timeout: %v", err)
		}

		l := must(bob.Listen("tcp", "bob:80"))
		_, err = bob.Listen("tcp", "0.0.0.0:80")
		isOp("twice", err, syscall.EADDRINUSE)
		_, err = bob.Listen("tcp", "alice:81")
		isOp("another's address", err, syscall.EADDRNOTAVAIL)
		l.Close()
		_, err = l.Accept()
		isOp("closed", err, net.ErrClosed)

		a, b := n.pair("alice", "bob")
		b.Close()
		_, err = a.Read(make([]byte, 1))
		if err != io.EOF {
			t.Errorf("the end: %v", err)
		}
		_, err = a.Write([]byte("x"))
		isOp("write to the closed", err, syscall.EPIPE)
		a.Close()

		a, b = n.pair("alice", "bob")
		b.(interface{ SetLinger(int) error }).SetLinger(0)
		b.Close()
		_, err = a.Read(make([]byte, 1))
		isOp("a reset", err, syscall.ECONNRESET)
		a.Close()
	})
}

func TestAHalfClosedConnectionInABubbleCarriesTheAnswer(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		a, b := n.pair("alice", "bob")
		defer a.Close()
		go func() {
			defer b.Close()
			question, _ := io.ReadAll(b)
			b.Write(bytes.ToUpper(question))
		}()
		io.WriteString(a, "what")
		a.(interface{ CloseWrite() error }).CloseWrite()
		if got := must(io.ReadAll(a)); string(got) != "WHAT" {
			t.Errorf("got %q", got)
		}
	})
}

func TestASenderInABubbleWaitsForItsReader(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		n.Link("alice", "bob", LinkConfig{Latency: 10 * ms, Window: 1000})
		a, b := n.pair("alice", "bob")
		defer b.Close()
		began := time.Now()
		go func() {
			defer a.Close()
			if _, err := a.Write(make([]byte, 5000)); err != nil {
				t.Error(err)
			}
			if d := time.Since(began); d < time.Hour {
				t.Errorf("the Write returned after %v, before anybody read", d)
			}
		}()
		time.Sleep(time.Hour)
		if got := must(io.ReadAll(b)); len(got) != 5000 {
			t.Errorf("read %d bytes", len(got))
		}
	})
}

func TestTheLoopbackOfABubblesHostIsItself(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		h := n.Host("alone")
		l := must(h.Listen("tcp", "127.0.0.1:80"))
		defer l.Close()
		for _, addr := range []string{"localhost:80", "127.0.0.1:80", ":80", "alone:80", h.IP().String() + ":80"} {
			c := must(h.Dial(n.T().Context(), "tcp", addr))
			if got := c.RemoteAddr().String(); got != "10.0.0.1:80" {
				t.Errorf("%s is %s", addr, got)
			}
			c.Close()
			must(l.Accept()).Close()
		}
		if n.Host("10.0.0.1") != h || n.Host("alone") != h {
			t.Error("its address and its name are two hosts")
		}
		other := n.Host("::ffff:10.0.0.2") // the same as 10.0.0.2
		if next := n.Host("next"); next.IP().String() != "10.0.0.3" || other.IP().String() != "10.0.0.2" {
			t.Errorf("the next one is %v", next)
		}
	})
}

func TestWhatABubbleLeavesOpenIsNamed(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		l := must(n.Host("bob").Listen("tcp", ":80"))
		ended := make(chan error)
		go func() {
			_, err := l.Accept()
			ended <- err
		}()
		a, b := n.pair("alice", "bob")
		go func() { // closes in time: that is no leak
			defer b.Close()
			io.Copy(io.Discard, b)
			time.Sleep(10 * time.Second)
		}()
		time.AfterFunc(time.Second, func() { a.Close() })
		began := time.Now()
		want := []string{"the listener at 10.0.0.1:80"}
		got := make(chan []string)
		go func() { got <- n.finish() }()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("the Accept that was left ended with %v", err)
		}
		if diff := cmp.Diff(want, <-got); diff != "" {
			t.Errorf("left open (-want +got):\n%s", diff)
		}
		if d := time.Since(began); d != patience {
			t.Errorf("waited %v", d)
		}
		if left := n.finish(); left != nil {
			t.Errorf("again %v", left)
		}
	})
}

// arrivals plays some traffic over jittery links, and says what came when.
func arrivals(t *testing.T, seed uint64) []string {
	var mu sync.Mutex
	var lines []string
	Bubble(t, seed, func(n *Net) {
		began := time.Now()
		var done sync.WaitGroup
		for i := range 5 {
			from := fmt.Sprint("host", i)
			n.Link(from, "hub", LinkConfig{Latency: 10 * ms, Jitter: 20 * ms, Bandwidth: 100_000, Chunk: 1000})
			a, b := n.pair(from, "hub")
			done.Go(func() {
				defer a.Close()
				for range 10 {
					a.Write(make([]byte, 1500))
					time.Sleep(7 * ms)
				}
			})
			done.Go(func() {
				defer b.Close()
				p := make([]byte, 4000)
				for {
					k, err := b.Read(p)
					mu.Lock()
					lines = append(lines, fmt.Sprintf("%v %s: %d %v", time.Since(began), from, k, err))
					mu.Unlock()
					if err != nil {
						return
					}
				}
			})
		}
		done.Wait()
	})
	return lines
}

func TestTheSameSeedGivesTheSameArrivals(t *testing.T) {
	first := arrivals(t, 7)
	for range 10 {
		if diff := cmp.Diff(first, arrivals(t, 7)); diff != "" {
			t.Fatalf("(-first +later):\n%s", diff)
		}
	}
	if cmp.Equal(first, arrivals(t, 8)) {
		t.Error("another seed gave the same")
	}
}

func TestATroupeHostLivesInABubble(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		ctx := n.T().Context()
		n.Link("alice", "bob", LinkConfig{Latency: 50 * ms})
		start := func(name string) *host.Host {
			place := n.Host(name)
			return must(host.New(ctx, host.Name(name), host.Transport(place.Transport()),
				host.Listen("/ip4/"+place.IP().String()+"/tcp/4001")))
		}
		alice, bob := start("alice"), start("bob")
		if err := alice.Connect(ctx, bob.Info()); err != nil {
			t.Fatal(err)
		}
		rtt := must(ping.Ping(ctx, alice.Swarm(), bob.ID()))
		if rtt < 100*ms || rtt > 101*ms {
			t.Errorf("ping %v", rtt)
		}

		// And ordinary code meets it at the same address.
		c := must(n.Host("stranger").Dial(ctx, "tcp", "bob:4001"))
		io.WriteString(c, "\x13/multistream/1.0.0\n")
		hello := make([]byte, 20)
		must(io.ReadFull(c, hello))
		if !strings.Contains(string(hello), "/multistream/1.0.0") {
			t.Errorf("it says %q", hello)
		}
		c.Close()
		alice.Close()
		bob.Close()
		synctest.Wait()
	})
}

func TestDatagramsInABubbleTakeTheTimeAndTheAccidentsOfTheirLink(t *testing.T) {
	Bubble(t, 3, func(n *Net) {
		n.Direction("alice", "bob", LinkConfig{Latency: 10 * ms, MTU: 1000, Loss: 100_000, Duplicate: 100_000, Reorder: 100_000, ReorderBy: 3 * ms})
		a := must(n.Host("alice").ListenPacket("udp", ":4001"))
		b := must(n.Host("bob").ListenPacket("udp4", "bob:4001"))
		defer a.Close()
		defer b.Close()
		began := time.Now()
		for i := range 100 {
			if k, err := a.WriteTo([]byte{byte(i)}, b.LocalAddr()); k != 1 || err != nil {
				t.Fatal(k, err)
			}
			a.WriteTo(make([]byte, 1001), b.LocalAddr()) // is too large, and is in nobody's way
		}
		got, late := map[byte]int{}, 0
		b.SetReadDeadline(began.Add(time.Second))
		p := make([]byte, 2000)
		for {
			k, from, err := b.ReadFrom(p)
			if err != nil {
				if timeout := net.Error(nil); !errors.As(err, &timeout) || !timeout.Timeout() {
					t.Error(err)
				}
				break
			}
			if k != 1 || from.String() != "10.0.0.1:4001" {
				t.Errorf("%d bytes from %v", k, from)
			}
			switch d := time.Since(began); d {
			case 10 * ms:
			case 13 * ms:
				late++
			default:
				t.Errorf("%d came after %v", p[0], d)
			}
			got[p[0]]++
		}
		twice := 0
		for _, k := range got {
			twice += k - 1
		}
		// The seed decides; these numbers are what it decided.
		if len(got) < 80 || len(got) > 97 || twice < 2 || late < 2 {
			t.Errorf("%d came, %d twice, %d late", len(got), twice, late)
		}
	})
}

func TestAConnectedSocketInABubbleHearsOneOther(t *testing.T) {
	Bubble(t, 1, func(n *Net) {
		l := must(n.Host("bob").ListenPacket("udp", "127.0.0.1:53"))
		defer l.Close()
		c := must(n.Host("alice").Dial(n.T().Context(), "udp", "bob:53"))
		defer c.Close()
		other := must(n.Host("carol").ListenPacket("udp", ":0"))
		defer other.Close()
		other.WriteTo([]byte("hear me"), c.LocalAddr())
		io.WriteString(c, "question")
		p := make([]byte, 100)
		k, from, err := l.ReadFrom(p)
		if err != nil || string(p[:k]) != "question" || from.String() != c.LocalAddr().String() {
			t.Fatalf("%q from %v, %v", p[:k], from, err)
		}
		l.WriteTo([]byte("answer"), from)
		if k := must(c.Read(p)); string(p[:k]) != "answer" || c.RemoteAddr().String() != l.LocalAddr().String() {
			t.Errorf("%q", p[:k])
		}
		_, err = n.Host("bob").ListenPacket("udp", ":53")
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("twice: %v", err)
		}
	})
}

func TestHostsInABubbleReceiveOneAfterTheOther(t *testing.T) {
	run := func() (lines []string) {
		Bubble(t, 1, func(n *Net) {
			sender := must(n.Host("sender").ListenPacket("udp", ":1"))
			defer sender.Close()
			var began time.Time
			var mu sync.Mutex
			var done sync.WaitGroup
			var to []net.Addr
			for i := range 10 {
				l := must(n.Host(fmt.Sprint("host", i)).ListenPacket("udp", ":1"))
				to = append(to, l.LocalAddr())
				done.Go(func() {
					defer l.Close()
					must2(l.ReadFrom(make([]byte, 1)))
					mu.Lock()
					defer mu.Unlock()
					lines = append(lines, fmt.Sprintf("host%d after %v", i, time.Since(began)))
				})
			}
			synctest.Wait()
			began = time.Now()
			for i := range to {
				sender.WriteTo([]byte("x"), to[len(to)-1-i]) // all arrive 20 ms later
			}
			done.Wait()
		})
		return lines
	}
	want := []string{"host0 after 20ms"}
	for i := range 9 {
		want = append(want, fmt.Sprintf("host%d after 20.00000%dms", i+1, i+1))
	}
	for range 20 {
		if diff := cmp.Diff(want, run()); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
	}
}

func must2[V, W any](v V, w W, err error) (V, W) {
	if err != nil {
		panic(err)
	}
	return v, w
}
