package main

import (
	"bufio"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
)

// built says that builtDemo was asked for.
var built atomic.Bool

// builtDemo is the program as a user gets it, built once.
var builtDemo = sync.OnceValues(func() (string, error) {
	built.Store(true)
	dir, err := os.MkdirTemp("", "troupe-demo")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "demo")
	out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// process prepares to run the program.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := builtDemo()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = append(os.Environ(), "XDG_CONFIG_HOME="+t.TempDir(), "HOME="+t.TempDir())
	return cmd
}

// exitCodeOf runs a process to its end.
func exitCodeOf(t *testing.T, cmd *exec.Cmd) (code int, out, errOut string) {
	t.Helper()
	var o, e strings.Builder
	cmd.Stdout, cmd.Stderr = &o, &e
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), o.String(), e.String()
}

// until starts a process and reads its output up to a line with the given text.
// The rest is read by the returned function, which waits for the end.
func until(t *testing.T, cmd *exec.Cmd, text string) (line string, wait func() (code int, rest string)) {
	t.Helper()
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewReader(pipe)
	for !strings.Contains(line, text) {
		if line, err = lines.ReadString('\n'); err != nil {
			cmd.Wait()
			t.Fatalf("the process ended with %d before it said %q", cmd.ProcessState.ExitCode(), text)
		}
	}
	return line, func() (int, string) {
		rest, _ := io.ReadAll(lines)
		cmd.Wait()
		return cmd.ProcessState.ExitCode(), string(rest)
	}
}

func TestTheProgramEndsWithTheCodesThatHelpLists(t *testing.T) {
	n := startNode(t)
	n.put(t, "song", 100_000)
	dir := t.TempDir()
	for _, c := range []struct {
		code int
		args []string
	}{
		{exitOK, nil},
		{exitOK, []string{"--help"}},
		{exitOK, []string{"ls", n.addr}},
		{exitOK, []string{"get", "song", n.addr, "-o", dir}},
		{exitFailure, []string{"get", "song", n.addr, "-o", dir}},
		{exitUsage, []string{"bogus"}},
		{exitUnreachable, []string{"ls", "/ip4/127.0.0.1/tcp/1/p2p/" + stranger}},
		{exitRefused, []string{"get", "nothing", n.addr}},
	} {
		code, out, errOut := exitCodeOf(t, process(t, c.args...))
		if code != c.code || (code == exitOK) != (errOut == "") {
			t.Errorf("%q: exit code %d, want %d\n%s%s", c.args, code, c.code, out, errOut)
		}
		if strings.Contains(errOut, "main.") || strings.Contains(errOut, "*swarm.") || strings.Contains(errOut, "goroutine") {
			t.Errorf("%q names the program's insides: %q", c.args, errOut)
		}
	}
}

func TestCtrlCStopsANodeInOrderAndItsKeyStays(t *testing.T) {
	cmd := process(t, "node", "--listen", "/ip4/127.0.0.1/tcp/0")
	line, wait := until(t, cmd, "listens")
	addr := line[strings.Index(line, "/ip4"):]
	want(t, exitOK, "ping", strings.TrimSpace(addr), "-c", "1")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if code, rest := wait(); code != exitOK {
		t.Errorf("exit code %d\n%s", code, rest)
	}
	found := false
	for _, v := range cmd.Env {
		if dir, ok := strings.CutPrefix(v, "XDG_CONFIG_HOME="); ok {
			if info, err := os.Stat(filepath.Join(dir, "troupe", "key")); err == nil {
				found = true
				if info.Mode().Perm() != 0o600 {
					t.Errorf("the key file has mode %v", info.Mode())
				}
			}
		}
	}
	if !found {
		t.Error("the key is not among the settings")
	}
}

func TestCtrlCInAGetLeavesNoFileUnderItsName(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	sent := n.put(t, "song", 5_000_000)
	g := startGate(t, n.addr, gateCut{out: 2_000_000, stall: true})
	cmd := process(t, "--json", "get", "song", g.addr, "-o", dir)
	_, wait := until(t, cmd, `"event":"progress"`)
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	code, rest := wait()
	if code != exitInterrupted || !strings.Contains(rest, "are kept in") {
		t.Fatalf("exit code %d\n%s", code, rest)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != ".song.troupe-part" {
		t.Fatalf("the folder has %q", got)
	}
	code, out, errOut := exitCodeOf(t, process(t, "get", "song", n.addr, "-o", dir))
	if code != exitOK || !strings.Contains(out, "going on after") || content(t, dir, "song") != string(sent) {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
}

func TestAFullDiskEndsAGetAndWhatCameIsKept(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	sent := n.put(t, "song", 3_000_000)
	path, err := builtDemo()
	if err != nil {
		t.Fatal(err)
	}
	// A limit on the size of files, in blocks of 512 or 1024 bytes.
	cmd := exec.Command("sh", "-c", `ulimit -f 1000 && exec "$@"`, "sh", path, "get", "song", n.addr, "-o", dir)
	code, out, errOut := exitCodeOf(t, cmd)
	if code != exitFailure || !strings.Contains(errOut, "cannot write "+filepath.Join(dir, "song")) || !strings.Contains(errOut, "make room") {
		t.Fatalf("exit code %d\n%s%s", code, out, errOut)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != ".song.troupe-part" {
		t.Fatalf("the folder has %q", got)
	}
	out, _ = want(t, exitOK, "--json", "get", "song", n.addr, "-o", dir)
	if r := last(t, out); r["resumed_at"].(float64) < 500_000 || content(t, dir, "song") != string(sent) {
		t.Errorf("%v", r)
	}
}
