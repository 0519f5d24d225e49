package main

import (
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/troupe-p2p/troupe/actor"
)

// A partial is a file that is being received: its bytes go to a hidden file
// beside the target (partName), which gets the target's name when all of it is
// there, checked, and on the disk for good.
//
//	open ─▶ look ─▶ [restart] ─▶ write … ─▶ store      the file has its name
//	                                 └────▶ keep       the bytes wait for another attempt
//	                                 └────▶ drop       they are deleted
//
// The hidden file is locked while it is open, where the system has such locks,
// so that two transfers never write into one file.
type partial struct {
	root    *os.Root
	name    string // the target's, in root
	path    string // of the target, for messages
	replace bool   // the target may exist
	file    openFile
	hash    hash.Hash
	size    int64 // bytes in the file
}

// openPartial opens or makes the partial data of the file name in root; dir is
// root's path for messages. It fails when the target exists and is not to be
// replaced, and when another transfer holds the data.
func openPartial(root *os.Root, dir, name string, replace bool) (*partial, error) {
	p := &partial{root: root, name: name, path: filepath.Join(dir, filepath.FromSlash(name)), replace: replace, hash: sha256.New()}
	if err := p.free(); err != nil {
		return nil, err
	}
	for {
		f, err := root.OpenFile(partName(name), os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, p.fault("write", err)
		}
		same, err := p.claim(f)
		if err == nil && same {
			p.file = f
			return p, nil
		}
		f.Close()
		if err != nil {
			return nil, p.fault("write", err)
		}
		// Its former owner has just given it its name or deleted it.
	}
}

// claim locks the file, and reports whether it still has the name it was opened
// by.
func (p *partial) claim(f *os.File) (bool, error) {
	opened, err := f.Stat()
	if err != nil {
		return false, err
	}
	if !opened.Mode().IsRegular() {
		return false, errors.New("it is not a regular file")
	}
	if err := lock(f); err != nil {
		return false, err
	}
	named, err := p.root.Lstat(partName(p.name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err == nil && !named.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	return err == nil && os.SameFile(opened, named), err
}

// free fails when the target exists and is not to be replaced.
func (p *partial) free() error {
	info, err := p.root.Lstat(p.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return p.fault("look for", err)
	case !p.replace:
		return p.fault("write", fs.ErrExist)
	case info.IsDir():
		return p.fault("replace", errors.New("it is a folder"))
	}
	return nil
}

// fault says what went wrong with which file.
func (p *partial) fault(did string, err error) error {
	var known *diskError
	if errors.As(err, &known) {
		return err
	}
	e := &diskError{did: did, path: p.path, err: err}
	switch e.code() {
	case refuseExists:
		e.fix = "use -o to choose another name, or --force to replace it"
	case refuseRoom:
		e.fix = "make room on the disk and run the command again: what is here is kept"
	case refuseBusy:
		e.fix = "wait for it, or choose another name"
	}
	return e
}

// look sums up the bytes that are there already.
func (p *partial) look(self *actor.Self, tell func(done, of int64)) (int64, digest, error) {
	info, err := p.file.Stat()
	if err != nil {
		return 0, digest{}, p.fault("read the partial data of", err)
	}
	err = hashFirst(self, p.hash, p.file, info.Size(), func(done int64) { tell(done, info.Size()) })
	if err != nil {
		if self.Err() != nil {
			return 0, digest{}, err
		}
		return 0, digest{}, p.fault("read the partial data of", err)
	}
	p.size = info.Size()
	return p.size, p.sum(), nil
}

func (p *partial) sum() (d digest) {
	p.hash.Sum(d[:0])
	return d
}

// restart forgets the bytes that are there.
func (p *partial) restart() error {
	p.hash.Reset()
	p.size = 0
	if _, err := p.file.Seek(0, io.SeekStart); err != nil {
		return p.fault("write", err)
	}
	if err := p.file.Truncate(0); err != nil {
		return p.fault("write", err)
	}
	return nil
}

// write appends bytes.
func (p *partial) write(b []byte) error {
	n, err := p.file.Write(b)
	p.hash.Write(b[:n])
	p.size += int64(n)
	if err != nil {
		return p.fault("write", err)
	}
	return nil
}

// store brings the bytes to the disk for good and gives them the target's name.
// A target that has appeared meanwhile is not overwritten, unless it is to be
// replaced.
func (p *partial) store() error {
	if err := p.file.Sync(); err != nil {
		return p.fault("write", err)
	}
	if err := p.rename(); err != nil {
		return p.fault("write", err)
	}
	p.syncFolder()
	return nil
}

func (p *partial) rename() error {
	part := partName(p.name)
	letGo(p.file)
	if p.replace {
		return p.root.Rename(part, p.name)
	}
	// Rename would replace a target silently. Link does not; but not every file
	// system has links.
	err := p.root.Link(part, p.name)
	if err == nil {
		return p.root.Remove(part)
	}
	if errors.Is(err, fs.ErrExist) {
		return fs.ErrExist
	}
	if err := p.free(); err != nil {
		return err
	}
	return p.root.Rename(part, p.name)
}

// syncFolder makes the new name last. Not every system can do that; the bytes
// themselves are safe.
func (p *partial) syncFolder() {
	if d, err := p.root.Open("."); err == nil {
		_ = d.Sync()
		d.Close()
	}
}

// keep leaves the bytes for another attempt; an empty file is deleted. It does
// not wait for the disk: the next attempt sums up what is really there.
func (p *partial) keep() error {
	if p.size == 0 {
		return p.drop()
	}
	return nil
}

// drop deletes the bytes.
func (p *partial) drop() error {
	letGo(p.file)
	if err := p.root.Remove(partName(p.name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return p.fault("delete the partial data of", err)
	}
	return nil
}

// close releases the file, and with it the lock.
func (p *partial) close() { p.file.Close() }

// leave closes the partial data as it was found.
func (p *partial) leave() error {
	defer p.close()
	info, err := p.file.Stat()
	if err != nil {
		return p.fault("read the partial data of", err)
	}
	p.size = info.Size()
	return p.keep()
}
