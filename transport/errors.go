package transport

import (
	"errors"
	"fmt"

	ma "github.com/multiformats/go-multiaddr"
)

// ErrUnsupported is the cause when an address is not one that the transport
// understands; CanDial or CanListen would have said so.
var ErrUnsupported = errors.New("this transport does not understand the address")

// ErrRefused is the cause when the machine was reached and nobody listens at the
// address.
var ErrRefused = errors.New("nobody listens there")

// ErrInUse is the cause when somebody listens at the address already.
var ErrInUse = errors.New("somebody listens there already: end that program or choose another port (0 picks a free one)")

// ErrNotLocal is the cause when the address to listen at belongs to no network
// interface of this machine.
var ErrNotLocal = errors.New("this machine does not have the address: listen at one of its own, or at /ip4/0.0.0.0 or /ip6/:: for all of them")

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

// An AcceptError is why one link could not be accepted. The listener still
// listens: accept again, after a pause when the machine is exhausted.
type AcceptError struct {
	At ma.Multiaddr
	// Exhausted says that the process or the machine is out of something that a
	// link needs (file descriptors, memory). Accepting again at once fails again.
	Exhausted bool
	Cause     error
}

func (e *AcceptError) Error() string {
	if e.Exhausted {
		return fmt.Sprintf("accept at %s: %v: out of file descriptors or memory, close some links or raise the limit", e.At, e.Cause)
	}
	return fmt.Sprintf("accept at %s: %v", e.At, e.Cause)
}

// Unwrap returns the cause.
func (e *AcceptError) Unwrap() error { return e.Cause }

// A ResolveError is why a name did not become addresses.
type ResolveError struct {
	Addr  ma.Multiaddr
	Cause error
}

func (e *ResolveError) Error() string { return fmt.Sprintf("resolve %s: %v", e.Addr, e.Cause) }

// Unwrap returns the cause: a *net.DNSError of the machine's resolver,
// [ErrNoAddress], or the cause of the context.
func (e *ResolveError) Unwrap() error { return e.Cause }

// ErrNoAddress is the cause when a name exists and has no address of the family
// that was asked for.
var ErrNoAddress = errors.New("the name has no address of this kind: try /dns, which takes both IPv4 and IPv6")
