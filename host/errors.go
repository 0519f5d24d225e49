package host

import (
	"fmt"
	"strings"
)

// A ConfigError is why a host could not be started with the given options. It
// names everything that is wrong with them at once.
type ConfigError struct{ Problems []error }

func (e *ConfigError) Error() string {
	if len(e.Problems) == 1 {
		return "start the host: " + e.Problems[0].Error()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "start the host: %d problems:", len(e.Problems))
	for _, p := range e.Problems {
		b.WriteString("\n  - " + p.Error())
	}
	return b.String()
}

// Unwrap returns the problems.
func (e *ConfigError) Unwrap() []error { return e.Problems }

// An AddrError is an address that cannot be listened at. Err says why: a text
// that is no multiaddr, a [*swarm.NoTransportError] or a
// [*transport.ListenError].
type AddrError struct {
	Text string
	Err  error
}

func (e *AddrError) Error() string {
	return fmt.Sprintf("listen at %q: %v (an address looks like /ip4/0.0.0.0/tcp/4001; port 0 is any free port)", e.Text, e.Err)
}

// Unwrap returns the cause.
func (e *AddrError) Unwrap() error { return e.Err }
