//go:build !linux

package host

// machineMemory is not known here.
func machineMemory() int64 { return unknownMemory }
