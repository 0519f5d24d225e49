//go:build !unix

package tcp

// A trial is nothing where sockets cannot be tried.
type trial struct{}
