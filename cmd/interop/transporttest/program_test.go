package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// fakeNode is a node that does everything at once, and may not end well.
type fakeNode struct{ end error }

func (n fakeNode) Addrs() []string                                      { return nil }
func (n fakeNode) Connect(context.Context, peer.Info) error             { return nil }
func (n fakeNode) Close() error                                         { return n.end }
func (n fakeNode) Ping(context.Context, peer.ID) (time.Duration, error) { return time.Millisecond, nil }

// inProcess runs the program as a dialer with a node, and a listener's address in
// Redis.
func inProcess(t *testing.T, n node, startErr error) (code int, stdout, stderr string) {
	t.Helper()
	redis := startRedis(t)
	const addr = "/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	if err := inRedis(t, redis, "listenerAddr").publish(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	start := func(context.Context, settings) (node, error) { return n, startErr }
	var out, log bytes.Buffer
	code = program(t.Context(), start, olderForm(redis, noise, yamux).dialer().lookUp(), nil, &out, &log)
	return code, out.String(), log.String()
}

func TestAHostThatDoesNotStopInGoodOrderFailsTheTest(t *testing.T) {
	if code, out, _ := inProcess(t, fakeNode{}, nil); code != 0 || !strings.HasPrefix(out, `{"handshakePlusOneRTTMillis":`) {
		t.Errorf("a host that does: exit code %d, result %q", code, out)
	}
	code, out, log := inProcess(t, fakeNode{end: errors.New("an actor has not stopped")}, nil)
	if code != exitFailed || out != "" || !strings.Contains(log, "stop in good order: an actor has not stopped") {
		t.Errorf("a host that does not: exit code %d, result %q, log:\n%s", code, out, log)
	}
}

func TestEveryLineOfAnErrorHasThePrefix(t *testing.T) {
	code, _, log := inProcess(t, nil, errors.Join(errors.New("one"), errors.New("[two")))
	if want := prefix + "start a libp2p host: one\n" + prefix + "[two\n"; code != exitFailed || log != want {
		t.Errorf("exit code %d, log:\n%swant:\n%s", code, log, want)
	}
}

func TestDebugShowsTheTreeOfARunningHost(t *testing.T) {
	listener := launch(t, implTroupe, newerForm(startRedis(t), noise, yamux).listener().with("DEBUG=true"))
	listener.stderr.await(t, "listening at")
	expectGoodEnd(t, listener)
	for _, part := range []string{"security noise, muxer yamux", "running, peer 12D3", "├─ listen-/ip4/127.0.0.1/tcp/0  accepting"} {
		if !strings.Contains(listener.stderr.String(), part) {
			t.Errorf("it does not show %q:\n%s", part, listener.stderr.String())
		}
	}
}
