package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// noEnv is an environment without variables.
func noEnv(string) string { return "" }

// demo runs a command line in this process.
func demo(ctx context.Context, args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = run(ctx, append([]string{"demo"}, args...), &o, &e, noEnv)
	return code, o.String(), e.String()
}

// demoUntil is demo with --json that is told to end when it prints a text.
func demoUntil(text string, args ...string) (code int, out string) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	o := &trigger{text: text, fire: cancel}
	code = run(ctx, append([]string{"demo", "--json"}, args...), o, io.Discard, noEnv)
	return code, o.String()
}

// trigger is a buffer that calls fire when a text is written into it.
type trigger struct {
	bytes.Buffer
	text string
	fire func()
}

func (b *trigger) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(b.text)) {
		b.fire()
	}
	return b.Buffer.Write(p)
}

// want runs a command line and fails the test if it ends with another code.
func want(t *testing.T, code int, args ...string) (out, errOut string) {
	t.Helper()
	got, out, errOut := demo(context.Background(), args...)
	if got != code {
		t.Fatalf("demo %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, out, errOut)
	}
	return out, errOut
}

// objects reads what a command printed with --json.
func objects(t *testing.T, out string) (all []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out) {
		var one map[string]any
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, one)
	}
	return all
}

// last is the last object that a command printed.
func last(t *testing.T, out string) map[string]any {
	t.Helper()
	all := objects(t, out)
	if len(all) == 0 {
		t.Fatal("nothing was printed")
	}
	return all[len(all)-1]
}

// A testNode is `demo node` in this process, sharing a folder.
type testNode struct {
	dir    string // what it shares
	addr   string // its address, with /p2p/ID
	events chan map[string]any
	stop   func()
}

// startNode starts a node and stops it at the end of the test, which fails when
// the node does not end well.
func startNode(t *testing.T, flags ...string) *testNode {
	t.Helper()
	n := &testNode{dir: t.TempDir(), events: make(chan map[string]any, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	reader, writer := io.Pipe()
	args := append([]string{"demo", "--json", "node", "--listen", "/ip4/127.0.0.1/tcp/0", "--key", filepath.Join(t.TempDir(), "key"), "--share", n.dir}, flags...)
	code := make(chan int, 1)
	go func() {
		c := run(ctx, args, writer, io.Discard, noEnv)
		writer.Close()
		code <- c
	}()
	lines := bufio.NewScanner(reader)
	if !lines.Scan() {
		cancel()
		t.Fatalf("the node said nothing and ended with %d", <-code)
	}
	var first struct {
		Event   string
		Message string
		Addrs   []string
	}
	if err := json.Unmarshal(lines.Bytes(), &first); err != nil || len(first.Addrs) != 1 {
		cancel()
		t.Fatalf("%s: %v", lines.Bytes(), err)
	}
	n.addr = first.Addrs[0]
	go func() {
		defer close(n.events)
		for lines.Scan() {
			var e map[string]any
			if json.Unmarshal(lines.Bytes(), &e) == nil {
				n.events <- e
			}
		}
	}()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if c := <-code; c != exitOK {
			t.Errorf("the node ended with %d", c)
		}
		for range n.events {
		}
	})
	t.Cleanup(n.stop)
	return n
}

// event waits for the next event of a kind.
func (n *testNode) event(t *testing.T, kind string) map[string]any {
	t.Helper()
	for e := range n.events {
		if e["event"] == kind {
			return e
		}
	}
	t.Fatalf("the node ended without the event %s", kind)
	return nil
}

// put makes a file of the node's folder with random bytes.
func (n *testNode) put(t *testing.T, name string, size int) []byte {
	t.Helper()
	p := randomBytes(size)
	if err := os.WriteFile(filepath.Join(n.dir, name), p, 0o644); err != nil {
		t.Fatal(err)
	}
	return p
}

func randomBytes(n int) []byte {
	p := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(p)
	return p
}

// A gate stands before a node: it passes connections on until so many bytes have
// come out of one, or gone in, and then does to it what it was told to.
type gate struct {
	addr   string // of the node, through the gate
	target string
	cuts   []gateCut // for the first connections, in order; later ones pass
	passed [20]struct{ in, out atomic.Int64 }
	count  atomic.Int64
	listen net.Listener
	ends   sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn
}

// gateCut says what happens to a connection when so many bytes have passed in one
// direction.
type gateCut struct {
	out, in int64 // 0: never
	stall   bool  // the connection stays open, and nothing passes any more
}

func startGate(t *testing.T, node string, cuts ...gateCut) *gate {
	t.Helper()
	info, err := peer.ParseInfo(node)
	if err != nil {
		t.Fatal(err)
	}
	target, ok := transport.TCP(info.Addrs[0])
	if !ok {
		t.Fatalf("%s is not TCP", info.Addrs[0])
	}
	g := &gate{target: target.String(), cuts: cuts}
	g.listen, err = net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(g.listen.Addr().String())
	g.addr = "/ip4/127.0.0.1/tcp/" + port + "/p2p/" + info.ID.String()
	g.ends.Add(1)
	go func() {
		defer g.ends.Done()
		for {
			c, err := g.listen.Accept()
			if err != nil {
				return
			}
			g.pass(c, int(g.count.Add(1)-1))
		}
	}()
	t.Cleanup(g.close)
	return g
}

// throughGates does something until all its connections went through a gate: when
// that is slow, a host finds the node at the address that identify told it.
func throughGates(t *testing.T, connections int64, do func() *gate) {
	t.Helper()
	for range 20 {
		if do().count.Load() == connections {
			return
		}
	}
	t.Fatalf("in 20 attempts not all of %d connections went through the gate", connections)
}

func (g *gate) close() {
	g.listen.Close()
	g.mu.Lock()
	for _, c := range g.conns {
		c.Close()
	}
	g.mu.Unlock()
	g.ends.Wait()
}

// pass connects the two ends of connection number i.
func (g *gate) pass(c net.Conn, i int) {
	to, err := net.Dial("tcp4", g.target)
	if err != nil {
		c.Close()
		return
	}
	g.mu.Lock()
	g.conns = append(g.conns, c, to)
	g.mu.Unlock()
	limit := gateCut{}
	if i < len(g.cuts) {
		limit = g.cuts[i]
	}
	// A connection breaks behind the last byte that passed: its reader gets all
	// of them, and then the end. Closing at once could take bytes back that wait
	// in the system.
	move := func(to, from net.Conn, most int64, count *atomic.Int64) {
		defer g.ends.Done()
		limited := copyUpTo(to, from, most, count)
		if limited && limit.stall {
			return
		}
		to.(*net.TCPConn).CloseWrite()
		if limited {
			io.Copy(io.Discard, from)
		}
	}
	g.ends.Add(2)
	go move(to, c, limit.in, &g.passed[i].in)
	go move(c, to, limit.out, &g.passed[i].out)
}

// copyUpTo copies until an end or the limit, and reports whether it was the
// limit.
func copyUpTo(to io.Writer, from io.Reader, limit int64, count *atomic.Int64) bool {
	p := make([]byte, 16<<10)
	for {
		if limit > 0 && count.Load() >= limit {
			return true
		}
		n := len(p)
		if limit > 0 {
			n = int(min(int64(n), limit-count.Load()))
		}
		n, err := from.Read(p[:n])
		if n > 0 {
			if _, err := to.Write(p[:n]); err != nil {
				return false
			}
			count.Add(int64(n))
		}
		if err != nil {
			return false
		}
	}
}

// plainHost is a host without a shared folder; it returns its address.
func plainHost(t *testing.T, ctx context.Context) string {
	t.Helper()
	h, err := host.New(ctx, host.Listen("/ip4/127.0.0.1/tcp/0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h.Multiaddrs()[0].String()
}
