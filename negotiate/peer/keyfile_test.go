package peer

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// names lists a folder.
func names(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, e := range entries {
		out = append(out, e.Name())
	}
	return out
}

func TestASavedKeyLoadsAgain(t *testing.T) {
	for _, key := range testKeys(t) {
		folder := t.TempDir()
		path := filepath.Join(folder, "key")
		if err := SaveKey(path, key); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(key.Marshal(), data); diff != "" {
			t.Errorf("the file is not the protobuf: %s", diff)
		}
		back, err := LoadKey(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(key.Marshal(), back.Marshal()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"key"}, names(t, folder)); diff != "" {
			t.Errorf("left in the folder: %s", diff)
		}
		if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode() != 0o600 {
			t.Errorf("mode %v, %v", info.Mode(), err)
		}
	}
}

func TestAKeyFileIsNeverOverwritten(t *testing.T) {
	noLinks := func(string, string) error { return &os.LinkError{Op: "link", Err: errors.ErrUnsupported} }
	for name, link := range map[string]func(string, string) error{"with links": os.Link, "without links": noLinks} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			path := filepath.Join(folder, "key")
			if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
				t.Fatal(err)
			}
			var wrong *KeyFileError
			err := saveKey(path, edKey(t), link)
			if !errors.Is(err, fs.ErrExist) || !errors.As(err, &wrong) || wrong.Path != path || wrong.Fix == "" {
				t.Errorf("over an existing file: %v", err)
			}
			data, err := os.ReadFile(path)
			if err != nil || string(data) != "something else" {
				t.Errorf("the file now has %q, %v", data, err)
			}
			if diff := cmp.Diff([]string{"key"}, names(t, folder)); diff != "" {
				t.Errorf("left in the folder: %s", diff)
			}
		})
	}
}

func TestAKeyIsSavedWhereThereAreNoLinks(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	noLinks := func(string, string) error { return &os.LinkError{Op: "link", Err: errors.ErrUnsupported} }
	if err := saveKey(path, edKey(t), noLinks); err != nil {
		t.Fatal(err)
	}
	key, err := LoadKey(path)
	if err != nil || key.ID() != edKey(t).ID() {
		t.Errorf("got %v, %v", key, err)
	}
	if diff := cmp.Diff([]string{"key"}, names(t, folder)); diff != "" {
		t.Errorf("left in the folder: %s", diff)
	}
}

func TestSavingWhereThereIsNoFolderSaysSo(t *testing.T) {
	var wrong *KeyFileError
	err := SaveKey(filepath.Join(t.TempDir(), "none", "key"), edKey(t))
	if !errors.As(err, &wrong) || !errors.Is(err, fs.ErrNotExist) || wrong.Fix == "" {
		t.Errorf("got %v", err)
	}
}

func TestAKeyFileThatOthersMayReadIsRefused(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // has no such bits
	}
	path := filepath.Join(t.TempDir(), "key")
	if err := SaveKey(path, edKey(t)); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o640, 0o604, 0o660, 0o601, 0o644, 0o666, 0o777} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		var wrong *KeyFileError
		key, err := LoadKey(path)
		if !errors.As(err, &wrong) || key != nil {
			t.Fatalf("mode %o: %v, %v", mode, key, err)
		}
		if !strings.Contains(wrong.Fix, "chmod 600") || !strings.Contains(wrong.Fix, path) {
			t.Errorf("mode %o: the error does not say what to do: %v", mode, err)
		}
		if key, created, err := LoadOrCreateKey(path, nil); !errors.As(err, &wrong) || created || key != nil {
			t.Errorf("mode %o, load or create: %v, %v, %v", mode, key, created, err)
		}
	}
	for _, mode := range []fs.FileMode{0o600, 0o400, 0o700} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := LoadKey(path); err != nil {
			t.Errorf("mode %o: %v", mode, err)
		}
	}
}

func TestAFileThatHoldsNoKeyIsRefusedAndKept(t *testing.T) {
	good := edKey(t).Marshal()
	for name, data := range map[string][]byte{
		"empty":       {},
		"half a key":  good[:30],
		"a text":      []byte("-----BEGIN PRIVATE KEY-----\n"),
		"a line end":  append(good, '\n'),
		"much longer": make([]byte, 1<<20),
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		var file *KeyFileError
		var bad *KeyError
		if key, err := LoadKey(path); !errors.As(err, &file) || !errors.As(err, &bad) || key != nil {
			t.Errorf("%s: %v, %v", name, key, err)
		}
		if key, created, err := LoadOrCreateKey(path, nil); !errors.As(err, &bad) || created || key != nil {
			t.Errorf("%s, load or create: %v, %v, %v", name, key, created, err)
		}
		if now, err := os.ReadFile(path); err != nil || string(now) != string(data) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
	var file *KeyFileError
	if key, err := LoadKey(t.TempDir()); !errors.As(err, &file) {
		t.Errorf("a folder: %v, %v", key, err)
	}
	if key, err := LoadKey(filepath.Join(t.TempDir(), "none")); !errors.As(err, &file) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v, %v", key, err)
	}
}

func TestAKeyFileIsMadeOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	made, created, err := LoadOrCreateKey(path, seeded(4))
	if err != nil || !created {
		t.Fatalf("first: %v, %v", created, err)
	}
	loaded, created, err := LoadOrCreateKey(path, seeded(5))
	if err != nil || created {
		t.Fatalf("second: %v, %v", created, err)
	}
	if made.ID() != loaded.ID() {
		t.Errorf("made %v, loaded %v", made, loaded)
	}
	same, err := Generate(seeded(4))
	if err != nil {
		t.Fatal(err)
	}
	if same.ID() != made.ID() {
		t.Error("the key is not made from the entropy given")
	}
	broken := filepath.Join(t.TempDir(), "key")
	fault := errors.New("no randomness today")
	if key, created, err := LoadOrCreateKey(broken, iotest.ErrReader(fault)); !errors.Is(err, fault) || created || key != nil {
		t.Errorf("without entropy: %v, %v, %v", key, created, err)
	}
	if _, err := os.Stat(broken); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file without a key was left: %v", err)
	}
}

func TestOfManyThatStartAtOnceOneMakesTheKey(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "key")
	const many = 16
	var ids [many]ID
	var created [many]bool
	var group errgroup.Group
	for i := range many {
		group.Go(func() error {
			key, first, err := LoadOrCreateKey(path, nil)
			if err == nil {
				ids[i], created[i] = key.ID(), first
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	makers := 0
	for i := range many {
		if created[i] {
			makers++
		}
		if ids[i] != ids[0] {
			t.Errorf("two keys: %s and %s", ids[i], ids[0])
		}
	}
	if makers != 1 {
		t.Errorf("%d made the key", makers)
	}
	if diff := cmp.Diff([]string{"key"}, names(t, folder)); diff != "" {
		t.Errorf("left in the folder: %s", diff)
	}
}
