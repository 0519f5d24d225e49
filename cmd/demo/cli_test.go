package main

import (
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// strangers is an ID that nobody has.
const stranger = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

func TestACommandLineThatMakesNoSenseIsAUsageError(t *testing.T) {
	for _, args := range [][]string{
		{"bogus"}, {"--bogus"}, {"get"}, {"get", "a"}, {"get", "a", "b", "c"}, {"ls", "--count", "3", "x"},
		{"ls", "/ip4/127.0.0.1/tcp/1"}, {"ls", stranger}, {"ls", "/p2p/" + stranger}, {"ls", "nonsense"},
		{"ping", "/ip4/127.0.0.1/tcp/1/p2p/" + stranger, "-c", "x"}, {"ping", "/ip4/127.0.0.1/tcp/1/p2p/" + stranger, "-c", "-1"},
		{"get", "../x", "/ip4/127.0.0.1/tcp/1/p2p/" + stranger}, {"get", "a", "/ip4/127.0.0.1/tcp/1/p2p/" + stranger, "--retries"},
		{"node", "extra"}, {"node", "--allow-receive"}, {"node", "--receive-limit", "many"}, {"id", "extra"},
		{"sim"}, {"sim", "nonsense"}, {"sim", "file", "--seeds", "0"}, {"sim", "file", "--seeds", "2", "--tree"}, {"sim", "--show", "nonsense"},
		{"node", "--listen", "nonsense", "--key", filepath.Join(t.TempDir(), "key")},
	} {
		out, errOut := want(t, exitUsage, args...)
		if out != "" || !strings.HasPrefix(errOut, "error: ") || strings.Contains(errOut, "strconv") {
			t.Errorf("%q: %q, %q", args, out, errOut)
		}
		out, errOut = want(t, exitUsage, append([]string{"--json"}, args...)...)
		if r := last(t, out); r["event"] != "error" || r["exit"] != float64(exitUsage) || errOut != "" {
			t.Errorf("--json %q: %q, %q", args, out, errOut)
		}
	}
}

func TestHelpHasExamplesAndTheExitCodes(t *testing.T) {
	for _, args := range [][]string{{}, {"node"}, {"ping"}, {"ls"}, {"get"}, {"send"}, {"limits"}, {"id"}, {"sim"}} {
		out, _ := want(t, exitOK, append(args, "--help")...)
		for _, text := range []string{"Usage:", "Options:", "130", "  demo " + strings.Join(args, " ")} {
			if !strings.Contains(out, text) {
				t.Errorf("demo %s --help does not say %q", strings.Join(args, " "), text)
			}
		}
		for line := range strings.Lines(out) {
			if n := utf8.RuneCountInString(strings.TrimRight(line, "\n")); n > 80 {
				t.Errorf("demo %s --help: %d characters: %q", strings.Join(args, " "), n, line)
			}
		}
	}
}

func TestAPeerThatCannotBeReachedSaysWhereAndWhatToDo(t *testing.T) {
	n := startNode(t)
	g := startGate(t, n.addr)
	g.close() // nobody listens there any more
	for _, args := range [][]string{
		{"ls", g.addr}, {"ping", g.addr}, {"get", "a", g.addr, "-o", t.TempDir()}, {"send", "main.go", g.addr},
	} {
		_, errOut := want(t, exitUnreachable, args...)
		if where, _, _ := strings.Cut(g.addr, "/p2p/"); !strings.Contains(errOut, where) || !strings.Contains(errOut, "is the node running") {
			t.Errorf("%q: %q", args[0], errOut)
		}
	}
	where, _, _ := strings.Cut(n.addr, "/p2p/")
	if _, errOut := want(t, exitUnreachable, "ls", where+"/p2p/"+stranger); !strings.Contains(errOut, "is the address right") {
		t.Errorf("somebody else: %q", errOut)
	}
	if _, errOut := want(t, exitUnreachable, "ls", "/ip4/127.0.0.1/udp/1/quic-v1/p2p/"+stranger); !strings.Contains(errOut, "transports") {
		t.Errorf("an address for other transports: %q", errOut)
	}
}

func TestANodeThatSharesNothingSaysHowToShare(t *testing.T) {
	ctx := t.Context()
	bob := plainHost(t, ctx)
	for _, args := range [][]string{{"ls", bob}, {"get", "a", bob, "-o", t.TempDir()}, {"send", "main.go", bob}} {
		if _, errOut := want(t, exitRefused, args...); !strings.Contains(errOut, "--share DIR") {
			t.Errorf("%q: %q", args[0], errOut)
		}
	}
}

func TestLsListsWhatIsSharedInOrder(t *testing.T) {
	n := startNode(t)
	want(t, exitOK, "ls", n.addr)
	n.put(t, "b", 2)
	n.put(t, "a", 1_500_000)
	n.put(t, ".c", 3)
	out, _ := want(t, exitOK, "ls", n.addr)
	if out != "    1.5 MB  a\n       2 B  b\n2 files, 1.5 MB\n" {
		t.Errorf("%q", out)
	}
	out, _ = want(t, exitOK, "--json", "ls", n.addr)
	all := objects(t, out)
	if len(all) != 3 || all[0]["name"] != "a" || all[1]["size"] != float64(2) || all[2]["files"] != float64(2) {
		t.Errorf("%v", all)
	}
}

func TestPingCountsAnswers(t *testing.T) {
	n := startNode(t)
	out, _ := want(t, exitOK, "ping", n.addr, "-c", "3", "-i", "1ms")
	if !strings.Contains(out, "3 of 3 pings answered; least ") || strings.Count(out, "\n") != 5 {
		t.Errorf("%q", out)
	}
	out, _ = want(t, exitOK, "ping", "--json", n.addr, "-c", "2", "-i", "0s")
	if r := last(t, out); r["sent"] != float64(2) || r["answered"] != float64(2) || r["mean_seconds"].(float64) <= 0 {
		t.Errorf("%v", r)
	}
}

func TestPingWithoutEndEndsWellOnCtrlC(t *testing.T) {
	n := startNode(t)
	code, out := demoUntil(`"ping":3`, "ping", n.addr, "-c", "0", "-i", "1ms")
	if r := last(t, out); code != exitOK || r["event"] != "result" || r["answered"].(float64) < 3 {
		t.Errorf("%d, %v", code, r)
	}
	if code, _ := demoUntil(`"ping":3`, "ping", n.addr, "-c", "1000000", "-i", "1ms"); code != exitInterrupted {
		t.Errorf("with a count: %d", code)
	}
}

func TestIDMakesAKeyWhenAskedOnly(t *testing.T) {
	key := filepath.Join(t.TempDir(), "sub", "key")
	if _, errOut := want(t, exitFailure, "id", "--key", key); !strings.Contains(errOut, "--create") {
		t.Errorf("%q", errOut)
	}
	made, errOut := want(t, exitOK, "id", "--key", key, "--create")
	if !strings.Contains(errOut, key) || !strings.HasPrefix(made, "12D3KooW") {
		t.Errorf("%q, %q", made, errOut)
	}
	if again, _ := want(t, exitOK, "id", "--key", key); again != made {
		t.Errorf("%q, and again %q", made, again)
	}
	out, _ := want(t, exitOK, "--json", "id", "--key", key)
	if r := last(t, out); r["id"].(string)+"\n" != made || r["created"] != false {
		t.Errorf("%v", r)
	}
}

func TestANodeKeepsItsIdentity(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	first := startNode(t, "--key", key)
	first.stop()
	second := startNode(t, "--key", key)
	if a, b := first.addr[strings.Index(first.addr, "/p2p/"):], second.addr[strings.Index(second.addr, "/p2p/"):]; a != b {
		t.Errorf("%s, and again %s", a, b)
	}
	if _, errOut := want(t, exitFailure, "node", "--key", key, "--forget", "--listen", strings.Split(second.addr, "/p2p/")[0]); !strings.Contains(errOut, "choose another port") {
		t.Errorf("%q", errOut)
	}
}
