package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a repository of a fixture in a folder of its own, and works
// inside it for the rest of the test, one folder down.
func write(t *testing.T, name string) string {
	t.Helper()
	dir := t.TempDir()
	for name, file := range readFixture(t, name).tree {
		full := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "docs"))
	return dir
}

func TestTheCommandPrintsFindingsAndFails(t *testing.T) {
	write(t, "testdata/dependencies/broken.txt")
	var stdout, stderr strings.Builder
	if code := run(nil, &stdout, &stderr); code != 1 {
		t.Errorf("exit code %d, want 1; stderr %q", code, &stderr)
	}
	const line = "a/a.go:4: dependencies: github.com/new/thing is not in docs/dependencies.txt"
	if !strings.Contains(stdout.String(), line) {
		t.Errorf("the output does not contain %q:\n%s", line, &stdout)
	}
}

func TestUpdateRewritesTheListAndKeepsItsComments(t *testing.T) {
	dir := write(t, "testdata/dependencies/broken.txt")
	var stdout, stderr strings.Builder
	run([]string{"-update"}, &stdout, &stderr)
	got, err := os.ReadFile(filepath.Join(dir, "docs", "dependencies.txt"))
	if err != nil {
		t.Fatal(err)
	}
	const want = `# The list.

# Why: ?
github.com/new/thing: a

# Why: ?
github.com/unasked/thing: a

# Ciphers.
# Two lines.
example.net/crypto: a b

# Addresses.
example.net/free: *

# In tests.
example.net/leak: tests
`
	if diff := cmp.Diff(sections(want), sections(string(got))); diff != "" {
		t.Errorf("the list (-want +got):\n%s", diff)
	}
	if !strings.Contains(stdout.String(), "say in a comment above the line why github.com/new/thing is worth having") {
		t.Errorf("a module without a reason was accepted:\n%s", &stdout)
	}
}

// sections cuts a list into its paragraphs, as a set.
func sections(list string) map[string]bool {
	set := map[string]bool{}
	for _, s := range strings.Split(strings.TrimSpace(list), "\n\n") {
		set[s] = true
	}
	return set
}

func TestTheCommandFailsOutsideAModuleAndOnAnUnknownFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	var stdout, stderr strings.Builder
	if code := run(nil, &stdout, &stderr); code != 2 {
		t.Errorf("exit code %d outside a module, want 2", code)
	}
	if code := run([]string{"-nonsense"}, &stdout, &stderr); code != 2 {
		t.Errorf("exit code %d for an unknown flag, want 2", code)
	}
}
