// Package actor is the runtime: goroutines with names.
package actor
