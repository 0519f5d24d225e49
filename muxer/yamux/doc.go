// Package yamux is the frame router of yamux, /yamux/1.0.0, as a pure machine:
// events in, ordered effects out ([muxer.Machine]). It starts nothing, waits for
// nothing and reads no clock; package conn drives it.
//
// yamux has flow control: each stream has a window in each direction, so a slow
// reader holds back its own stream and nobody else's. It is the muxer to prefer
// over TCP.
//
// # The wire
//
// Source: libp2p specs, yamux/README.md.
//
//	frame   version 0   type   flags     stream    length
//	        1 byte      1      2         4         4 bytes, big-endian; then the body
//
//	type  name           length              |  flag  name  meaning
//	0     Data           bytes of the body   |  1     SYN   a stream begins; a ping asks
//	1     WindowUpdate   bytes granted       |  2     ACK   it is accepted; a ping answers
//	2     Ping           a value to echo     |  4     FIN   the sender's half ends
//	3     GoAway         why                 |  8     RST   both halves end
//
// The dialer's streams are odd, from 1, the listener's even, from 2; 0 is the
// session. The flags mean the same on Data and on WindowUpdate. Opening needs no
// answer: data may follow at once. Both windows of a stream begin with 256 KiB;
// bodies count, heads do not. The length of an RST on a WindowUpdate is an error's
// code, as go-libp2p has it; any number is one.
//
// # The picture
//
//	write half
//
//	Open     ┌─────────┐ CloseWrite ┌─────────┐ FIN sent ┌────────┐
//	Accept ─▶│ sending ├───────────▶│ closing ├─────────▶│ closed │
//	         └────┬────┘            └────┬────┘          └───┬────┘
//	              └───── Reset here ─────┴───────────────────┘
//	                         ▼
//	                   ┌───────────┐ RST sent
//	                   │ resetting ├──────────▶ forgotten
//	                   └───────────┘
//	read half
//
//	Open     ┌───────────┐ CloseRead ┌──────────┐
//	Accept ─▶│ receiving ├──────────▶│ dropping │
//	         └─────┬─────┘           └────┬─────┘
//	               └──── FIN arrives ─────┴────▶ ended
//
//	a stream of this end:  waits for a place ─▶ SYN owed ─▶ SYN sent ─▶ answered
//	                       └─ unknown to the remote ────┘   └ one of 256 at most
//	a stream of the remote:  ACK owed ─▶ answered
//
//	a window, as the receiver sees it
//
//	├── unread ──┼─ consumed, not granted ─┼─────── allowed ───────┤
//	             └ half of the window: a WindowUpdate is owed
//
// A stream that is closed and ended is forgotten, and so is one whose RST arrives,
// whatever its state. The table of every state and event is
// docs/machines-yamux.md; a test prints it.
//
// # Windows
//
// A stream sends no more than it was granted. One without credit leaves the ring
// of those that wait for their turn, so it costs the others nothing, and
// [Machine.Pending] does not tell of it.
//
// What the user has read is granted again when it is at least half of the window.
// When half a window was consumed in less than four round trips, the window was
// the brake and doubles, up to Options.Window and as far as Limits.WindowBudget,
// which all streams of the connection share, allows. The round trip comes from
// pings of this end: one is sent when a window is granted again and there is no
// measure, or none of the last 30 s.
//
// Nothing is granted on a stream that the remote has closed, or that the user
// reads no more: what still comes is dropped and holds the remote back at its
// window, until the stream is reset.
//
// The engine may report what was read late, in steps of up to a quarter of the
// first window: the remote always has the rest.
//
// # Is anybody there
//
// When nothing was received for 30 s a ping is sent, and when nothing at all is
// received for another 10 s the connection ends with a [*muxer.SilentError]. Any
// byte is a sign of life; an answer only ends the asking. The deadline moves with
// ticks and not with reads, so a busy connection sets no timer. Answers to pings of
// the remote are sent before everything else, each with its value.
//
// # What the specification leaves open, decided here
//
//   - Opening: SYN, ACK, FIN and RST are sent on WindowUpdate frames, each in a
//     frame of its own, because peers are known that ignore what comes beside an
//     ACK or on a Data frame. The ACK is sent at once, not with the first data.
//   - At most 256 streams of this end are without an answer ([MaxBacklog]). An Open
//     above that is answered with Opened all the same, and its SYN waits inside the
//     machine; Limits.Outbound bounds these streams as all others. Any frame of the
//     remote on a stream is its answer.
//   - Streams over Limits.Inbound, and all new ones when the connection goes away,
//     are refused with an RST; the connection lives on.
//   - Bodies are sent with at most 16 KiB (Options.Frame). Received ones may be as
//     large as the window; one that is larger ends the connection as soon as its
//     head is there, also on a stream that is unknown, where the largest window
//     there is counts. A first frame that is too large leaves no stream behind.
//   - Frames for unknown streams are drained and counted ([Stats].Unknown) and never
//     answered: two ends that answered each other would not stop. A stream is
//     unknown until its SYN is sent, and when it has ended.
//   - A SYN with a number of the other end, or with one that lives, ends the
//     connection; so do bytes and windows for stream 0, a version that is not 0, a
//     type over 3, and credit over 2^32-1. A number whose stream has ended cannot
//     be told from a fresh one and is accepted; this end never uses a number twice,
//     and opens no more streams when they are used up.
//   - A frame with SYN and RST begins nothing. Flags without a meaning, and the
//     stream of a ping or go-away, are ignored.
//   - Data and a second FIN after the remote's own FIN are drained and counted
//     ([Stats].AfterClose).
//   - An answer to a ping that nobody waits for is ignored and counted.
//   - A received go-away with code 0 leaves the streams that live to their ends, as
//     the specification says; nothing new is opened from either end, and Drained
//     tells when the last stream is gone. (go, rust and py end the whole session
//     then, js every stream.) A stream whose SYN still waits is announced all the
//     same and left to the remote to refuse. With any other code the remote has
//     ended the connection: Fatal, with a [*muxer.GoAwayError].
//   - For the sake of those peers this end says go-away last of all, when its last
//     stream is gone: nothing that is still on its way is lost. Until then new
//     streams of the remote are refused one by one.
//   - A remote that breaks a rule is told with a go-away of code 1: after Fatal the
//     machine answers Room with that one frame.
//
// # Limits
//
//	unread bytes a stream    its window: 256 KiB, 16 MiB when it has grown
//	growth of all windows    Limits.WindowBudget, 32 MiB a connection
//	streams                  Limits.Inbound and Outbound
//	answers to pings owed    64 ([MaxPongs]), then the connection ends
//	refusals owed            4096 ([MaxRefusals]), then the connection ends
//	pings under way          1
//
// Of a received frame the machine keeps at most the 12 bytes of its head. Memory is
// one record a stream; the control frames that a stream owes are kept in it. A
// remote that opens and resets streams as fast as it can makes this end owe
// nothing. A frame in steady state allocates nothing.
package yamux
