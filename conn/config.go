package conn

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
)

// Config is what a connection is made of.
type Config struct {
	// Link is the raw way to the remote; the connection owns and closes it.
	Link transport.Link
	// Role is Dialer when this end opened the link.
	Role negotiate.Role
	// Want is the peer that must be there; empty accepts any.
	Want peer.ID
	// Security are the security channels to offer or accept, best first.
	Security []negotiate.Security
	// Muxers are the muxers to offer or accept, best first.
	Muxers []muxer.Factory
	// Routes says which handler serves which protocol.
	Routes stream.Routes
	// Limits bound the muxer.
	Limits muxer.Limits
	// Upgrade is how long the upgrade may take in all; 0 means 10 s.
	Upgrade time.Duration
	// Drain is how long a connection that is told to stop may take to send what
	// its streams have written; 0 means 5 s.
	Drain time.Duration
	// Quota, if not nil, is asked before each stream.
	Quota Quota
	// SendBuffer is how many written bytes a stream keeps before Write waits; 0
	// means 64 KiB.
	SendBuffer int
	// Stream are the times of its streams; only the durations are used.
	Stream stream.Config

	// Up is called when the connection is open, and Down exactly once when it
	// has ended, also when it never was up; both from the connection's
	// goroutines, and neither may wait. An actor that is stopped before it has
	// begun calls neither, and leaves the link open: whoever stops it watches its
	// Ref for that.
	Up   func(*Conn)
	Down func(error)
}

// A Quota says how many streams there may be besides what [muxer.Limits] says of
// one connection. Its methods are called from several goroutines and never wait.
type Quota interface {
	// Take counts one more stream: Dialer for one that is opened here, Listener
	// for one of the remote's. The error is why there is none: Open returns it,
	// the remote's stream is reset with [stream.CodeResourceLimit].
	Take(negotiate.Role) error
	// Give is called when the actor of a stream that was taken has ended. For an
	// actor that was stopped before it began it is not: whoever watches the
	// connection's Ref gives those back when nothing is left of it.
	Give(negotiate.Role)
}

// noQuota says yes.
type noQuota struct{}

func (noQuota) Take(negotiate.Role) error { return nil }
func (noQuota) Give(negotiate.Role)       {}

func (c *Config) setDefaults() {
	if c.Upgrade == 0 {
		c.Upgrade = 10 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second
	}
	if c.SendBuffer == 0 {
		c.SendBuffer = 64 << 10
	}
	c.Limits = c.Limits.WithDefaults()
	if c.Quota == nil {
		c.Quota = noQuota{}
	}
	if c.Up == nil {
		c.Up = func(*Conn) {}
	}
	if c.Down == nil {
		c.Down = func(error) {}
	}
}
