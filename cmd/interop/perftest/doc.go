// Package perftest is Troupe's part in libp2p's performance tests, as the command
// "interop perf". It speaks both forms in which they start a program; in each the
// listener runs until it is stopped, and the dialer measures with host/perf.
//
//	dialer                                            listener
//	  │ ── TCP, security, muxer, /perf/1.0.0 streams ──▶ │
//	  │ the results on stdout, exit code 0               │ until SIGINT or SIGTERM
//
// # By flags
//
// test-plans (https://github.com/libp2p/test-plans, perf/README.md):
//
//	interop perf --run-server --server-address 0.0.0.0:4001
//	interop perf --server-address 192.0.2.7:4001 --transport tcp --upload-bytes N --download-bytes N
//
// The dialer prints a line of JSON every second and one at the end, whose time
// includes the connecting:
//
//	{"type":"intermediary","timeSeconds":1.000104513,"uploadBytes":73039872,"downloadBytes":0}
//	{"type":"final","timeSeconds":60.127230659,"uploadBytes":4382392320,"downloadBytes":0}
//
// Nobody tells the dialer who the listener is. Listeners of go-libp2p and this one
// have the identity whose Ed25519 seed is 32 zeros, and so that is who is dialed
// first; if another peer answers, it is taken as it is, in a connection of its
// own, and the time counts from then. The address may also be a multiaddr with
// /p2p and an ID, as the listener prints it. --security and --muxer choose among
// what Troupe has.
//
// # By the environment
//
// unified-testing (https://github.com/libp2p/unified-testing,
// docs/write-a-perf-test-app.md). It is obeyed when no flag is given:
//
//	IS_DIALER             "true" or "false"
//	REDIS_ADDR            HOST:PORT of a Redis server; redis:6379
//	TEST_KEY              the listener SETs TEST_KEY_listener_multiaddr, the dialer GETs it
//	TRANSPORT             "tcp"
//	SECURE_CHANNEL        "noise" or "tls"
//	MUXER                 "yamux" or "mplex"
//	LISTENER_IP           0.0.0.0
//	UPLOAD_BYTES          1073741824; so much in each of
//	UPLOAD_ITERATIONS     10
//	DOWNLOAD_BYTES        1073741824; so much in each of
//	DOWNLOAD_ITERATIONS   10
//	LATENCY_ITERATIONS    100, of one byte there and one back
//	DEBUG, DURATION       nothing
//
// A number that is empty or "null" is the one above. The dialer prints YAML: for
// upload and download gigabits a second, for the latency milliseconds, each with
// quartiles, the extremes without outliers, outliers, and all samples in order.
// All measurements use one connection; each is a stream.
//
// The rust and dotnet programs of unified-testing say two numbers at the beginning
// of a stream where the specification has one, and do not wait for the end of the
// upload. That is another protocol with the same name; it is not spoken here.
//
// # Exit codes
//
//	0  the dialer has measured; the listener was asked to stop
//	1  it failed, or was interrupted in the middle of a measurement
//	2  flags or environment are wrong, or ask for what Troupe does not have
//
// Everything that is no result goes to standard error.
//
// # Limits
//
// The listener serves as many bytes as are asked for, and keeps the other limits
// of host/perf: 64 streams, 8 of one peer, an hour each. A dialer waits 60 seconds
// for the address of a listener at Redis.
package perftest
