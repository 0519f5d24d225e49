// Package hostile is a library of attackers. Each plays one attack on a host over a
// raw connection: in a simulation, or over real TCP against any host that speaks
// libp2p.
//
//	                 ┌──────────────── attack (an actor) ────────────────┐
//	Target.Dial ────▶│ raw link ─▶ multistream ─▶ security ─▶ multistream │
//	                 │     │                        with a       │       │
//	                 │     └── cases break in ──── valid key ────┤       │
//	                 │         anywhere here                 ─▶ frames   │──▶ Outcome
//	                 │                    reader (an actor) ◀───┘        │
//	                 └───────────────────────────────────────────────────┘
//
// A [Case] is data: what is done, which rule it breaks and where that is written
// down, and what a good host does about it, the [Verdict]. [All] are the cases,
// [Play] plays one. [Verdict.Check] holds the host to what its attacker can see,
// [Verdict.Explains] to the error that the host ends the connection with, which
// swarm.InboundFailed and swarm.ConnDown tell.
//
//	for _, c := range hostile.All() {
//		outcome, err := hostile.Play(self, c, hostile.Target{Dial: dial})
//		…
//		err = c.Good.Check(outcome)
//	}
//
// The attackers make their bytes themselves: lines, frames of yamux and mplex,
// messages of identify, certificates. What they use of this stack is only what gets
// them past the parts that a case is not about. They take clock and randomness from
// their actor, so that in a simulation the same seed gives the same attack.
//
// Point it at hosts that are yours, or whose owner has asked you to.
//
// # Limits
//
//	what a flood sends          1 MiB, or 16 MiB of what should be refused before; less when
//	                            the host takes nothing for a second
//	how long an attack lasts    Verdict.Within and a minute at most
//	who is attacked             listeners: the attackers dial
package hostile
