package pypeer

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/interop/bridge/install"
	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakePython puts a python3 into the path that is the shell script given, and
// gives the test a cache of its own.
func fakePython(t *testing.T, script string) {
	t.Helper()
	bin, home := t.TempDir(), t.TempDir()
	if script != "" {
		err := os.WriteFile(filepath.Join(bin, "python3"), []byte("#!/bin/sh\n"+script), 0o755)
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	t.Setenv("HOME", home)
	t.Setenv("XDG_CACHE_HOME", home)
}

// newer answers as Python 3.12 does, and fails at everything else.
const newer = `case "$1" in -c) echo 3.12.1 x86_64 /usr;; *) echo "No module named venv" >&2; exit 1;; esac`

func TestWhatIsMissingIsSaid(t *testing.T) {
	for name, c := range map[string]struct{ script, missing, text string }{
		"no Python":     {"", "python3", "executable file not found"},
		"an old Python": {"echo 3.10.2 x86_64 /usr", "python3", "is Python 3.10.2"},
		"not a Python":  {"exit 7", "python3", "exit status 7"},
		"no venv":       {newer, "venv", "No module named venv"},
		"no PyPI":       {withVenv, "its packages", "Could not fetch URL"},
	} {
		t.Run(name, func(t *testing.T) {
			fakePython(t, c.script)
			err := Install(t.Context(), nil)
			var not *install.Error
			if !errors.As(err, &not) || !errors.Is(err, talk.ErrNotInstalled) {
				t.Fatalf("the error is %v", err)
			}
			if not.Missing != c.missing || !strings.Contains(err.Error(), c.text) {
				t.Errorf("missing is %q, and the error %v", not.Missing, err)
			}
		})
	}
}

// withVenv answers as Python 3.12 does and makes an environment whose pip fails.
const withVenv = `case "$1" in
-c) echo 3.12.1 x86_64 /usr;;
*) /bin/mkdir -p "$3/bin"; echo '#!/bin/sh
echo "Could not fetch URL" >&2; exit 1' > "$3/bin/python"; /bin/chmod +x "$3/bin/python";;
esac`

func TestTheContextEndsAnInstallation(t *testing.T) {
	fakePython(t, newer)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Install(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
}

func TestTheMinorVersionIsRead(t *testing.T) {
	for text, want := range map[string]int{"3.11.7": 11, "3.9.0": 9, "3.14.0rc1": 14, "2.7.18": -1, "": -1, "3": -1, "3.x": -1} {
		got, ok := minorOf(text)
		if !ok {
			got = -1
		}
		if got != want {
			t.Errorf("%q is %d, should be %d", text, got, want)
		}
	}
}
