// Package mem is the transport inside one process: pipes in memory, for tests,
// for two hosts in one program, and for simulated networks.
//
//	NewNetwork ── Transport ─┬─ Listen ─▶ Listener ── Accept ─▶ Link
//	                         │               ▲ Offer              ║
//	                         └─ Dial ────────┴──────────▶ Link ═══╝ Pipe
//
//	Pipe    a.Write ─▶ direction ─▶ b.Read     each direction: bytes in pooled
//	        a.Read  ◀─ direction ◀─ b.Write    buffers, and when they arrive
//
// Addresses are /memory/N with a 64-bit number N, good within one [Network].
// Listening at /memory/0 picks a free number. The code 777 of /memory is not
// encoded alike by all implementations (multiaddr, protocols.csv): such an
// address is of no use to anybody else.
//
// # Pipes
//
// [Pipe] returns the two ends of a connection, each a [Conn]: a [net.Conn] with
// all the promises of package transport that can also be half-closed and reset,
// as TCP's can. There is no goroutine in it: who reads or
// writes waits on an [actor.Signal], so a pipe runs unchanged on goroutines, in
// a testing/synctest bubble and on the deterministic scheduler. Its clock, and
// the carrier it waits on, are those of the context it was made with; everybody
// who uses an end must run on the same carrier.
//
// With a [Delay] a direction takes time: it says when each piece arrives, and
// how much it takes at a time. Package sim builds its links on this.
//
// # Limits
//
// A direction holds at most Options.Limit bytes that nobody has read
// ([DefaultLimit]); a Write that finds it full waits. Memory is taken when bytes
// come and given back when they have been read. A listener holds at most
// [Backlog] links that nobody has accepted; a Dial that finds it full waits.
package mem
