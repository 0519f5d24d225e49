// Package sim is a world of hosts under one clock.
//
// Its network is made of links, one for each direction between two hosts:
//
//	host 10.0.0.1                                          host 10.0.0.2
//	 conn ─┐                                               ┌─▶ conn
//	 conn ─┼─▶ queue ─▶ bytes per second ─▶ latency, jitter ┼─▶ conn
//	 conn ─┘        (a link machine decides when)          └─▶ conn
//
// A [Network] owns the links and the listeners. [Network.Host] is one host's
// [transport.Transport]: addresses are /ip4/10.0.0.1/tcp/4001 as everywhere, so
// that all that stands above is the same as on a real network. The bytes of a
// connection go through a mem.Pipe; the link machine of each direction says when
// they arrive. All connections between two hosts share their links.
//
// # Time
//
// Opening a connection takes one round trip: there with the question, back with
// the answer. A close is learnt of when its news arrives. The machine itself
// takes no time: what a host computes is free.
//
//	departure = max(now, when the link is free) + bytes / bandwidth
//	arrival   = departure + latency + jitter, and never before an earlier one
//	            of the same connection
//
// # Chance
//
// Every random number of the network is a hash of the seed, of what it is for, of
// the two hosts and of a count. Nothing is drawn from a shared stream, so a
// change to one link leaves what happens on the others as it was.
//
// # Limits
//
// A connection holds at most LinkConfig.Window bytes that are on their way or
// unread, a link at most LinkConfig.Queue bytes that have not left; a Write
// waits when either is full. Bytes are never lost or reordered within a
// connection, as with TCP. A listener holds mem.Backlog connections that nobody
// has accepted. An address that no host has never answers: the dial lasts until
// its context ends.
package sim
