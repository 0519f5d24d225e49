package peer

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// LoadKey reads a key file: the raw protobuf of a private key, as go-libp2p's and
// js-libp2p's tools write it. It blocks on the disk only. It refuses a file that
// other users may read, with the command that mends it. Error: *[KeyFileError],
// which unwraps to fs.ErrNotExist when there is no file, or to *[KeyError].
func LoadKey(path string) (Key, error) {
	fail := func(rule, fix string, err error) (Key, error) {
		return nil, &KeyFileError{Path: path, Rule: rule, Fix: fix, Err: err}
	}
	// Asked before opening, because opening a named pipe would wait for a writer.
	if info, err := os.Stat(path); err != nil {
		return fail("it cannot be found", "", err)
	} else if !info.Mode().IsRegular() {
		return fail("it is not a regular file", "", nil)
	}
	f, err := os.Open(path)
	if err != nil {
		return fail("it cannot be opened", "", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fail("it cannot be examined", "", err)
	}
	// Windows has no such bits; its files are guarded by their folder.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return fail(fmt.Sprintf("others may use it, its mode is %04o", mode),
			fmt.Sprintf("run: chmod 600 %q", path), nil)
	}
	data, err := io.ReadAll(io.LimitReader(f, MaxKeySize+1))
	if err != nil {
		return fail("it cannot be read", "", err)
	}
	key, err := UnmarshalKey(data)
	clear(data)
	if err != nil {
		return fail("it holds no private key", "", err)
	}
	return key, nil
}

// SaveKey writes a key file with mode 0600. The bytes go to a temporary file in
// the same folder, which then takes the name path at once, so nobody ever sees
// half a key. An existing file is never overwritten. It blocks on the disk only.
// Error: *[KeyFileError], which unwraps to fs.ErrExist when path is taken.
func SaveKey(path string, key Key) error {
	return saveKey(path, key, os.Link)
}

// saveKey is SaveKey over a given way to give a file a second name.
func saveKey(path string, key Key, link func(from, to string) error) error {
	fail := func(rule, fix string, err error) error {
		return &KeyFileError{Path: path, Rule: rule, Fix: fix, Err: err}
	}
	temporary, err := writeTemporary(filepath.Dir(path), key)
	if err != nil {
		return fail("it cannot be written", "the folder must exist and be writable", err)
	}
	defer os.Remove(temporary)
	if err := publish(temporary, path, link); errors.Is(err, fs.ErrExist) {
		return fail("it exists already and is not overwritten", "choose another name or load that key", err)
	} else if err != nil {
		return fail("it cannot be given its name", "", err)
	}
	syncFolder(filepath.Dir(path))
	return nil
}

// writeTemporary writes the key to a new file, mode 0600, in folder.
func writeTemporary(folder string, key Key) (name string, err error) {
	f, err := os.CreateTemp(folder, ".key-*.tmp") // makes it with mode 0600
	if err != nil {
		return "", err
	}
	data := key.Marshal()
	defer clear(data)
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// publish gives the file its final name unless that is taken. A rename would
// replace a file that another process made a moment ago; a second name cannot.
// Where the file system has no second names, the final name is first taken by an
// empty file, which only its maker then replaces.
func publish(temporary, path string, link func(from, to string) error) error {
	err := link(temporary, path)
	if err == nil || errors.Is(err, fs.ErrExist) {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	f.Close()
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

// syncFolder makes the new name last through a power cut. Not every system can,
// and the key is in its place either way, so a failure is not reported.
func syncFolder(folder string) {
	if f, err := os.Open(folder); err == nil {
		_ = f.Sync()
		_ = f.Close()
	}
}

// LoadOrCreateKey loads the key file, or makes an Ed25519 key from entropy (nil
// means crypto/rand) and saves it there when there is no such file. Of several
// processes that start at once one creates the key and the others load it.
// created tells which it was. It blocks on the disk and on entropy only. Errors:
// those of [LoadKey], [Generate] and [SaveKey].
func LoadOrCreateKey(path string, entropy io.Reader) (key Key, created bool, err error) {
	key, err = LoadKey(path)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return key, false, err
	}
	if key, err = Generate(entropy); err != nil {
		return nil, false, err
	}
	err = SaveKey(path, key)
	if errors.Is(err, fs.ErrExist) {
		key, err = LoadKey(path)
		return key, false, err
	}
	if err != nil {
		return nil, false, err
	}
	return key, true, nil
}
