//go:build unix

package main

import "golang.org/x/sys/unix"

// usage is what the process has used of the machine until now. A voluntary
// context switch is a thread that went to sleep, and so was woken before or will
// be.
func usage() (Stats, error) {
	var r unix.Rusage
	err := unix.Getrusage(unix.RUSAGE_SELF, &r)
	seconds := func(t unix.Timeval) float64 { return float64(t.Nano()) / 1e9 }
	return Stats{CPU: seconds(r.Utime) + seconds(r.Stime), WakeUps: float64(r.Nvcsw)}, err
}
