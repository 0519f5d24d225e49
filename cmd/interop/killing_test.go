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
	got := inCell(t, t.Context(), Cell{"plaintext", "mplex", implBadEnd, implGo}, killings()[0])
	if got[0].Status != Failed || !strings.Contains(got[0].Reason, "ends badly") {
		t.Errorf("%+v", got[0])
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
