// Package transporttest is what every transport must do, as checks that run
// against any implementation whose links are pipes.
//
//	func TestTransport(t *testing.T) { transporttest.Run(t, newTransport) }
//
//	        ┌──────────── a check: an actor and its children ────────────┐
//	World ─▶│ Listen ─▶ Dial ─▶ Accept ─▶ bytes, deadlines, Close … ─▶ error │
//	        └────────────────────────────────────────────────────────────┘
//
// The checks wait only through the transport and through package actor, so they
// run in three worlds:
//
//   - [Goroutines]: goroutines and the real clock, for every transport.
//   - [Bubble]: goroutines in a testing/synctest bubble, whose clock is virtual
//     and which fails when everybody waits for ever. For transports in memory.
//   - [Scheduler]: the deterministic carrier of package actor, which runs the same
//     steps again for the same seed ([Repeat]). For transports in memory.
//
// What is checked: bytes of all sizes arrive unchanged; both ends know both
// addresses; dialing where nobody listens is refused; contexts end Dial and
// Accept with their cause; Close ends whatever waits, at both ends, and loses no
// byte sent before; links outlive their listener; deadlines end calls that are
// under way, and the count of a cut Write is exact; many links and many readers
// and writers of one link do not mix bytes up.
//
// That no goroutine is left behind is for TestMain of the package that calls
// this one (go.uber.org/goleak).
//
// # Limits
//
// A call that would never return ends the check after [Patience], by a deadline.
// Links that are sessions are not checked.
package transporttest
