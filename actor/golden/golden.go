package golden

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden traces with what the machines do now")

// A Step feeds one event line to a machine and returns the effects it caused, a
// line each, without indentation. It may call t.Fatal on a line it cannot read.
type Step func(t *testing.T, event string) []string

// Run runs every script that matches the glob pattern (testdata/*.txt) as a
// subtest named after its file, each on a fresh machine made by start. A
// pattern that matches nothing fails the test.
func Run(t *testing.T, pattern string, start func(t *testing.T) Step) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("no golden trace matches %s", pattern)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), filepath.Ext(file))
		t.Run(name, func(t *testing.T) {
			script, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			Document(t, file, replay(t, string(script), start(t)))
		})
	}
}

// Document checks that a file holds the text that a test has printed, a table of
// what a machine does for example, so that the file cannot say something else
// than the machine. With -update it writes the file instead.
func Document(t *testing.T, file, text string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(text, "\n")); diff != "" {
		t.Errorf("%s (-want +got; rewrite with -update):\n%s", file, diff)
	}
}

// replay runs a script and returns it with the effects that really came.
func replay(t *testing.T, script string, step Step) string {
	var out strings.Builder
	for line := range strings.Lines(script) {
		text := strings.TrimRight(line, "\n")
		switch {
		case strings.HasPrefix(text, "  >"):
			continue
		case text == "" || strings.HasPrefix(text, "#"):
			out.WriteString(text + "\n")
		default:
			out.WriteString(text + "\n")
			for _, effect := range step(t, text) {
				out.WriteString("  > " + effect + "\n")
			}
		}
	}
	return out.String()
}
