//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package main

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lock takes the lock of an open file, without waiting; closing the file gives
// it back, however the process ends. Error: [errInUse].
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errInUse
	}
	if errors.Is(err, syscall.ENOSYS) || errors.Is(err, syscall.ENOTSUP) {
		return nil // a file system without locks
	}
	return err
}

// letGo is called before an open file gets another name or is deleted. Here
// that needs nothing: the lock is kept until the file is closed.
func letGo(io.Closer) {}
