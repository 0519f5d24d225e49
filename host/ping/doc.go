// Package ping measures how long a message takes to a peer and back:
// /ipfs/ping/1.0.0 (libp2p specs, ping/ping.md).
//
//	dialer                              listener
//	  │ 32 random bytes ──────────────────▶ │
//	  │ ◀────────────────── the same bytes  │   again and again, on one stream
//	  │ end of the stream ────────────────▶ │ closes
//
// [Start] serves pings of others; a host does so without being asked. [Ping] and
// [All] ping others over any swarm. Times are those of the caller's clock
// ([actor.Now]), so that in a simulation they are virtual.
//
// # The listener
//
// The handler of a stream is an actor of its own, below that stream; the service
// only owns the route. Bytes are echoed 32 at a time, however they came. The
// stream is reset when it ends in the middle of 32 bytes, and when nothing comes
// or nobody reads the answers for 30 seconds: go-libp2p waits for 10, but
// rust-libp2p uses one stream and speaks every 15. A peer may have two streams
// at a time, as the specification says; one more takes the place of the oldest.
//
// # The dialer
//
// A ping that is not answered within 10 seconds, as in go and js, or answered
// with other bytes is an [*Error], and its stream is reset. What that means for
// the connection is not decided here: it stays open. Answers are read in full,
// because js-libp2p may return them in pieces. Who pings a peer repeatedly uses
// one [Pinger] or [All]: the specification allows the dialer one stream.
package ping
