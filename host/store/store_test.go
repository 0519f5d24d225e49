package store

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	bolt "go.etcd.io/bbolt"

	"github.com/troupe-p2p/troupe/host/swarm"
)

func diff(want, got any) string {
	return cmp.Diff(want, got, cmp.Comparer(func(a, b time.Time) bool { return a.Equal(b) }))
}

func TestWhatIsSavedIsThereTheNextTime(t *testing.T) {
	path, now := fresh(t), time.UnixMilli(1e12)
	s := opened(t, path)
	var want []swarm.SavedPeer
	for i := range 50 {
		want = append(want, someone(i, now))
	}
	must(t, s.Save(want))
	must(t, s.Save([]swarm.SavedPeer{{Peer: stranger(0)}, {Peer: stranger(99)}, someone(7, now.Add(time.Minute))}))
	want = want[1:]
	want[6] = someone(7, now.Add(time.Minute))
	if d := diff(want, loaded(t, s)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	must(t, s.Close())
	must(t, s.Close())
	again := opened(t, path)
	if d := diff(want, loaded(t, again)); d != "" {
		t.Errorf("the next time (-want +got):\n%s", d)
	}
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 || again.Path() != path || again.Damaged() != 0 {
		t.Errorf("%s has the mode %v; %d are damaged", again.Path(), info.Mode(), again.Damaged())
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("in the folder are %v", entries)
	}
}

func TestAFileThatIsInUseIsNotOpenedTwice(t *testing.T) {
	path := fresh(t)
	s := opened(t, path)
	var inUse *InUseError
	if _, err := Open(path); !errors.As(err, &inUse) || inUse.Path != path {
		t.Errorf("got %v", err)
	}
	must(t, s.Save([]swarm.SavedPeer{someone(1, time.UnixMilli(0))}))
	must(t, s.Close())
	if n := len(loaded(t, opened(t, path))); n != 1 {
		t.Errorf("%d are kept", n)
	}
}

func TestAFileOfANewerVersionIsLeftAlone(t *testing.T) {
	path := fresh(t)
	must(t, opened(t, path).Close())
	change := func(f func(tx *bolt.Tx) error) []byte {
		t.Helper()
		db, err := bolt.Open(path, 0o600, nil)
		must(t, err)
		must(t, db.Update(f))
		must(t, db.Close())
		data, err := os.ReadFile(path)
		must(t, err)
		return data
	}
	check := func(have string) {
		t.Helper()
		before, err := os.ReadFile(path)
		must(t, err)
		var newer *SchemaError
		if _, err := Open(path); !errors.As(err, &newer) || newer.Path != path || newer.Have != have || newer.Known != "1" {
			t.Errorf("got %v", err)
		}
		after, err := os.ReadFile(path)
		must(t, err)
		if string(before) != string(after) {
			t.Error("the file was changed")
		}
	}
	change(func(tx *bolt.Tx) error { return tx.Bucket([]byte(bookBucket)).Put([]byte(schemaKey), []byte("2")) })
	check("2")
	change(func(tx *bolt.Tx) error {
		if err := tx.DeleteBucket([]byte(bookBucket)); err != nil {
			return err
		}
		_, err := tx.CreateBucket([]byte("somebody else's"))
		return err
	})
	check("")
}

func TestWhatTheSystemSaysIsTyped(t *testing.T) {
	dir := t.TempDir()
	var failed *FileError
	missing := filepath.Join(dir, "no", "folder")
	if _, err := Open(missing); !errors.As(err, &failed) || failed.Path != missing || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := Open(dir); !errors.As(err, &failed) {
		t.Errorf("a folder: %v", err)
	}
	s := opened(t, filepath.Join(dir, "peers"))
	must(t, s.Close())
	for did, err := range map[string]error{"save": s.Save([]swarm.SavedPeer{someone(1, time.Time{})}), "load": s.Load(func(swarm.SavedPeer) {})} {
		if !errors.As(err, &failed) || failed.Did != did || !errors.Is(err, ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	}
}

func TestADiskThatIsFullIsAnErrorAndNothingIsLost(t *testing.T) {
	path := fresh(t)
	must(t, opened(t, path).Close())
	s, err := open(path, 64<<10)
	must(t, err)
	t.Cleanup(func() { s.Close() })
	first := []swarm.SavedPeer{someone(1, time.UnixMilli(1))}
	must(t, s.Save(first))
	var many []swarm.SavedPeer
	for i := range 4000 {
		many = append(many, someone(i, time.UnixMilli(2)))
	}
	var failed *FileError
	err = s.Save(many)
	if !errors.As(err, &failed) || failed.Did != "save" || failed.Path != path {
		t.Fatalf("got %v", err)
	}
	if d := diff(first, loaded(t, s)); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if last := s.Close(); last == nil || last.Error() != err.Error() {
		t.Errorf("the end says %v", last)
	}
	again := opened(t, path)
	must(t, again.Save(many))
	if n := len(loaded(t, again)); n != len(many) {
		t.Errorf("%d are kept", n)
	}
}

func TestErrorsSayWhichFileAndWhatToDo(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{&InUseError{"/x"}, "the file /x is in use by another node: stop that one, or give this one a file of its own"},
		{&SchemaError{"/x", "", "1"}, "the file /x is a database of another program: give another file"},
		{&SchemaError{"/x", "7", "1"}, `the file /x has the schema "7", and this version knows "1": use the newer version, or another file`},
		{&CorruptError{"/x", "page 3 is used twice", nil}, "the file /x is damaged: page 3 is used twice; move it away, and the node learns its peers anew"},
		{&FileError{"/x", "save", fs.ErrPermission}, "save the file /x: permission denied"},
	} {
		if got := c.err.Error(); got != c.want {
			t.Errorf("got %s\nnot %s", got, c.want)
		}
	}
	_, err := Open(filepath.Join(t.TempDir(), "none", "peers"))
	if err == nil || strings.Count(err.Error(), "peers") != 1 {
		t.Errorf("got %v", err)
	}
}

func TestANewFileGetsItsNameWhenItIsCompleteAndReplacesNone(t *testing.T) {
	path := fresh(t)
	must(t, create(path))
	info, err := os.Stat(path)
	must(t, err)
	f, err := os.Open(path)
	must(t, err)
	defer f.Close()
	must(t, check(f, info.Size()))
	s := opened(t, path)
	must(t, s.Save([]swarm.SavedPeer{someone(1, time.UnixMilli(1))}))
	must(t, create(path)) // somebody who was slower
	must(t, s.Close())
	if n := len(loaded(t, opened(t, path))); n != 1 {
		t.Errorf("%d are kept", n)
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("in the folder are %v", entries)
	}
}
