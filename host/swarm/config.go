package swarm

import (
	"math"
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
	// HalfOpenPerSubnet is how many of them may come from one /24 of IPv4 or one
	// /48 of IPv6; 0 means half of HalfOpen.
	HalfOpenPerSubnet int
	// HalfOpenPerSource is how many of them may come from one IPv4 address or
	// one /64 of IPv6; 0 means 64.
	HalfOpenPerSource int
	// Inbound is how many inbound connections there may be, those in their
	// upgrade included; 0 means 4096. One more is closed at once.
	Inbound int
	// PerSubnet is how many of them may come from one /24 of IPv4 or one /48 of
	// IPv6; 0 means half of Inbound.
	PerSubnet int
	// Outbound is how many connections this host may have opened, those in their
	// upgrade included; 0 means 4096. Inbound ones never take these places.
	Outbound int
	// Dials is how many peers are dialed at the same time; 0 means 256. Further
	// dials wait for their turn.
	Dials int
	// PerPeer is how many connections one peer may have; 0 means 8.
	PerPeer int
	// Events is how many events wait for a slow subscriber before they are
	// replaced by the differences, see [Missed]; 0 means 256.
	Events int
	// Streams is how many streams there may be on all connections together, as
	// long as their actors live; 0 means any number. One more is reset, or not
	// opened, with a [*LimitError].
	Streams int
	// InboundStreams is how many of them others may have opened; 0 means as many
	// as Streams.
	InboundStreams int
	// StreamsPerPeer is how many of them one peer may have, in both directions; 0
	// means any number.
	StreamsPerPeer int
	// StreamsPerSubnet is how many of them others may have opened over connections
	// from one /24 of IPv4 or one /48 of IPv6; 0 means any number.
	StreamsPerSubnet int
	// SendBuffer is how many written bytes a stream keeps before Write waits; 0
	// means 64 KiB.
	SendBuffer int
	// WindowGrowth is by how many bytes the receive windows of all connections
	// together may be larger than streams begin with; 0 means any number.
	WindowGrowth int
	// BookPeers is how many peers the address book keeps; 0 means [MaxBookPeers].
	BookPeers int
	// Mailbox is how many messages wait for the swarm's actor, accepted links
	// among them; 0 means 256. Then listeners and callers wait.
	Mailbox int
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
	half := func(n, least int) int { return min(n, max(n/2, least)) }
	orElse(&c.Limits.HalfOpenPerSubnet, half(c.Limits.HalfOpen, 8))
	orElse(&c.Limits.PerSubnet, half(c.Limits.Inbound, 8))
	orElse(&c.Limits.Outbound, 4096)
	orElse(&c.Limits.Dials, 256)
	orElse(&c.Limits.Streams, math.MaxInt)
	orElse(&c.Limits.InboundStreams, c.Limits.Streams)
	orElse(&c.Limits.StreamsPerPeer, math.MaxInt)
	orElse(&c.Limits.StreamsPerSubnet, math.MaxInt)
	orElse(&c.Limits.SendBuffer, 64<<10)
	orElse(&c.Limits.WindowGrowth, math.MaxInt)
	orElse(&c.Limits.BookPeers, MaxBookPeers)
	orElse(&c.Limits.Mailbox, 256)
	orElse(&c.Limits.PerPeer, 8)
	orElse(&c.Limits.Events, 256)
	if c.Upgrade == 0 {
		c.Upgrade = 10 * time.Second
	}
	if c.Drain == 0 {
		c.Drain = 5 * time.Second
	}
}
