package jspeer

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/interop/bridge/install"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePrograms fills the path with shell scripts, by name, and gives the test a
// cache of its own. It returns the directory of the scripts.
func fakePrograms(t *testing.T, scripts map[string]string) string {
	t.Helper()
	bin, home := t.TempDir(), t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(bin, name), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
	return bin
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		scripts       map[string]string
		missing, text string
	}{
		"no npm":      {nil, "npm", "executable file not found"},
		"no registry": {map[string]string{"npm": "echo ENOTFOUND >&2; exit 1"}, "its packages", "ENOTFOUND"},
		"an old Node.js and none from npm": {
			map[string]string{"node": "echo v20.20.2", "npm": "exit 0"}, "Node.js", "no such file"},
		"a Node.js that does not run and none from npm": {
			map[string]string{"node": "exit 1", "npm": "exit 0"}, "Node.js", "no such file"},
	} {
		t.Run(name, func(t *testing.T) {
			fakePrograms(t, c.scripts)
			err := Install(t.Context(), nil)
			var not *install.Error
			if !errors.As(err, &not) || !errors.Is(err, talk.ErrNotInstalled) {
				t.Fatalf("the error is %v", err)
			}
			if not.Missing != c.missing || !strings.Contains(err.Error(), c.text) {
				t.Errorf("missing is %q, and the error %v", not.Missing, err)
			}
			if _, err := New(talk.Config{}); !errors.Is(err, talk.ErrNotInstalled) {
				t.Errorf("New says: %v", err)
			}
		})
	}
}

func TestANewNodeOfTheMachineIsUsed(t *testing.T) {
	bin := fakePrograms(t, map[string]string{"node": "echo v22.0.0", "npm": `echo "$@" >> npm-was-called; /bin/mkdir node_modules`})
	var first place
	for i := range 2 {
		at, err := prepare(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = at
		}
		if at != first || at.node != filepath.Join(bin, "node") {
			t.Errorf("time %d: it is at %+v", i+1, at)
		}
	}
	calls, err := os.ReadFile(filepath.Join(first.dir, "npm-was-called"))
	if err == nil {
		t.Errorf("the adapter's directory has the packages in it: %s", calls)
	}
	modules, err := os.Readlink(filepath.Join(first.dir, "node_modules"))
	if err != nil {
		t.Fatal(err)
	}
	calls, err = os.ReadFile(filepath.Join(filepath.Dir(modules), "npm-was-called"))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(calls); strings.Count(got, "\n") != 1 || !strings.Contains(got, "--omit=optional") || !strings.Contains(got, "--ignore-scripts") {
		t.Errorf("npm was called with %q", got)
	}
	for _, name := range []string{"peer.mjs", "host.mjs", "streams.mjs", "frames.mjs", "package.json"} {
		if _, err := os.Stat(filepath.Join(first.dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestTheContextEndsAnInstallation(t *testing.T) {
	fakePrograms(t, map[string]string{"npm": "exit 0"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Install(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestTheMajorVersionIsRead(t *testing.T) {
	for text, want := range map[string]int{"v24.13.0": 24, "v22.0.0": 22, "v8.1.2": 8, "": 0, "v": 0, "vx.1": 0} {
		if got := major(text); got != want {
			t.Errorf("%q is %d, should be %d", text, got, want)
		}
	}
}

func TestEveryReleaseIsPinned(t *testing.T) {
	read := func(name string, to any) {
		text, err := files.ReadFile(name)
		if err == nil {
			err = json.Unmarshal(text, to)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var asked struct{ Dependencies, OptionalDependencies map[string]string }
	var locked struct {
		Packages map[string]struct{ Version, Integrity, Resolved string }
	}
	read("package.json", &asked)
	read("package-lock.json", &locked)
	exact := regexp.MustCompile(`^\d+\.\d+\.\d+$`)
	for _, group := range []map[string]string{asked.Dependencies, asked.OptionalDependencies} {
		if len(group) == 0 {
			t.Error("package.json asks for nothing")
		}
		for name, version := range group {
			if got := locked.Packages["node_modules/"+name].Version; !exact.MatchString(version) || got != version {
				t.Errorf("%s: %q is asked for and %q is locked", name, version, got)
			}
		}
	}
	for name, p := range locked.Packages {
		if name != "" && p.Integrity == "" {
			t.Errorf("%s has no hash", name)
		}
		if p.Resolved != "" {
			t.Errorf("%s comes from %s and not from whatever registry npm is set up with", name, p.Resolved)
		}
	}
}
