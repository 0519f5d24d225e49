package install

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// Error says why something could not be installed. It wraps Err and
// [talk.ErrNotInstalled].
type Error struct {
	What    string // what was to be installed: "py-libp2p 0.8.1"
	Missing string // what is not to be had: "python3", "the packages"
	Advice  string // what to do about it
	Err     error
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s is not installed here, because of %s (%s): %v", e.What, e.Missing, e.Advice, e.Err)
}

// Unwrap is Err, and [talk.ErrNotInstalled].
func (e *Error) Unwrap() []error { return []error{talk.ErrNotInstalled, e.Err} }

// Name makes a directory's name from a word and everything that decides what is
// in it.
func Name(word string, parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return word + "-" + hex.EncodeToString(h.Sum(nil)[:8])
}

// Once returns the directory of the cache with a name. If it is not there, build
// fills a new one, which has another name until it is complete. If another
// process is building it, Once waits, until ctx ends.
func Once(ctx context.Context, name string, build func(ctx context.Context, dir string) error) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(cache, "troupe-interop")
	done := filepath.Join(root, name)
	if isDir(done) {
		return done, nil
	}
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, done+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if isDir(done) {
		return done, nil // made by whoever had the lock
	}
	// Whoever made these was killed: they would hold the lock otherwise.
	left, err := filepath.Glob(done + ".new-*")
	if err != nil {
		return "", err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return "", err
		}
	}
	dir, err := os.MkdirTemp(root, name+".new-")
	if err != nil {
		return "", err
	}
	if err := build(ctx, dir); err != nil {
		return "", errors.Join(err, os.RemoveAll(dir))
	}
	return done, os.Rename(dir, done)
}

func isDir(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}

// lockInterval is how long the second of two processes waits before it looks at
// the lock again. What it waits for takes many seconds.
const lockInterval = 100 * time.Millisecond

// lock takes a lock that ends with the process, and waits for it until ctx ends.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), f.Close())
		}
		select {
		case <-time.After(lockInterval):
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("wait for %s: %w", name, context.Cause(ctx)), f.Close())
		}
	}
}

// Files writes embedded files to a directory of the cache that is named after
// their content, and returns the directory.
func Files(ctx context.Context, word string, files fs.FS) (string, error) {
	var parts []string
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		parts = append(parts, path, string(content))
		return err
	})
	if err != nil {
		return "", err
	}
	return Once(ctx, Name(word, parts...), func(_ context.Context, dir string) error {
		return os.CopyFS(dir, files)
	})
}

// Tell writes a line of progress to log, if that is not nil.
func Tell(log io.Writer, format string, args ...any) {
	if log != nil {
		fmt.Fprintf(log, format+"\n", args...)
	}
}
