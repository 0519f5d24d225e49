//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package main

import (
	"io"
	"os"
)

// lock does nothing: this system has no such locks.
func lock(*os.File) error { return nil }

// letGo closes a file before it gets another name or is deleted, because some of
// these systems refuse both while it is open.
func letGo(f io.Closer) { f.Close() }
