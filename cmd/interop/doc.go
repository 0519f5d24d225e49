// Command interop lets Troupe and other implementations of libp2p talk to each
// other, over real TCP and in separate processes, and says what works.
//
//	interop run                    the matrix: a table, exit code 0 only if all is well
//	interop run --peer js          one column of it
//	interop run --json FILE        and a file for programs
//	interop run --markdown FILE    and a page for people: docs/interop.md
//	interop list                   the checks and what each shows
//	interop install js             install what a column needs; run does it by itself
//	interop peer --impl go         one peer, driven by JSON lines (what run starts)
//	interop record --impl go       record sessions and handshakes for the tests of the main module
//	interop perf --run-server      take part in libp2p's performance tests (package perftest)
//
// The matrix:
//
//	{noise, noise-early, plaintext, tls} x {yamux, mplex} x
//	{go, js, py} x {Troupe dials it, it dials Troupe} x checks
//
// For each cell run starts two copies of this program, a listener and a dialer,
// and drives them:
//
//	            ┌───────────────── interop run ─────────────────┐
//	            │ connect, check, disconnect        await an end │
//	  JSON lines ▼                                              ▼ JSON lines
//	┌──────────────────────┐                      ┌──────────────────────┐
//	│ interop peer: dialer │════════ TCP ════════▶│ interop peer: listener│
//	└──────────────────────┘                      └──────────────────────┘
//
// A check has a connection of its own. After it one byte must come back over the
// same connection: so a check that passes by breaking the connection fails. After
// a check that fails, both processes are replaced. At the end of a cell both must
// stop by themselves and without an error.
//
// In the last checks one of the two is killed in the middle of a transfer: the
// other one must see its stream fail and must go on, see killing.go.
//
// A check is "passed"; "failed", with a reason; "cannot", if it fails for a reason
// that lies in the other implementation and is in the table of known.go; or "not
// run", with a reason. What was not run is never shown as passed, and makes the
// exit code 1 as a failure does. --optional accepts that an implementation cannot
// be installed. After Ctrl-C the table and the files have what was done until
// then, and the exit code is 130.
//
// The tests of this module let Troupe and go-libp2p also meet in one process and
// in virtual time, over simulated links, with the same checks: bubble_test.go.
//
// This is a Go module of its own, so that go-libp2p is no dependency of Troupe.
// The checks and what they need of an implementation are in package talk, the
// go-libp2p peer is in package gopeer; those in other languages, jspeer and
// pypeer, are adapters behind package bridge, and install themselves.
//
// # Limits
//
// Every step has a time limit. A peer that does not keep it by itself is ended
// after another two seconds (limits.grace) and its goroutines are shown with
// --verbose.
package main
