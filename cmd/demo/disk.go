package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"syscall"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// diskError is a file of this machine that could not be used: what was tried,
// which file, why, and what to do.
type diskError struct {
	did  string // for example "write"
	path string
	fix  string // may be empty
	err  error
}

func (e *diskError) Error() string {
	// A *fs.PathError repeats the path.
	why := e.err
	var inner *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(why, &inner):
		why = inner.Err
	case errors.As(why, &link):
		why = link.Err
	}
	text := fmt.Sprintf("cannot %s %s: %v", e.did, e.path, why)
	if e.fix != "" {
		text += " (" + e.fix + ")"
	}
	return text
}

func (e *diskError) Unwrap() error { return e.err }

// code is what the peer is told of a failure of our disk.
func (e *diskError) code() refusal {
	switch {
	case errors.Is(e.err, fs.ErrExist):
		return refuseExists
	case errors.Is(e.err, fs.ErrNotExist):
		return refuseNotFound
	case errors.Is(e.err, errInUse):
		return refuseBusy
	case errors.Is(e.err, syscall.ENOSPC), errors.Is(e.err, syscall.EFBIG):
		return refuseRoom
	}
	return refuseFailed
}

// codeOf is what the peer is told of an error of ours.
func codeOf(err error) refusal {
	var disk *diskError
	if errors.As(err, &disk) {
		return disk.code()
	}
	return refuseFailed
}

// errInUse is the cause when another transfer writes the same partial file.
var errInUse = errors.New("another transfer on this machine is writing it")

// openFile is what a transfer needs of an open file.
type openFile interface {
	io.ReadWriteSeeker
	io.Closer
	Stat() (fs.FileInfo, error)
	Sync() error
	Truncate(size int64) error
}

// diskBlock is how much is read from or written to a disk at once, and
// busyEvery how often the peer hears that we are still at it.
const (
	diskBlock = 256 << 10
	busyEvery = 5 * time.Second
)

// hashFirst adds the first n bytes of r to h; tell is called from time to time.
// It ends early, with the cause, when self is told to end.
func hashFirst(self *actor.Self, h hash.Hash, r io.Reader, n int64, tell func(done int64)) error {
	p := make([]byte, min(n, diskBlock))
	next := self.Now().Add(busyEvery)
	for done := int64(0); done < n; {
		if err := self.Err(); err != nil {
			return err
		}
		k, err := io.ReadFull(r, p[:min(n-done, int64(len(p)))])
		h.Write(p[:k])
		done += int64(k)
		if err != nil {
			return err
		}
		if now := self.Now(); now.After(next) {
			next = now.Add(busyEvery)
			tell(done)
		}
	}
	return nil
}

// A source is a file that is sent: what it was when it was opened, and a running
// sum of what has been read.
type source struct {
	path string // for messages
	file openFile
	info fs.FileInfo
	hash hash.Hash
	at   int64
}

// openSource takes over an open regular file.
func openSource(path string, f openFile) (*source, error) {
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("it is not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, &diskError{did: "send", path: path, err: err}
	}
	return &source{path: path, file: f, info: info, hash: sha256.New()}, nil
}

func (s *source) size() int64 { return s.info.Size() }

// look sums up the first n bytes.
func (s *source) look(self *actor.Self, n int64, tell func(done int64)) (digest, error) {
	if err := hashFirst(self, s.hash, s.file, n, tell); err != nil {
		if self.Err() != nil {
			return digest{}, err
		}
		return digest{}, &diskError{did: "read", path: s.path, err: err}
	}
	s.at = n
	return s.sum(), nil
}

func (s *source) sum() (d digest) {
	s.hash.Sum(d[:0])
	return d
}

// restart goes back to the first byte.
func (s *source) restart() error {
	s.hash.Reset()
	s.at = 0
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return &diskError{did: "read", path: s.path, err: err}
	}
	return nil
}

// errShrunk is the end of a source before the size that it had.
var errShrunk = errors.New("the file has become shorter")

// read fills p from the source. A file that ends early is [errShrunk].
func (s *source) read(p []byte) error {
	n, err := io.ReadFull(s.file, p)
	s.hash.Write(p[:n])
	s.at += int64(n)
	switch {
	case err == io.EOF, err == io.ErrUnexpectedEOF:
		return errShrunk
	case err != nil:
		return &diskError{did: "read", path: s.path, err: err}
	}
	return nil
}

// changed reports whether the file is another one than at the beginning, as far
// as its size and time of modification say.
func (s *source) changed() (bool, error) {
	now, err := s.file.Stat()
	if err != nil {
		return false, &diskError{did: "read", path: s.path, err: err}
	}
	return now.Size() != s.info.Size() || !now.ModTime().Equal(s.info.ModTime()), nil
}

func (s *source) close() { s.file.Close() }
