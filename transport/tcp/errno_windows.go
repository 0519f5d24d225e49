package tcp

import "syscall"

// Windows sockets have numbers of their own, which package syscall does not call
// by the usual names (Windows Sockets Error Codes).
const (
	errRefused  = syscall.Errno(10061) // WSAECONNREFUSED
	errInUse    = syscall.Errno(10048) // WSAEADDRINUSE
	errNotLocal = syscall.Errno(10049) // WSAEADDRNOTAVAIL
)

// exhausted are the errors that say that the process or the machine is out of
// something: WSAEMFILE, WSAENOBUFS.
func exhausted() []syscall.Errno { return []syscall.Errno{10024, 10055} }
