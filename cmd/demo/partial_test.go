package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/troupe-p2p/troupe/actor"
)

// folder is an os.Root over a fresh folder.
func folder(t *testing.T) (*os.Root, string) {
	t.Helper()
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root, dir
}

func write(t *testing.T, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// names lists a folder, hidden files too.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func content(t *testing.T, dir, name string) string {
	t.Helper()
	p, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(p)
}

// asActor runs f in an actor.
func asActor(t *testing.T, f func(self *actor.Self)) {
	t.Helper()
	if err := actor.Run(context.Background(), "test", func(self *actor.Self) error { f(self); return nil }); err != nil {
		t.Fatal(err)
	}
}

func TestAFileGetsItsNameWhenItIsStored(t *testing.T) {
	root, dir := folder(t)
	p, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := errors.Join(p.write([]byte("la ")), p.write([]byte("la"))); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != ".song.troupe-part" {
		t.Fatalf("before: %q", got)
	}
	if p.sum() != sha256.Sum256([]byte("la la")) {
		t.Error("the running sum is wrong")
	}
	if err := p.store(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || got[0] != "song" || content(t, dir, "song") != "la la" {
		t.Errorf("after: %q", got)
	}
}

func TestAnExistingTargetIsNeverReplacedUnasked(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, "song", "mine")
	if _, err := openPartial(root, dir, "song", false); !errors.Is(err, fs.ErrExist) {
		t.Errorf("open: %v", err)
	}
	// It appears while the transfer runs.
	p, err := openPartial(root, dir, "other", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.write([]byte("theirs")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "other", "mine")
	var disk *diskError
	if err := p.store(); !errors.As(err, &disk) || disk.code() != refuseExists {
		t.Errorf("store: %v", err)
	}
	if got := content(t, dir, "other"); got != "mine" {
		t.Errorf("the target is now %q", got)
	}
	if got := content(t, dir, partName("other")); got != "theirs" {
		t.Errorf("what came is now %q", got)
	}
}

func TestAnExistingTargetIsReplacedAtOnceWhenAsked(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, "song", "old")
	p, err := openPartial(root, dir, "song", true)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.write([]byte("new")); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "song"); got != "old" {
		t.Errorf("too early: %q", got)
	}
	if err := p.store(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 1 || content(t, dir, "song") != "new" {
		t.Errorf("after: %q", got)
	}
}

func TestWhatIsThereIsLookedAtAndGoesOn(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, partName("song"), "la ")
	p, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	asActor(t, func(self *actor.Self) {
		n, sum, err := p.look(self, func(int64, int64) {})
		if n != 3 || sum != sha256.Sum256([]byte("la ")) || err != nil {
			t.Errorf("look: %d %v %v", n, sum, err)
		}
	})
	if err := errors.Join(p.write([]byte("li")), p.store()); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "song"); got != "la li" {
		t.Errorf("%q", got)
	}
}

func TestARestartForgetsWhatIsThere(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, partName("song"), "something long")
	p, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	asActor(t, func(self *actor.Self) {
		if _, _, err := p.look(self, func(int64, int64) {}); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(p.restart(), p.write([]byte("new")), p.store()); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, "song"); got != "new" || p.sum() != sha256.Sum256([]byte("new")) {
		t.Errorf("%q", got)
	}
}

func TestNothingIsKeptOfNothing(t *testing.T) {
	root, dir := folder(t)
	p, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	if err := p.keep(); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("left: %q", got)
	}
}

func TestTwoTransfersNeverWriteOneFile(t *testing.T) {
	root, dir := folder(t)
	first, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	var disk *diskError
	if _, err := openPartial(root, dir, "song", false); !errors.As(err, &disk) || disk.code() != refuseBusy {
		t.Errorf("the second: %v", err)
	}
	first.close()
	second, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatalf("after the first: %v", err)
	}
	second.close()
}

func TestPartialDataIsARegularFileOfTheFolder(t *testing.T) {
	root, dir := folder(t)
	outside := filepath.Join(t.TempDir(), "outside")
	write(t, filepath.Dir(outside), "outside", "mine")
	for name, target := range map[string]string{"a": outside, "b": "inside"} {
		if err := os.Symlink(target, filepath.Join(dir, partName(name))); err != nil {
			t.Fatal(err)
		}
		if p, err := openPartial(root, dir, name, false); err == nil {
			t.Errorf("%s: a symbolic link was opened", name)
			p.close()
		}
	}
	if got := content(t, filepath.Dir(outside), "outside"); got != "mine" {
		t.Errorf("the file outside is now %q", got)
	}
}

// fullDisk fails each write after the first few bytes.
type fullDisk struct {
	openFile
	left int
}

func (f *fullDisk) Write(p []byte) (int, error) {
	if len(p) <= f.left {
		f.left -= len(p)
		return f.openFile.Write(p)
	}
	n, _ := f.openFile.Write(p[:f.left])
	f.left = 0
	return n, &fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}
}

func TestAFullDiskSaysSoAndKeepsWhatCame(t *testing.T) {
	root, dir := folder(t)
	p, err := openPartial(root, dir, "song", false)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	p.file = &fullDisk{p.file, 4}
	if err := p.write([]byte("abc")); err != nil {
		t.Fatal(err)
	}
	err = p.write([]byte("def"))
	var disk *diskError
	if !errors.As(err, &disk) || disk.code() != refuseRoom {
		t.Fatalf("%v", err)
	}
	want := "cannot write " + filepath.Join(dir, "song") + ": no space left on device (make room on the disk and run the command again: what is here is kept)"
	if err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
	if err := p.keep(); err != nil {
		t.Fatal(err)
	}
	if got := content(t, dir, partName("song")); got != "abcd" || p.size != 4 || p.sum() != sha256.Sum256([]byte("abcd")) {
		t.Errorf("kept: %q", got)
	}
}

func TestASourceKnowsWhenItChanged(t *testing.T) {
	dir := t.TempDir()
	for name, change := range map[string]func(path string) error{
		"shorter": func(path string) error { return os.Truncate(path, 3) },
		"longer":  func(path string) error { return os.WriteFile(path, bytes.Repeat([]byte{1}, 99), 0o644) },
		"touched": func(path string) error { return os.Chtimes(path, dawn, dawn) },
	} {
		write(t, dir, name, "0123456789")
		s, err := openLocal(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if changed, err := s.changed(); changed || err != nil {
			t.Errorf("%s: before: %v %v", name, changed, err)
		}
		if err := change(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if changed, err := s.changed(); !changed || err != nil {
			t.Errorf("%s: after: %v %v", name, changed, err)
		}
		s.close()
	}
}

func TestPartialDataThatGotItsNameMeanwhileIsNotTakenOver(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, partName("song"), "la la")
	p := &partial{root: root, name: "song"}
	for what, change := range map[string]func() error{
		"stored": func() error { return root.Rename(partName("song"), "song") },
		"begun anew": func() error {
			write(t, dir, "other", "li")
			return root.Rename("other", partName("song"))
		},
	} {
		f, err := root.OpenFile(partName("song"), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := p.claim(f); !same || err != nil {
			t.Errorf("%s: before: %v %v", what, same, err)
		}
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if same, err := p.claim(f); same || err != nil {
			t.Errorf("%s: after: %v %v", what, same, err)
		}
		f.Close()
	}
}
