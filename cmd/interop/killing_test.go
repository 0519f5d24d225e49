package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// killings are the labels of the checks in which somebody is killed.
func killings() []string {
	return []string{"killed-listener-download", "killed-listener-upload", "killed-dialer-download", "killed-dialer-upload"}
}

func TestASurvivorThatMissesTheLossFails(t *testing.T) {
	for _, tt := range []struct {
		name, dialer, listener, check, reason string
	}{
		{"the dialer takes it for an end", implDeaf, implGo, "killed-listener-download", "the end came after"},
		{"the dialer does not notice", implNumb, implGo, "killed-listener-upload", "no answer within"},
		{"the listener takes it for an end", implGo, implDeaf, "killed-dialer-upload", `saw "end"`},
		{"the listener does not notice", implGo, implNumb, "killed-dialer-download", "no handler"},
		{"the dialer keeps the connection", implClings, implGo, "killed-listener-download", "still in the list"},
		{"the listener keeps the connection", implGo, implClings, "killed-dialer-upload", "still in the list"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := inCell(t, t.Context(), Cell{"plaintext", "mplex", tt.dialer, tt.listener}, tt.check, "ping")
			if diff := cmp.Diff([]Status{Failed, Passed, Passed}, statuses(got)); diff != "" {
				t.Fatalf("statuses (-want +got):\n%s\n%+v", diff, got)
			}
			if !strings.Contains(got[0].Reason, tt.reason) {
				t.Errorf("the reason %q does not say %q", got[0].Reason, tt.reason)
			}
		})
	}
}

func TestASurvivorThatEndsBadlyFails(t *testing.T) {
	cell := Cell{"plaintext", "mplex", implBadEnd, implGo}
	got := inCell(t, t.Context(), cell, "killed-listener-download")
	if diff := cmp.Diff([]Status{Passed, Failed}, statuses(got)); diff != "" || !strings.Contains(got[1].Reason, "ends badly") {
		t.Errorf("at the end of its cell: %+v", got)
	}
	got = inCell(t, t.Context(), cell, "killed-listener-download", "killed-dialer-upload")
	if diff := cmp.Diff([]Status{Passed, Failed, NotRun}, statuses(got)); diff != "" || !strings.Contains(got[1].Reason, "ends badly") {
		t.Errorf("before its side is killed: %+v", got)
	}
}

func TestOnlyAFreshProcessIsKilled(t *testing.T) {
	checks, err := checksOf(killings())
	if err != nil {
		t.Fatal(err)
	}
	s := matrix{limits: impatient()}.open(Cell{"plaintext", "mplex", implGo, implGo})
	defer s.close()
	var dialers, listeners []string
	for _, c := range checks {
		if r := s.check(t.Context(), c); r.Status != Passed {
			t.Fatalf("%+v", r)
		}
		dialers, listeners = append(dialers, s.dialer.ID), append(listeners, s.listener.ID)
	}
	same := func(ids []string) (pairs []bool) {
		for i := range ids[1:] {
			pairs = append(pairs, ids[i] == ids[i+1])
		}
		return pairs
	}
	if diff := cmp.Diff([]bool{true, false, false}, same(dialers)); diff != "" {
		t.Errorf("the dialer is the one before (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]bool{false, true, true}, same(listeners)); diff != "" {
		t.Errorf("the listener is the one before (-want +got):\n%s", diff)
	}
}

func TestAKillLeavesNothingBehind(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	for _, r := range inCell(t, t.Context(), Cell{"plaintext", "mplex", implTroupe, implGo}, killings()...) {
		if r.Status != Passed {
			t.Errorf("%+v", r)
		}
	}
	left, err := filepath.Glob(filepath.Join(temp, "*"))
	if err != nil {
		t.Fatal(err)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestAKillTakesTheWholeGroup(t *testing.T) {
	p, err := launch(t.Context(), ready{Impl: implFamily, Security: "plaintext", Muxer: "mplex"}, usualLimits(), nil)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	if err := p.killGroup(); err != nil {
		t.Fatal(err)
	}
	// The child has the peer's standard error: until it has ended, the peer has not.
	if took := time.Since(begin); took > p.cmd.WaitDelay {
		t.Errorf("the child lived on for %v", took)
	}
	if _, err := os.Stat(p.temp); !os.IsNotExist(err) {
		t.Errorf("its temporary directory: %v", err)
	}
}
