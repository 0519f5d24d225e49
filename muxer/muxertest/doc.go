// Package muxertest is what the tests of muxer machines share.
//
//   - [Lines] prints events and effects as lines of text and reads them back.
//   - [Script] runs golden traces (package golden) over any machine.
//   - [World] joins two machines by two queues of bytes, plays the engine and the
//     users of both, and checks after every effect what must always hold.
//   - [Pair] and [Run] carry out operations on a world and settle it.
//   - [Explore] tries all orders of a few operations on small worlds, [Moves] are
//     the operations, [Search] is an exploration that must find nothing, and
//     [Faulty] plants faults that it must find.
//   - [Reading] holds a machine to a second writing of its rules, whatever bytes
//     come in whatever pieces.
//   - [Tables] prints the tables of states and events, [Load] measures.
//
// The picture of a world:
//
//	users' model ──events──▶ ┌───────────┐ ──frames──▶ queue ─▶ ┌───────────┐
//	lanes as counters        │ machine a │                      │ machine b │
//	effects checked ◀─────── └───────────┘ ◀─ queue ◀──frames── └───────────┘
//
// Nothing here is specific to one muxer: a world looks at effects and bytes
// that come out, never into a frame. It is pure like the machines: time is a
// number that an operation advances, and every choice comes from the caller.
//
// # What a world checks
//
//   - Bytes arrive in order, unchanged, on the right stream, and none is lost
//     unless the stream was reset or its reader had closed.
//   - EOF comes after the last byte that the other end wrote, once, and only
//     when the other end closed.
//   - A stream begins with Opened or Accept and ends with one Forget; no effect
//     names it after that, or after it was reset, or delivers to it after
//     CloseRead or EOF.
//   - The frames of one Room fit into it and take no byte that is not in the
//     lane; Pending tells whether there will be any.
//   - Unread bytes stay within the stated bound; Pause and Resume alternate; a
//     paused machine has a deadline.
//   - Two honest machines never accuse each other.
//   - When both users are done, every stream is forgotten at both ends.
package muxertest
