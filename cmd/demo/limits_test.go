package main

import (
	"strings"
	"testing"
)

func TestLimitsPrintsWhatABudgetComesTo(t *testing.T) {
	args := []string{"limits", "--memory", "64MiB", "--descriptors", "1024", "--set", "connections=12", "--set", "send-buffer=32KiB"}
	out, errOut := want(t, exitOK, args...)
	for _, text := range []string{"connections                           12", "(set)", "32.0 KiB", "together", "the budget", "64.0 MiB"} {
		if !strings.Contains(out, text) || errOut != "" {
			t.Errorf("%q is missing in\n%s%s", text, out, errOut)
		}
	}
	for line := range strings.Lines(out) {
		if n := len(strings.TrimRight(line, "\n")); n > 80 {
			t.Errorf("%d characters: %q", n, line)
		}
	}
	out, _ = want(t, exitOK, append([]string{"--json"}, args...)...)
	r := last(t, out)
	worst, _ := r["worst"].(map[string]any)
	sum := 0.0
	for _, c := range r["costs"].([]any) {
		sum += c.(map[string]any)["memory"].(float64)
	}
	if r["event"] != "result" || r["memory"] != float64(64<<20) || worst["memory"] != sum || sum > 64<<20 || worst["descriptors"].(float64) > 1024 {
		t.Errorf("got %v", r)
	}
}

func TestLimitsThatCannotBeAreUsageErrorsThatSayWhy(t *testing.T) {
	for text, args := range map[string][]string{
		"is too small":           {"--memory", "1MiB"},
		"descriptors are needed": {"--descriptors", "3"},
		"there is no such limit": {"--set", "nonsense=5"},
		"write it like":          {"--set", "connections"},
		"no number of bytes":     {"--memory", "much"},
	} {
		if _, errOut := want(t, exitUsage, append([]string{"limits"}, args...)...); !strings.Contains(errOut, text) {
			t.Errorf("%q: %q", args, errOut)
		}
	}
}
