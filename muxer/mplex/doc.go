// Package mplex is the frame router of mplex, /mplex/6.7.0, as a pure machine:
// events in, ordered effects out ([muxer.Machine]). It starts nothing, waits for
// nothing and reads no clock; package conn drives it.
//
// mplex has no flow control and is deprecated by its own specification. It is
// here for old peers and because it is the simplest muxer there is. Prefer
// yamux.
//
// # The wire
//
// Source: libp2p specs, mplex/README.md.
//
//	frame   uvarint(id<<3 | flag)  uvarint(length)  body of length bytes
//
//	flag  name              sent by    body
//	0     NewStream         opener     a name, for people only
//	1     MessageReceiver   acceptor   data
//	2     MessageInitiator  opener     data
//	3     CloseReceiver     acceptor   empty
//	4     CloseInitiator    opener     empty
//	5     ResetReceiver     acceptor   empty
//	6     ResetInitiator    opener     empty
//
// Both ends number the streams they open from 0, so a number alone names two
// streams. The flag says whether the sender of the frame opened the stream, and
// nothing else decides whose stream it is. Opening needs no answer: data may
// follow at once. Close ends the sender's half; Reset ends both.
//
// # The picture
//
//	write half
//
//	Open     ┌─────────┐ CloseWrite ┌─────────┐ Close sent ┌────────┐
//	Accept ─▶│ sending ├───────────▶│ closing ├───────────▶│ closed │
//	         └────┬────┘            └────┬────┘            └───┬────┘
//	              └── Reset here, slow reader ──┬──────────────┘
//	                                            ▼
//	                                      ┌───────────┐ Reset sent
//	                                      │ resetting ├───────────▶ forgotten
//	                                      └───────────┘
//	read half
//
//	Open     ┌───────────┐ CloseRead ┌──────────┐
//	Accept ─▶│ receiving ├──────────▶│ dropping │
//	         └─────┬─────┘           └────┬─────┘
//	               └─── Close arrives ────┴────▶ ended
//
// A stream that is closed and ended is forgotten, and so is one whose Reset
// arrives, whatever its state. The table of every state and event is
// docs/machines-mplex.md; a test prints it.
//
// # What the specification leaves open, decided here
//
//   - Flag 7 has no meaning. It ends the connection with a [muxer.ProtocolError]:
//     whoever sends it has lost the frame boundaries or speaks something else,
//     and guessing would deliver garbage. (go-mplex skips such a frame,
//     rust-libp2p ends the connection, js-libp2p hangs.)
//   - Numbers are minimal varints of at most 9 bytes, so a stream's number is
//     below 2^60 ([MaxID]). Anything else ends the connection.
//   - A body over 1 MiB ([MaxBody]), whatever the flag, ends the connection as
//     soon as the length is read: no byte of the body is taken.
//   - NewStream for a stream that lives ends the connection. A number whose
//     stream has ended cannot be told from a fresh one and is accepted; this end
//     never uses a number twice.
//   - Data, Close and Reset for an unknown stream are drained and counted
//     ([Stats].Unknown): they race with a reset and every known peer ignores
//     them. A stream counts as unknown until its NewStream is sent.
//   - Data and a second Close after the remote's own Close are drained and
//     counted ([Stats].AfterClose); the stream lives on. It costs nothing here,
//     and a reset could destroy an answer that is on its way.
//   - A body on Close or Reset is drained; a message without bytes is ignored.
//   - The name of a stream is never stored: its bytes are skipped as they come.
//     The names sent are the decimal number, as go-libp2p sends them: every
//     known peer takes them.
//   - Streams over Limits.Inbound, and all new ones after GoAway, are refused
//     with a Reset; the connection lives on. mplex has no go-away frame.
//   - A stream that was opened and reset before its NewStream was sent never
//     shows on the wire.
//
// # A reader that is too slow
//
// Without flow control the only way to hold a sender back is to stop reading
// the connection, which holds every other stream back as well. The machine
// counts what was delivered and not yet consumed on each stream, and does what
// its [Overflow] policy says when that exceeds Limits.StreamBuffer:
// [PauseThenReset] pauses reading until the reader has caught up to half of the
// limit, for at most Limits.SlowReader, then resets that one stream;
// [ResetAtOnce] resets it immediately. Data for a stream whose user has closed
// the read half is dropped and not counted.
//
// # Limits
//
// Of a received frame the machine keeps two numbers, never bytes. Memory is one
// small record a stream, streams are bounded by Limits.Inbound and
// Limits.Outbound, and the unread bytes of one stream by Limits.StreamBuffer
// plus the read that exceeded it. Control frames that wait to be sent are at
// most two for each stream that lives (they are kept in its record) and
// [MaxRefusals] refusals; a remote that makes this end owe more and does not
// read them ends the connection. A frame in steady state allocates nothing.
package mplex
