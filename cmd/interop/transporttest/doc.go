// Command transporttest is Troupe's part in the transport test of the libp2p
// project: two containers find each other through Redis, connect, and one pings
// the other. The harness is https://github.com/libp2p/unified-testing (folder
// transport), and before it https://github.com/libp2p/test-plans (folder
// transport-interop). Their forms differ in names only, and both are obeyed.
//
//	dialer                     Redis                      listener
//	  │ BLPOP key ──────────────▶ │ ◀──────────────────────── │ DEL key
//	  │                           │ ◀──── /ip4/…/tcp/…/p2p/ID │ RPUSH key
//	  │ ◀──────── the address ─── │                           │
//	  │ ═════════ TCP, security, muxer, one ping ═══════════▶ │
//	  │ the two times on stdout, exit code 0                  │ runs until it is stopped
//
// # The environment
//
//	unified-testing     test-plans             meaning
//	TRANSPORT           transport              "tcp", the one that Troupe has
//	SECURE_CHANNEL      security               "noise" or "tls"
//	MUXER               muxer                  "yamux" or "mplex"
//	IS_DIALER           is_dialer              "true" or "false"
//	LISTENER_IP         ip                     where to listen; 0.0.0.0
//	REDIS_ADDR          redis_addr             HOST:PORT; only the older form has a default: redis:6379
//	TEST_KEY                                   the key in Redis is TEST_KEY_listener_multiaddr; in the older form listenerAddr
//	TEST_TIMEOUT_SECS   test_timeout_seconds   the time limit; 180
//	DEBUG                                      "true" tells more on standard error
//
// The form is known by the names that are set; names of both forms together are
// refused. TEST_TIMEOUT_SECS stands in no document of unified-testing, but other
// implementations obey it.
//
// The documents of unified-testing speak of setting and polling a key, as its
// perf test does. What its transport images do is RPUSH and BLPOP, and so does
// this one; as dialer it also takes an address that was set.
//
// # The output
//
// Only a dialer that has succeeded writes to standard output: a line of JSON in
// the older form, YAML in the newer one. "handshake plus one RTT" is the time
// from before the dial until the answer to the first ping, "ping RTT" that of
// the ping alone, both in milliseconds. Everything else goes to standard error,
// one prefix before each line: the harness reads both outputs together, and
// lines that begin with a bracket, a brace or a quotation mark confuse it.
//
// # Exit codes
//
//	0  the dialer has pinged; the listener was asked to stop
//	1  it failed, or the time limit is over
//	2  the environment asks for what Troupe does not have, or is wrong
//
// # Limits
//
// Redis has 30 seconds to answer the first time, within the time limit. A listener at
// 0.0.0.0 tells the first address of the machine that is not a loopback one.
// Unix signals SIGINT and SIGTERM end both roles in good order.
package main
