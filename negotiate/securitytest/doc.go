// Package securitytest is what every security channel must do: a conformance
// suite for implementations of [negotiate.Security].
//
//	func TestConformance(t *testing.T) {
//		securitytest.Run(t, func(key peer.Key) negotiate.Security { return noise.New(key) })
//	}
//
// Each check runs over two kinds of pipe:
//
//	pipe   net.Pipe in virtual time (testing/synctest): a deadline of a minute costs
//	       nothing, and whoever ends later than it is found. It holds no byte between
//	       the two ends, so a channel whose ends both write first and then read hangs.
//	tcp    a loopback connection in real time.
//
// The two ends run as actors. A remote that misbehaves is an honest one whose
// bytes pass through a tamper:
//
//	local ◀───────── pipe ─────────▶ tamper ◀── remote
//	Secure                           cut, flip, hold back
//
// What is checked:
//
//	handshake   both ends name each other's peer and key, and the same muxer; one
//	            Security serves many connections at once
//	wrong peer  the dialer's error holds a *peer.MismatchError, the pipe stays open
//	hostile     garbage, half a handshake, a flipped bit, silence: both roles end by
//	            the pipe's deadline with a *negotiate.HandshakeError that names
//	            protocol and stage; a success is one with the right peer
//	ends        closing the pipe at either end, and the end of the context, end a
//	            handshake that waits
//	data        round trips of 0 bytes to some MiB in both directions at once, with
//	            checksums; writes of 0 bytes; deadlines lose nothing; Close ends a
//	            Read that waits; addresses are the pipe's
//
// [Load] are the benchmarks of a channel. Nothing else here measures time, and
// randomness comes from fixed seeds.
package securitytest
