// Package muxer is the contract of stream multiplexers: many streams over one
// pipe. It decides and does nothing: a muxer is a [Machine], a plain value that
// takes one [Event] at a time and answers with ordered [Effect] values.
//
//	pipe ──Received──▶ ┌───────────────┐ ──Accept Deliver EOF PeerReset──▶ streams
//	                   │    Machine    │ ──Opened Refused Forget─────────▶
//	pipe ◀────Send──── │ mplex, yamux  │ ◀─Open Ready Consumed CloseWrite─ streams
//	                   │               │ ◀─CloseRead Reset────────────────
//	room ────Room────▶ │  ready ring   │ ──Pause Resume──────────────────▶ reader
//	clock ───Tick────▶ └───────────────┘ ──Drained Fatal─────────────────▶ connection
//
// The engine that drives machines is package conn: it owns the goroutines, the
// pipe, the lanes of the streams and the timer. The implementations are the
// packages below this one. Adding one means one package without a goroutine.
//
// # The loop
//
// The engine carries out all effects of one event, in order, before it steps
// the next event. It steps Received once a network read, however many frames
// the read holds. It steps Room whenever the next batch of outgoing bytes can
// be filled and [Machine.Pending] says that something waits; the machine
// answers with Send effects whose heads and bodies fit into that room. Bytes
// themselves never pass through the machine on the way out: a Send names a
// stream and a number of bytes, and the engine takes them from that stream's
// send lane. On the way in, Deliver carries views into the received buffer, each
// with a reference of its own.
//
// # The life of a stream
//
// A stream begins with Opened or Accept. It ends with exactly one Forget, after
// which no effect names it, except that a stream which was refused before it
// was accepted has its refusal sent in its name. The engine may go on handing
// events for a forgotten stream to the machine, because those race with its
// end; they are ignored. What was delivered before Forget and is unread then
// belongs to the reader of the stream.
//
// # Fairness
//
// Frames leave in this order: control frames, then data. The streams that have
// bytes waiting stand in a [Ring]; each turn sends one frame of at most
// [FairShare] bytes, or of at most Limits.Frame when one stream is alone.
//
// # Limits
//
// Every queue of a machine is bounded: streams by Limits.Inbound and
// Limits.Outbound, unread bytes by the windows of a muxer with flow control or else
// by Limits.StreamBuffer, control frames by a cap that the implementation states. A
// remote that breaks a rule ends the connection with Fatal and a [ProtocolError];
// the node lives on. A machine that has a last word for the remote answers Room
// with it after Fatal.
//
// Package muxertest has what tests of machines share.
package muxer
