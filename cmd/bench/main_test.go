package main

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// TestMain is also the program: a runner starts copies of the test binary.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "drive") {
		os.Exit(program(context.Background(), append(contenders(), broken()...), os.Args))
	}
	goleak.VerifyTestMain(m)
}

// Contenders that fail.
const (
	deaf     = "deaf"     // cannot listen
	crashing = "crashing" // panics when it dials
	hanging  = "hanging"  // never has a connection
)

func broken() []peer.Contender {
	listen := func(context.Context) (peer.Listener, error) { return nowhere{}, nil }
	dial := func(f func() (peer.Session, error)) func(context.Context) (peer.Dialer, error) {
		return func(context.Context) (peer.Dialer, error) { return dialFunc(f), nil }
	}
	return []peer.Contender{
		{Name: deaf, Listen: func(context.Context) (peer.Listener, error) { return nil, errors.New("it has no ears") }},
		{Name: crashing, Listen: listen, Dialer: dial(func() (peer.Session, error) { panic("it fell") })},
		{Name: hanging, Listen: listen, Dialer: dial(func() (peer.Session, error) { select {} })},
	}
}

type nowhere struct{}

func (nowhere) Addr() string { return net.IPv4zero.String() }
func (nowhere) Close() error { return nil }

type dialFunc func() (peer.Session, error)

func (f dialFunc) Dial(context.Context, string) (peer.Session, error) { return f() }
func (dialFunc) Close() error                                         { return nil }

func run(t *testing.T, args ...string) int {
	t.Helper()
	return program(t.Context(), contenders(), append([]string{"bench"}, args...))
}

func TestAWrongCommandLineIsSaidToBeWrong(t *testing.T) {
	for _, args := range [][]string{
		{"walk"}, {"run", "--rows", "("}, {"run", "--rows", "no such row"}, {"run", "--rounds", "0"}, {"run", "--time", "0s"},
		{"run", "fast"}, {"run", "--fast"}, {"compare", "one.json"}, {"plot"}, {"serve", "nobody"}, {"drive", rawTCP, "here", "{"},
	} {
		if code := run(t, args...); code != exitUsage {
			t.Errorf("bench %q: exit code %d", args, code)
		}
	}
}

func TestAFileThatIsNotThereIsNoUsageError(t *testing.T) {
	missing := t.TempDir() + "/missing.json"
	for _, args := range [][]string{{"compare", missing, missing}, {"plot", "--markdown", t.TempDir() + "/page.md", missing}} {
		if code := run(t, args...); code != exitFailed {
			t.Errorf("bench %q: exit code %d", args, code)
		}
	}
}

func TestListNamesTheRowsAndTheirBars(t *testing.T) {
	var b strings.Builder
	if err := list(&b); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows() {
		if !strings.Contains(b.String(), r.Name) {
			t.Errorf("%s is not in the list", r.Name)
		}
	}
	if n := strings.Count(b.String(), "bar: "); n != 54 {
		t.Errorf("the list has %d bars", n)
	}
}
