package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// impatient has short times for peers that are known to hang.
func impatient() limits {
	l := usualLimits()
	l.grace, l.stop = 200*time.Millisecond, 5*time.Second
	return l
}

// inCell runs some checks in one cell and returns what came of them.
func inCell(t *testing.T, ctx context.Context, cell Cell, labels ...string) []Result {
	t.Helper()
	checks, err := checksOf(labels)
	if err != nil {
		t.Fatal(err)
	}
	for i := range checks {
		if cell.Dialer == implHangs && checks[i].Name == "half-close" {
			checks[i].Limit = 100 * time.Millisecond
		}
	}
	return matrix{limits: impatient()}.run(ctx, cell, checks, silent()).Results
}

// silent is a progress that nobody sees.
func silent() progress { return &lineProgress{out: io.Discard} }

func statuses(results []Result) []Status {
	var all []Status
	for _, r := range results {
		all = append(all, r.Status)
	}
	return all
}

func TestAFaultyPeerFailsItsCheckAndNotTheNextOne(t *testing.T) {
	for _, tt := range []struct {
		name             string
		dialer, listener string
		reason           string // must be part of the reason
	}{
		{"a dialer that hangs", implHangs, implGo, "does not end"},
		{"a dialer that dies", implDies, implGo, lastWords},
		{"a dialer that babbles", implBabbles, implGo, "hello!"},
		{"a dialer that passes and loses the connection", implCutsLine, implGo, "echo afterwards"},
		{"a listener that crashes", implGo, implCrashes, lastWords},
		{"a listener that lies", implGo, implLiar, "the listener read"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			cell := Cell{"plaintext", "mplex", tt.dialer, tt.listener}
			results := inCell(t, t.Context(), cell, "echo-1B", "half-close", "echo-1B")
			if diff := cmp.Diff([]Status{Passed, Failed, Passed, Passed}, statuses(results)); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if !strings.Contains(results[1].Reason, tt.reason) {
				t.Errorf("the reason %q does not say %q", results[1].Reason, tt.reason)
			}
		})
	}
}

func TestAfterAFailureTheNextCheckHasFreshPeers(t *testing.T) {
	s := matrix{limits: impatient()}.open(Cell{"plaintext", "mplex", implGo, implGo})
	defer s.close()
	good, err := checksOf([]string{"close-first"})
	if err != nil {
		t.Fatal(err)
	}
	bad := good[0]
	bad.Ended = func(talk.Ending) error { return errors.New("planted") }
	if r := s.check(t.Context(), good[0]); r.Status != Passed {
		t.Fatalf("before: %+v", r)
	}
	first := s.dialer.ID
	if r := s.check(t.Context(), bad); r.Status != Failed {
		t.Fatalf("planted: %+v", r)
	}
	if r := s.check(t.Context(), good[0]); r.Status != Passed {
		t.Fatalf("after: %+v", r)
	}
	if s.dialer.ID == first {
		t.Error("the dialer is still the old one")
	}
}

func TestAPeerThatEndsBadlyFailsTheEndOfItsCell(t *testing.T) {
	for _, impl := range []string{implBadEnd, implNoEnd} {
		s := matrix{limits: impatient()}.open(Cell{"plaintext", "mplex", implGo, impl})
		s.limits.stop = 500 * time.Millisecond
		checks, err := checksOf([]string{"ping"})
		if err != nil {
			t.Fatal(err)
		}
		if r := s.check(t.Context(), checks[0]); r.Status != Passed {
			t.Fatalf("%s: %+v", impl, r)
		}
		if r := s.finish(); r.Status != Failed || !strings.Contains(r.Reason, impl) {
			t.Errorf("%s: %+v", impl, r)
		}
	}
}

func TestPeersThatDoNotStartFailOnceAndTheRestIsNotRun(t *testing.T) {
	results := inCell(t, t.Context(), Cell{"plaintext", "mplex", implGo, implNoStart}, "ping", "echo-1B", "echo-0B")
	if diff := cmp.Diff([]Status{Failed, NotRun, NotRun, NotRun}, statuses(results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
	for _, r := range results {
		if !strings.Contains(r.Reason, "this peer does not start") {
			t.Errorf("%s does not say why: %q", r.Check, r.Reason)
		}
	}
}

func TestWhatAnImplementationLacksIsNotRun(t *testing.T) {
	for _, cell := range []Cell{
		{"no such security", "mplex", implGo, implGo},
		{"noise", "no such muxer", implGo, implGo},
		{"noise", "mplex", "no such implementation", implGo},
	} {
		results := inCell(t, t.Context(), cell, "ping", "echo-1B")
		if diff := cmp.Diff([]Status{NotRun, NotRun, NotRun}, statuses(results)); diff != "" {
			t.Errorf("%s: statuses (-want +got):\n%s", cell, diff)
		}
		if results[0].Reason == "" {
			t.Errorf("%s: no reason", cell)
		}
	}
}

func TestWhatComesAfterAnInterruptIsNotRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results := inCell(t, ctx, Cell{"plaintext", "mplex", implGo, implGo}, "ping", "echo-1B")
	if diff := cmp.Diff([]Status{NotRun, NotRun, NotRun}, statuses(results)); diff != "" {
		t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func TestTheExitCodeSaysWhatHappened(t *testing.T) {
	for _, tt := range []struct {
		args string
		want int
	}{
		{"list", 0},
		{"nonsense", exitUsage},
		{"run --no-such-flag", exitUsage},
		{"run --check nonsense", exitUsage},
		{"run --pair nonsense", exitUsage},
		{"run --peer nonsense", exitUsage},
		{"peer --impl no-start", exitFailed},
		{"perf --transport quic-v1", exitUsage},
		{"run --security plaintext --pair go:go --check ping", 0},
		{"run --security plaintext --pair go:no-start --check ping", exitFailed},
	} {
		args := append([]string{"interop"}, strings.Fields(tt.args)...)
		if got := program(t.Context(), startForTests, args); got != tt.want {
			t.Errorf("interop %s: exit code %d, want %d", tt.args, got, tt.want)
		}
	}
}

func TestAPeerAnswersEveryLine(t *testing.T) {
	in := strings.NewReader(strings.Join([]string{
		`not json`,
		`{"do":"nonsense"}`,
		`{"do":"check","name":"nonsense"}`,
		`{"do":"connect","addr":"nonsense"}`,
		`{"do":"await","protocol":"/troupe/echo/1.0.0","limit_ms":1}`,
		`{"do":"quit"}`,
		`{"do":"nonsense, but nobody reads it"}`,
	}, "\n"))
	var out bytes.Buffer
	want := ready{Impl: implGo, Security: "plaintext", Muxer: "mplex"}
	if err := servePeer(t.Context(), startForTests, want, time.Second, in, &out); err != nil {
		t.Fatal(err)
	}
	said := json.NewDecoder(&out)
	var first ready
	if err := said.Decode(&first); err != nil {
		t.Fatal(err)
	}
	if first.ID == "" || len(first.Addrs) != 1 || !strings.HasSuffix(first.Addrs[0], "/p2p/"+first.ID) {
		t.Errorf("the first line is %+v", first)
	}
	replies := 0
	for said.More() {
		var r reply
		if err := said.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if r.OK || r.Reason == "" || r.Ending != nil {
			t.Errorf("reply %+v", r)
		}
		replies++
	}
	if replies != 5 {
		t.Errorf("%d replies, want 5", replies)
	}
}

func TestTwoPeersCanBeDrivenByHand(t *testing.T) {
	// As a person would: without targets and limits.
	l, err := launch(t.Context(), ready{Impl: implGo, Security: "noise", Muxer: "mplex"}, usualLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.stop(usualLimits().stop); err != nil {
			t.Error(err)
		}
	}()
	in := strings.NewReader(strings.Join([]string{
		`{"do":"connect","addr":"` + l.Addrs[0] + `"}`,
		`{"do":"check","name":"ping"}`,
		`{"do":"check","name":"echo","size":100000}`,
		`{"do":"disconnect"}`,
	}, "\n"))
	var out bytes.Buffer
	want := ready{Impl: implGo, Security: "noise", Muxer: "mplex"}
	if err := servePeer(t.Context(), startForTests, want, time.Second, in, &out); err != nil {
		t.Fatal(err)
	}
	said := json.NewDecoder(&out)
	if err := said.Decode(new(ready)); err != nil {
		t.Fatal(err)
	}
	for said.More() {
		var r reply
		if err := said.Decode(&r); err != nil {
			t.Fatal(err)
		}
		if !r.OK {
			t.Errorf("%s %s: %s", r.Do, r.Name, r.Reason)
		}
	}
}
