package yamux

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// Options are what can be chosen for yamux besides the limits of every muxer.
// The zero value of each field stands for its default.
type Options struct {
	// Window is how large the receive window of a stream may grow, in bytes; 0
	// means 16 MiB, as go and js have it. It is at least [StartWindow], with
	// which it never grows, and at most 1 GiB.
	Window int
	// Frame is the largest body sent in one frame, in bytes; 0 means 16 KiB,
	// which every known peer takes. Limits.Frame holds as well.
	Frame int
	// KeepAlive is how long nothing may be received before the remote is asked
	// with a ping whether it is there; 0 means 30 s, less than 0 never.
	KeepAlive time.Duration
	// Answer is how long nothing may be received after a ping before the
	// connection is given up; 0 means 10 s.
	Answer time.Duration
}

// withDefaults returns the options with each zero field replaced.
func (o Options) withDefaults() Options {
	if o.Window == 0 {
		o.Window = 16 << 20
	}
	o.Window = min(max(o.Window, StartWindow), 1<<30)
	if o.Frame == 0 {
		o.Frame = muxer.FairShare
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 30 * time.Second
	}
	if o.Answer == 0 {
		o.Answer = 10 * time.Second
	}
	return o
}

// Factory returns the muxer's factory for a connection's upgrade, with machines
// of the given options.
func Factory(options Options) muxer.Factory {
	return muxer.Factory{
		Protocol: ID,
		New: func(role negotiate.Role, limits muxer.Limits) muxer.Machine {
			return New(role, limits, options)
		},
	}
}
