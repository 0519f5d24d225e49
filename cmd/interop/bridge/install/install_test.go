package install

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// cache gives the test a cache directory of its own and returns what Once makes
// its directories in.
func cache(t *testing.T) (root string) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home) // decides on macOS
	t.Setenv("XDG_CACHE_HOME", home)
	user, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(user, "troupe-interop")
}

// writes makes a build that writes a file and counts.
func writes(count *atomic.Int64) func(context.Context, string) error {
	return func(_ context.Context, dir string) error {
		count.Add(1)
		return os.WriteFile(filepath.Join(dir, "file"), []byte("whole"), 0o644)
	}
}

func TestADirectoryIsMadeOnce(t *testing.T) {
	root := cache(t)
	var count atomic.Int64
	for range 2 {
		dir, err := Once(t.Context(), "x-1", writes(&count))
		if err != nil {
			t.Fatal(err)
		}
		if dir != filepath.Join(root, "x-1") {
			t.Errorf("made %s", dir)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(got) != "whole" {
			t.Errorf("the file has %q: %v", got, err)
		}
	}
	if count.Load() != 1 {
		t.Errorf("built %d times", count.Load())
	}
}

func TestManyAtOnceMakeItOnce(t *testing.T) {
	cache(t)
	var count atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			dir, err := Once(t.Context(), "x-1", writes(&count))
			if err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(filepath.Join(dir, "file")); err != nil {
				t.Errorf("a directory was returned that is not whole: %v", err)
			}
		})
	}
	all.Wait()
	if count.Load() != 1 {
		t.Errorf("built %d times", count.Load())
	}
}

func TestAFailedBuildLeavesNothingAndIsTriedAgain(t *testing.T) {
	root := cache(t)
	broken := errors.New("broken")
	_, err := Once(t.Context(), "x-1", func(_ context.Context, dir string) error {
		return errors.Join(os.WriteFile(filepath.Join(dir, "half"), nil, 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Fatalf("the error is %v", err)
	}
	left, err := filepath.Glob(filepath.Join(root, "x-1*"))
	if err != nil || len(left) != 1 || filepath.Ext(left[0]) != ".lock" {
		t.Errorf("left behind: %v %v", left, err)
	}
	var count atomic.Int64
	if _, err := Once(t.Context(), "x-1", writes(&count)); err != nil || count.Load() != 1 {
		t.Errorf("built %d times afterwards: %v", count.Load(), err)
	}
}

func TestWhatAKilledMakerLeftIsRemoved(t *testing.T) {
	root := cache(t)
	half := filepath.Join(root, "x-1.new-17")
	if err := os.MkdirAll(half, 0o755); err != nil {
		t.Fatal(err)
	}
	var count atomic.Int64
	if _, err := Once(t.Context(), "x-1", writes(&count)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the half directory is still there: %v", err)
	}
}

func TestWaitingForAnotherMakerEndsWithTheContext(t *testing.T) {
	cache(t)
	gone := errors.New("gone")
	var count atomic.Int64
	_, err := Once(t.Context(), "x-1", func(_ context.Context, dir string) error {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(gone)
		_, err := Once(ctx, "x-1", writes(&count)) // the outer one has the lock
		return err
	})
	if !errors.Is(err, gone) || count.Load() != 0 {
		t.Errorf("built %d times, and then: %v", count.Load(), err)
	}
}

func TestFilesHaveADirectoryForEachContent(t *testing.T) {
	cache(t)
	put := func(content string) string {
		dir, err := Files(t.Context(), "files", fstest.MapFS{"a/b.txt": {Data: []byte(content)}})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(filepath.Join(dir, "a", "b.txt")); err != nil || string(got) != content {
			t.Errorf("the file has %q: %v", got, err)
		}
		return dir
	}
	if one, two := put("one"), put("two"); one == two || one != put("one") {
		t.Errorf("the directories are %s and %s", one, two)
	}
}

func TestANameDependsOnEveryPart(t *testing.T) {
	names := map[string]bool{}
	for _, parts := range [][]string{{}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"", "abc"}} {
		names[Name("x", parts...)] = true
	}
	if len(names) != 5 {
		t.Errorf("5 lists of parts have %d names: %v", len(names), names)
	}
}

func TestAFailedProgramIsQuotedInTheError(t *testing.T) {
	var log bytes.Buffer
	err := Run(t.Context(), t.TempDir(), &log, "sh", "-c", "echo why >&2; exit 3")
	if err == nil || !strings.Contains(err.Error(), "and wrote: why") || log.String() != "why\n" {
		t.Errorf("the error is %v, the log %q", err, log.String())
	}
	if _, err := Output(t.Context(), "sh", "-c", "echo why >&2; exit 3"); err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("the error is %v", err)
	}
	if got, err := Output(t.Context(), "sh", "-c", "echo this"); err != nil || got != "this" {
		t.Errorf("the output is %q: %v", got, err)
	}
}

func TestTheEndOfAContextEndsAProgram(t *testing.T) {
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if err := Run(ctx, t.TempDir(), nil, "sleep", "1000"); !errors.Is(err, gone) {
		t.Errorf("the error is %v", err)
	}
}

func TestAnErrorSaysThatSomethingIsNotInstalled(t *testing.T) {
	cause := errors.New("not in the path")
	var err error = &Error{What: "py-libp2p", Missing: "python3", Advice: "install it", Err: cause}
	if !errors.Is(err, talk.ErrNotInstalled) || !errors.Is(err, cause) {
		t.Errorf("%v wraps neither", err)
	}
}
