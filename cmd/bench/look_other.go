//go:build !unix

package main

import (
	"errors"
	"runtime"
)

// usage is not known here.
func usage() (Stats, error) {
	return Stats{}, errors.New("what a process uses is not counted on " + runtime.GOOS)
}
