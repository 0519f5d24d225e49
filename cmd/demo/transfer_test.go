package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFilesOfAnySizeAreGotWhole(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	for _, size := range []int{0, 1, blockLimit, blockLimit + 1, 3_000_007} {
		name := fmt.Sprint("file-", size)
		sent := n.put(t, name, size)
		out, _ := want(t, exitOK, "--json", "get", name, n.addr, "-o", filepath.Join(dir, name))
		sum := sha256.Sum256(sent)
		if r := last(t, out); r["sha256"] != hex.EncodeToString(sum[:]) || r["size"] != float64(size) || r["event"] != "result" {
			t.Errorf("%s: %v", name, r)
		}
		if got := content(t, dir, name); got != string(sent) {
			t.Errorf("%s: %d bytes came, and not those that were sent", name, len(got))
		}
	}
	if got := names(t, dir); len(got) != 5 {
		t.Errorf("the folder has %q", got)
	}
}

func TestFilesOfAnySizeAreSentWhole(t *testing.T) {
	n, dir := startNode(t, "--allow-receive"), t.TempDir()
	for _, size := range []int{0, 1, blockLimit, blockLimit + 1, 3_000_007} {
		name, sent := fmt.Sprint("file-", size), randomBytes(size)
		write(t, dir, name, string(sent))
		out, _ := want(t, exitOK, "--json", "send", filepath.Join(dir, name), n.addr)
		if r := last(t, out); r["size"] != float64(size) {
			t.Errorf("%s: %v", name, r)
		}
		if got := content(t, n.dir, name); got != string(sent) {
			t.Errorf("%s: %d bytes came, and not those that were sent", name, len(got))
		}
		if e := n.event(t, "request"); e["request"] != "put" || e["name"] != name || e["end"] != "complete" {
			t.Errorf("%s: the node says %v", name, e)
		}
	}
	if got := names(t, n.dir); len(got) != 5 {
		t.Errorf("the folder has %q", got)
	}
}

func TestTheNodeHearsThatAFileHasArrived(t *testing.T) {
	n := startNode(t)
	n.put(t, "song", 300_000)
	want(t, exitOK, "get", "song", n.addr, "-o", filepath.Join(t.TempDir(), "x"))
	if e := n.event(t, "request"); e["request"] != "get" || e["end"] != "complete" || e["bytes"] != float64(300_000) {
		t.Errorf("%v", e)
	}
}

// retriesOf counts the objects that say that something is tried again.
func retriesOf(t *testing.T, out string) (n int) {
	for _, o := range objects(t, out) {
		if o["event"] == "retry" {
			n++
		}
	}
	return n
}

func TestGetGoesOnWhereTheConnectionBroke(t *testing.T) {
	const size = 4_000_000
	n := startNode(t)
	sent := n.put(t, "song", size)
	var g *gate
	var dir, out string
	throughGates(t, 3, func() *gate {
		dir = t.TempDir()
		g = startGate(t, n.addr, gateCut{out: 1_500_000}, gateCut{out: 800_000})
		out, _ = want(t, exitOK, "--json", "get", "song", g.addr, "-o", filepath.Join(dir, "song"))
		return g
	})
	r := last(t, out)
	if got := content(t, dir, "song"); got != string(sent) {
		t.Error("not what was sent")
	}
	if r["bytes_moved"] != float64(size) || retriesOf(t, out) != 2 {
		t.Errorf("%v bytes came in %d attempts, of a file of %d", r["bytes_moved"], 1+retriesOf(t, out), size)
	}
	if at := r["resumed_at"].(float64); at < 1_800_000 || at > 2_300_000 {
		t.Errorf("the last attempt began at %v", at)
	}
	// What the node sent again is what was on its way when the connection broke.
	total := int64(0)
	for i := range 3 {
		total += g.passed[i].out.Load()
	}
	if again := total - size; again > 200_000 {
		t.Errorf("%d bytes went over again", again)
	}
}

func TestSendGoesOnWhereTheConnectionBroke(t *testing.T) {
	const size = 4_000_000
	n, dir := startNode(t, "--allow-receive"), t.TempDir()
	write(t, dir, "song", string(randomBytes(size)))
	var g *gate
	var out string
	throughGates(t, 2, func() *gate {
		if err := os.RemoveAll(filepath.Join(n.dir, "song")); err != nil {
			t.Fatal(err)
		}
		g = startGate(t, n.addr, gateCut{in: 1_500_000})
		out, _ = want(t, exitOK, "--json", "send", filepath.Join(dir, "song"), g.addr)
		return g
	})
	r := last(t, out)
	if content(t, n.dir, "song") != content(t, dir, "song") || retriesOf(t, out) != 1 {
		t.Errorf("not what was sent, or in %d attempts", 1+retriesOf(t, out))
	}
	if at := r["resumed_at"].(float64); at < 1_000_000 || at > 1_500_000 {
		t.Errorf("the last attempt began at %v", at)
	}
	if second := g.passed[1].in.Load(); second > size-1_000_000 {
		t.Errorf("%d bytes went over the second connection", second)
	}
}

func TestAPeerThatDoesNotComeBackIsGivenUp(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	n.put(t, "song", 2_000_000)
	g := startGate(t, n.addr, gateCut{out: 1_000_000})
	out, _ := want(t, exitUnreachable, "--json", "get", "song", g.addr, "-o", filepath.Join(dir, "song"), "--retries", "0")
	r := last(t, out)
	if text := r["message"].(string); !strings.Contains(text, "did not come back") || !strings.Contains(text, "are kept in "+filepath.Join(dir, ".song.troupe-part")) {
		t.Errorf("%v", text)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != ".song.troupe-part" {
		t.Errorf("the folder has %q", got)
	}
	// The same command goes on.
	out, _ = want(t, exitOK, "--json", "get", "song", n.addr, "-o", filepath.Join(dir, "song"))
	if r := last(t, out); r["resumed_at"].(float64) < 800_000 {
		t.Errorf("%v", r)
	}
	if content(t, dir, "song") != content(t, n.dir, "song") {
		t.Error("not what was sent")
	}
}

func TestAChangedSourceBeginsAnew(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	n.put(t, "song", 2_000_000)
	g := startGate(t, n.addr, gateCut{out: 1_000_000})
	target := filepath.Join(dir, "song")
	want(t, exitUnreachable, "get", "song", g.addr, "-o", target, "--retries", "0")
	sent := n.put(t, "song", 2_000_001) // other bytes altogether
	out, _ := want(t, exitOK, "--json", "get", "song", n.addr, "-o", target)
	if r := last(t, out); r["resumed_at"] != float64(0) || r["bytes_moved"] != float64(len(sent)) {
		t.Errorf("%v", r)
	}
	if content(t, dir, "song") != string(sent) {
		t.Error("not what was sent")
	}
}

func TestASourceThatGrewGoesOn(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	first := n.put(t, "song", 2_000_000)
	g := startGate(t, n.addr, gateCut{out: 1_000_000})
	target := filepath.Join(dir, "song")
	want(t, exitUnreachable, "get", "song", g.addr, "-o", target, "--retries", "0")
	write(t, n.dir, "song", string(first)+"and more")
	out, _ := want(t, exitOK, "--json", "get", "song", n.addr, "-o", target)
	if r := last(t, out); r["resumed_at"].(float64) < 800_000 {
		t.Errorf("%v", r)
	}
	if content(t, dir, "song") != string(first)+"and more" {
		t.Error("not what was sent")
	}
}

func TestGetNeverReplacesATargetUnasked(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	sent := n.put(t, "song", 1000)
	write(t, dir, "song", "mine")
	_, errOut := want(t, exitFailure, "get", "song", n.addr, "-o", dir)
	if !strings.Contains(errOut, "--force") || content(t, dir, "song") != "mine" {
		t.Errorf("%q", errOut)
	}
	want(t, exitOK, "get", "song", n.addr, "-o", dir, "--force")
	if content(t, dir, "song") != string(sent) {
		t.Error("it was not replaced when asked")
	}
}

func TestTwoGetsOfOneTargetDoNotMix(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	n.put(t, "song", 1000)
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	other, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if _, errOut := want(t, exitFailure, "get", "song", n.addr, "-o", dir); !strings.Contains(errOut, "another transfer") {
		t.Errorf("%q", errOut)
	}
}

func TestCtrlCKeepsWhatCameAndTheSameCommandGoesOn(t *testing.T) {
	n, dir := startNode(t), t.TempDir()
	sent := n.put(t, "song", 3_000_000)
	g := startGate(t, n.addr, gateCut{out: 1_200_000, stall: true})
	target := filepath.Join(dir, "song")
	code, out := demoUntil(`"event":"progress"`, "get", "song", g.addr, "-o", target)
	if r := last(t, out); code != exitInterrupted || r["exit"] != float64(exitInterrupted) || !strings.Contains(r["message"].(string), "are kept in") {
		t.Fatalf("exit code %d, %v", code, r)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != ".song.troupe-part" {
		t.Fatalf("the folder has %q", got)
	}
	if part := content(t, dir, ".song.troupe-part"); len(part) == 0 || !bytes.HasPrefix(sent, []byte(part)) {
		t.Fatalf("%d bytes are kept", len(part))
	}
	out, _ = want(t, exitOK, "--json", "get", "song", n.addr, "-o", target)
	if r := last(t, out); r["resumed_at"] == float64(0) || content(t, dir, "song") != string(sent) {
		t.Errorf("%v", r)
	}
}

func TestCtrlCWhileSendingLeavesNoFileUnderItsName(t *testing.T) {
	n, dir := startNode(t, "--allow-receive"), t.TempDir()
	write(t, dir, "song", string(randomBytes(3_000_000)))
	g := startGate(t, n.addr, gateCut{in: 1_200_000, stall: true})
	code, out := demoUntil(`"event":"progress"`, "send", filepath.Join(dir, "song"), g.addr)
	if code != exitInterrupted {
		t.Errorf("exit code %d: %s", code, out)
	}
	g.close() // the node learns that the connection is gone
	if e := n.event(t, "request"); e["end"] == "complete" {
		t.Errorf("%v", e)
	}
	for _, name := range names(t, n.dir) {
		if name != ".song.troupe-part" {
			t.Errorf("the node's folder has %s", name)
		}
	}
}

func TestTheNodeRefusesWithAReason(t *testing.T) {
	n, closed := startNode(t, "--allow-receive", "--receive-limit", "1000"), startNode(t)
	dir := t.TempDir()
	n.put(t, "there", 10)
	write(t, dir, "there", "x")
	write(t, dir, "big", string(randomBytes(1001)))
	for _, c := range []struct {
		args []string
		code int
		text string
	}{
		{[]string{"get", "nothing", n.addr}, exitRefused, "no such file"},
		{[]string{"send", filepath.Join(dir, "there"), n.addr}, exitRefused, "overwrites none"},
		{[]string{"send", filepath.Join(dir, "big"), n.addr}, exitRefused, "no room"},
		{[]string{"send", filepath.Join(dir, "there"), closed.addr}, exitRefused, "--allow-receive"},
		{[]string{"send", filepath.Join(dir, "there"), n.addr, "--as", "a/b"}, exitUsage, "slash"},
		{[]string{"send", filepath.Join(dir, "there"), n.addr, "--as", ".x"}, exitUsage, "dot"},
		{[]string{"send", dir, n.addr}, exitUsage, "not a regular file"},
		{[]string{"send", filepath.Join(dir, "nothing"), n.addr}, exitFailure, "no such file"},
	} {
		if _, errOut := want(t, c.code, c.args...); !strings.Contains(errOut, c.text) || strings.Count(errOut, "\n") > 2 {
			t.Errorf("%q: %q", c.args[0], errOut)
		}
	}
	if got := names(t, n.dir); len(got) != 1 || content(t, n.dir, "there") != string(randomBytes(10)) {
		t.Errorf("the node's folder has %q", got)
	}
	// A good one still goes through.
	want(t, exitOK, "send", filepath.Join(dir, "there"), n.addr, "--as", "here")
	if content(t, n.dir, "here") != "x" {
		t.Error("it did not arrive")
	}
}
