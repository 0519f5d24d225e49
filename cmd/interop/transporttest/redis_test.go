package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
)

// startRedis starts a Redis server of the test's own, in a folder of its own, and
// stops it with the test. It returns the server's address.
func startRedis(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatalf("this test starts a Redis server and needs the program redis-server: install it with %q, or as your system does it: %v", "apt-get install redis-server", err)
	}
	var problem error
	for range 5 { // another program may take the free port first
		addr := net.JoinHostPort("127.0.0.1", freePort(t))
		if problem = tryRedis(t, path, addr); problem == nil {
			return addr
		}
	}
	t.Fatal(problem)
	return ""
}

func tryRedis(t *testing.T, path, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	var out watched
	cmd := exec.Command(path, "--bind", "127.0.0.1", "--port", port, "--save", "", "--appendonly", "no", "--daemonize", "no", "--dir", t.TempDir())
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		return err
	}
	// Its end ends the wait for its first answer.
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		cancel(errors.Join(errors.New("redis-server has ended"), cmd.Wait()))
	}()
	stop := func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		<-gone
	}
	m, err := meet(ctx, addr, "")
	if err != nil {
		stop()
		return fmt.Errorf("%w: %s", err, out.String())
	}
	t.Cleanup(stop)
	return m.close()
}

// freePort is a port of the loopback interface that nobody listens at now.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := l.Addr().(*net.TCPAddr).Port
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(port)
}

// inRedis gives access to a key, as the program has it.
func inRedis(t *testing.T, addr, key string) *meeting {
	t.Helper()
	m, err := meet(t.Context(), addr, key)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.close(); err != nil {
			t.Error(err)
		}
	})
	return m
}
