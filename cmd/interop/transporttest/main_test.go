package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

// implVariable makes the test binary the program, with one of the
// implementations.
const implVariable = "TRANSPORTTEST_IMPLEMENTATION"

// The implementations.
const (
	implTroupe = "troupe"
	implGo     = "go-libp2p"
)

func TestMain(m *testing.M) {
	start := startTroupe
	switch os.Getenv(implVariable) {
	case "":
		redis.SetLogger(redisLog{log.New(io.Discard, "", 0)})
		goleak.VerifyTestMain(m)
		return
	case implGo:
		start = startGo
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(program(ctx, start, os.Getenv, os.Args[1:], os.Stdout, os.Stderr))
}

// variables are the harness's, as NAME=VALUE.
type variables []string

// olderForm and newerForm are what the harness sets, as far as it is the same
// for dialer and listener. Loopback is the one address of the machine that
// go-libp2p's side listens at.
func olderForm(redis, security, muxer string) variables {
	return variables{"transport=tcp", "security=" + security, "muxer=" + muxer, "ip=127.0.0.1", "redis_addr=" + redis, "test_timeout_seconds=60"}
}

func newerForm(redis, security, muxer string) variables {
	return variables{"TRANSPORT=tcp", "SECURE_CHANNEL=" + security, "MUXER=" + muxer, "LISTENER_IP=127.0.0.1", "REDIS_ADDR=" + redis,
		"TEST_KEY=a5b50d5e", "TEST_TIMEOUT_SECS=60", "DEBUG=false"}
}

// dialer and listener add the role, in the form that the others are in.
func (v variables) dialer() variables   { return v.role("true") }
func (v variables) listener() variables { return v.role("false") }

func (v variables) role(isDialer string) variables {
	name := "IS_DIALER"
	if strings.HasPrefix(v[0], "transport=") {
		name = "is_dialer"
	}
	return v.with(name + "=" + isDialer)
}

// with sets variables anew.
func (v variables) with(settings ...string) variables {
	var out variables
	for _, old := range v {
		name, _, _ := strings.Cut(old, "=")
		if !(variables(settings)).has(name) {
			out = append(out, old)
		}
	}
	return append(out, settings...)
}

func (v variables) has(name string) bool {
	for _, s := range v {
		if n, _, _ := strings.Cut(s, "="); n == name {
			return true
		}
	}
	return false
}

// process is one run of the program.
type process struct {
	cmd            *exec.Cmd
	stdout, stderr watched
	ended          bool
}

// launch starts the program with an implementation, with the variables given and
// no others. It is killed when the test ends.
func launch(t *testing.T, impl string, env variables, args ...string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	p := &process{cmd: exec.CommandContext(ctx, self, args...)}
	p.cmd.Env = env.with(implVariable + "=" + impl)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	if err := p.cmd.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		if !p.ended {
			_ = p.cmd.Wait() // killed
		}
		if t.Failed() {
			t.Logf("%s with %q:\nstdout:\n%s\nstderr:\n%s", impl, env, p.stdout.String(), p.stderr.String())
		}
	})
	return p
}

// wait returns the exit code.
func (p *process) wait(t *testing.T) int {
	t.Helper()
	err := p.cmd.Wait()
	p.ended = true
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.cmd.ProcessState.ExitCode()
}

// stop asks the program to end, as docker does, and returns the exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return p.wait(t)
}

// fails waits and expects an exit code, nothing on standard output, and parts of
// a sentence on standard error.
func (p *process) fails(t *testing.T, want int, parts ...string) {
	t.Helper()
	if code := p.wait(t); code != want {
		t.Errorf("exit code %d, want %d", code, want)
	}
	p.failed(t, parts...)
}

func (p *process) failed(t *testing.T, parts ...string) {
	t.Helper()
	if out := p.stdout.String(); out != "" {
		t.Errorf("standard output has %q", out)
	}
	p.tidy(t)
	for _, part := range parts {
		if text := p.stderr.String(); !strings.Contains(text, part) {
			t.Errorf("standard error does not say %q:\n%s", part, text)
		}
	}
}

// tidy expects the prefix on every line of standard error.
func (p *process) tidy(t *testing.T) {
	t.Helper()
	for line := range strings.Lines(p.stderr.String()) {
		if !strings.HasPrefix(line, prefix) {
			t.Errorf("standard error has the line %q", line)
		}
	}
}

// watched collects an output. The zero value is ready.
type watched struct {
	mu      sync.Mutex
	text    bytes.Buffer
	changed chan struct{} // closed when more has come
}

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.changed != nil {
		close(w.changed)
		w.changed = nil
	}
	return w.text.Write(b)
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// await waits until the output has a text.
func (w *watched) await(t *testing.T, part string) {
	t.Helper()
	patience := time.NewTimer(time.Minute)
	defer patience.Stop()
	for {
		w.mu.Lock()
		if strings.Contains(w.text.String(), part) {
			w.mu.Unlock()
			return
		}
		if w.changed == nil {
			w.changed = make(chan struct{})
		}
		changed := w.changed
		w.mu.Unlock()
		select {
		case <-changed:
		case <-patience.C:
			t.Fatalf("nobody says %q", part)
		}
	}
}
