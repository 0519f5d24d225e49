package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

func TestOneThatCannotBeInstalledDoesNotKeepTheOthersFromIt(t *testing.T) {
	var log strings.Builder
	install := func(_ context.Context, impl string, _ io.Writer) error {
		if impl == "b" {
			return talk.ErrNotInstalled
		}
		return nil
	}
	err := installAll(t.Context(), []string{"a", "b", "c"}, install, &log)
	if !errors.Is(err, talk.ErrNotInstalled) || !strings.Contains(err.Error(), "install b") {
		t.Errorf("the error is %v", err)
	}
	if diff := cmp.Diff("a is ready\nc is ready\n", log.String()); diff != "" {
		t.Errorf("the log (-want +got):\n%s", diff)
	}
}

func TestOnlyWhatExistsCanBeInstalled(t *testing.T) {
	for args, want := range map[string]int{"install nonsense": exitUsage, "install --nonsense": exitUsage, "install go": 0} {
		if got := program(t.Context(), startForTests, append([]string{"interop"}, strings.Fields(args)...)); got != want {
			t.Errorf("interop %s: exit code %d, want %d", args, got, want)
		}
	}
}
