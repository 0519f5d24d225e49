//go:build !unix

package host

// openFiles is how many files the process may open; 0: there is no limit.
func openFiles() int { return 0 }
