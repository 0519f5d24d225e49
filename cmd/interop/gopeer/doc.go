// Package gopeer is a peer made of go-libp2p: the other side of the interop
// matrix.
//
//	talk.Peer ── Peer ── basic host (identify, ping, multistream) ── swarm
//	                                                                   │
//	        TCP ── upgrader ── noise | plaintext | tls ── mplex | yamux
//
// The host is put together from go-libp2p's parts and not by libp2p.New: the
// matrix needs TCP only, and so QUIC, WebRTC, relay, NAT mapping, mDNS, metrics
// and their dependencies are neither started nor compiled. There is no resource
// limit and no connection manager; a dial uses a port of its own and not the
// listening one.
//
// [New] starts one on the machine's own network, [NewOn] on another one, such as a
// simulated one: go-libp2p's TCP transport takes another dialer by itself, and its
// Listen is replaced.
//
// # mplex
//
// go-libp2p no longer contains mplex. Its code lives on as
// github.com/libp2p/go-mplex, and [Mplex] fits it to go-libp2p's muxer
// interfaces. Facts to know about it (by its source, v0.7.0): a message carries
// at most 4076 bytes when it sends and 1 MiB when it receives; a reader that is
// slow for 5 s has its stream reset, and until then every stream of the
// connection waits; a stream that is reset or closed with unread data keeps one
// of the four inbound buffers of the connection.
//
// # Limits
//
// Negotiation of a stream takes at most 10 s, an upgrade 15 s: go-libp2p's own
// defaults. Everything else is limited by the contexts and deadlines given.
package gopeer
