//go:build !windows

package tcp

import "syscall"

// What package syscall calls these errors is what the system returns.
const (
	errRefused  = syscall.ECONNREFUSED
	errInUse    = syscall.EADDRINUSE
	errNotLocal = syscall.EADDRNOTAVAIL
)

// exhausted are the errors of accept(2) that say that the process or the
// machine is out of something.
func exhausted() []syscall.Errno {
	return []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM}
}
