// Package talk holds what two libp2p implementations must be able to say to
// each other, written once for all of them.
//
// An implementation joins by putting its host behind [Peer] and its streams
// behind [Stream]. Everything else is here: the test protocols with their
// handlers, and the checks that a dialing peer runs against a listening one.
//
//	        dialing process                        listening process
//	┌────────────────────────────┐          ┌────────────────────────────┐
//	│ Check.Run ──▶ Peer, Stream │══ TCP ══▶│ Peer, Stream ──▶ Handler   │
//	│                            │          │                     │      │
//	└─────────────┬──────────────┘          │ Recorder ◀── Ending ┘      │
//	              │                         └──────────┬─────────────────┘
//	       passed, or why not              how a handler ended: Check.Ended
//
// # Protocols
//
//	/troupe/echo/1.0.0         sends back every byte, then closes its write side
//	/troupe/discard/1.0.0      reads to the end, answers with the SHA-256 (32 bytes)
//	/troupe/source/1.0.0       reads a number n (8 bytes, big-endian) and the end, sends n bytes of Pattern(n)
//	/troupe/half-close/1.0.0   reads to the end, then answers: SHA-256 and 64 KiB of Pattern(1)
//	/troupe/close-first/1.0.0  sends 32 KiB of Pattern(2), closes its write side, then reads to the end
//	/troupe/reset/1.0.0        reads one byte, then resets the stream
//	/troupe/wait/1.0.0         sends one byte (w) to say that it has begun, then only reads, to the end
//
// # Limits
//
// A check has a time limit ([Check.Limit]), which its context and the deadlines
// of its streams carry. What a check is doing at any moment can be asked
// ([Progress]), so that a check that runs out of time says where it stood.
//
// # Kills
//
// In some checks ([Check.Kills]) one of the two processes is killed in the middle
// of a transfer. Run says when the moment has come ([WithUnderWay]); who runs the
// check does the killing. The survivor's stream must then fail, with [ErrReset] or
// [ErrConnEnded], within [KillLimit], and the connection must leave its list
// ([Gone]).
//
// # A trap of go-mplex
//
// github.com/libp2p/go-mplex has four inbound buffers for a whole connection,
// and a stream that is reset while data for it lies unread keeps one of them
// for ever. So a check that ends in a reset asks for an agreed stream
// ([Want].Eager): the answer to the negotiation is then read before the reset.
package talk
