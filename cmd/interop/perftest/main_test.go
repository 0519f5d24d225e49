package perftest

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/urfave/cli/v3"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limit ends a test that hangs.
const limit = time.Minute

// running is the command in a goroutine.
type running struct {
	lines  *bufio.Scanner // of standard output
	stop   context.CancelFunc
	over   chan int // the exit code, once
	mu     sync.Mutex
	stderr bytes.Buffer
}

func (r *running) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.Write(p)
}

func (r *running) said() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stderr.String()
}

// start runs "interop perf" with an environment and arguments.
func start(t *testing.T, env map[string]string, args ...string) *running {
	t.Helper()
	ctx, stop := context.WithTimeout(context.Background(), limit)
	in, out := io.Pipe()
	r := &running{lines: bufio.NewScanner(in), stop: stop, over: make(chan int, 1)}
	c := command(func(name string) string { return env[name] }, out, r)
	c.ExitErrHandler = func(context.Context, *cli.Command, error) {}
	go func() {
		err := c.Run(ctx, append([]string{"perf"}, args...))
		code := 0
		var exit cli.ExitCoder
		if errors.As(err, &exit) {
			code = exit.ExitCode()
		} else if err != nil {
			code = -1
		}
		out.Close()
		r.over <- code
	}()
	t.Cleanup(func() { // nothing is left, also when the test has failed
		stop()
		in.Close()
		if code, ok := <-r.over; ok {
			close(r.over)
			_ = code
		}
	})
	return r
}

// line is the next line of standard output.
func (r *running) line(t *testing.T) string {
	t.Helper()
	if !r.lines.Scan() {
		t.Fatalf("there is no line on standard output: %v\n%s", r.lines.Err(), r.said())
	}
	return r.lines.Text()
}

// rest is what comes on standard output until its end, and the exit code.
func (r *running) rest(t *testing.T) (lines []string, code int) {
	t.Helper()
	for r.lines.Scan() {
		lines = append(lines, r.lines.Text())
	}
	code = <-r.over
	close(r.over)
	return lines, code
}

// startRedis starts a Redis server of the test's own and returns its address.
func startRedis(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("redis-server", "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatalf("this test needs the program redis-server (apt-get install redis-server): %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	r := redis.NewClient(&redis.Options{Addr: addr, Protocol: 2, ContextTimeoutEnabled: true})
	defer r.Close()
	s := settings{redis: addr, patience: limit}
	if err := s.insist(t.Context(), "ping", func(ctx context.Context) error { return r.Ping(ctx).Err() }); err != nil {
		t.Fatal(err)
	}
	return addr
}
