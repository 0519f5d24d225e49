package transport

import (
	"fmt"

	ma "github.com/multiformats/go-multiaddr"
)

// A DialError is why an address could not be reached by its transport.
type DialError struct {
	Addr  ma.Multiaddr
	Cause error
}

func (e *DialError) Error() string { return fmt.Sprintf("dial %s: %v", e.Addr, e.Cause) }

// Unwrap returns the cause, for example a *net.OpError.
func (e *DialError) Unwrap() error { return e.Cause }

// A ListenError is why an address could not be listened at.
type ListenError struct {
	Addr  ma.Multiaddr
	Cause error
}

func (e *ListenError) Error() string { return fmt.Sprintf("listen at %s: %v", e.Addr, e.Cause) }

// Unwrap returns the cause.
func (e *ListenError) Unwrap() error { return e.Cause }
