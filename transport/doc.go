// Package transport is how bytes reach another machine: the contract of
// transports, and the addresses they understand.
//
//	/dns4/example.org/tcp/4001/p2p/Q…            what a user has
//	        │ peer.SplitAddr: the address and the ID
//	        ▼
//	/dns4/example.org/tcp/4001
//	        │ Resolve: the name's IP addresses, in order
//	        ▼
//	/ip4/192.0.2.7/tcp/4001   /ip4/192.0.2.8/tcp/4001
//	        │ Transport.Dial                      │ Listener.Accept
//	        ▼                                     ▼
//	      Link ◀════════════ network ═══════════▶ Link
//	        Pipe     raw bytes: package conn secures and multiplexes them
//
// # What a transport promises
//
// A [Transport] makes links, a [Listener] accepts them; whoever receives a
// [Link] owns it and closes it. Both hold no goroutine of their own: they work
// on the goroutine of the actor that calls them, and end the wait when its
// context ends. A Pipe is a [net.Conn] in every respect that matters here:
//
//   - Close ends blocked and later calls at this end with [net.ErrClosed]. The
//     other end reads what was sent before, then [io.EOF]; its writes fail.
//   - Deadlines concern calls that are under way and later ones, and end them
//     with [os.ErrDeadlineExceeded].
//   - Methods may be called from several goroutines; the bytes of one Write stay
//     together.
//   - A Write returns when the bytes are taken over, not when they have been
//     read. It waits when too many are unread: that is the back-pressure.
//
// Package transporttest checks these promises for any transport.
//
// # Addresses
//
// Addresses are multiaddrs, binary and text as the go-multiaddr library has
// them. A transport sees IP addresses only: names are resolved before, by
// [Resolve], so that whoever plans a dial sees each address by itself. A part
// /p2p/ID at the end is ignored.
//
// # Limits
//
// A name gives at most [MaxResolved] addresses. What a listener may hold of
// links that nobody has accepted yet is said by each transport.
package transport
