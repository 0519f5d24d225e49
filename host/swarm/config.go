package swarm

import (
	"time"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
	"github.com/troupe-p2p/troupe/transport"
)

// Config is what a swarm is made of.
type Config struct {
	// Key is who this host is.
	Key peer.Key
	// Transports are the ways to other machines; the first that understands an
	// address serves it.
	Transports []transport.Transport
	// Security are the security channels to offer and accept, best first.
	Security []negotiate.Security
	// Muxers are the muxers to offer and accept, best first.
	Muxers []muxer.Factory
	// Resolver looks up names in addresses; nil means the machine's own.
	Resolver transport.Resolver
	// Store keeps what the address book knows beyond the end of the host; nil
	// means that it is forgotten. It is not closed.
	Store Store
	// Limits bound what others can make the swarm hold.
	Limits Limits
	// Stream are the times of streams; only the durations are used.
	Stream stream.Config
	// Upgrade is how long the upgrade of an inbound link may take; 0 means 10 s.
	Upgrade time.Duration
	// Drain is how long a connection that is stopped may take to send what its
	// streams have written; 0 means 5 s.
	Drain time.Duration
}

// Limits bound what others can make a swarm hold. The zero value of each field
// stands for its default.
type Limits struct {
	// HalfOpen is how many inbound links may be in their upgrade at the same
	// time; 0 means 256. One more is closed at once. (js-libp2p allows 10.)
	HalfOpen int
	// HalfOpenPerSource is how many of them may come from one IPv4 address or
	// one /64 of IPv6; 0 means 64.
	HalfOpenPerSource int
	// Inbound is how many inbound connections there may be, those in their
	// upgrade included; 0 means 4096. One more is closed at once.
	Inbound int
	// PerPeer is how many connections one peer may have; 0 means 8.
	PerPeer int
	// Events is how many events wait for a slow subscriber before they are
	// replaced by the differences, see [Missed]; 0 means 256.
	Events int
	// Muxer bounds the streams of each connection.
	Muxer muxer.Limits
}

func (c *Config) setDefaults() {
	orElse := func(n *int, otherwise int) {
		if *n == 0 {
			*n = otherwise
		}
	}
	orElse(&c.Limits.HalfOpen, 256)
	orElse(&c.Limits.HalfOpenPerSource, 64)
	orElse(&c.Limits.Inbound, 4096)
	orElse(&c.Limits.PerPeer, 8)
	orElse(&c.Limits.Events, 256)
	if c.Upgrade == 0 {
		c.Upgrade = 10 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second
	}
}
