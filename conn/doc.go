// Package conn is an authenticated, multiplexed connection with one peer: an
// actor that upgrades a raw link and then runs it.
//
//	        permits to read (2)                              spent batches (2)
//	      ┌────────────────────────────────────┐     ┌─────────────────────────────┐
//	      ▼                                    │     ▼                             │
//	┌───────────┐   received             ┌─────┴──────────┐   batch          ┌─────┴──────┐
//	│  reader   │───────────────────────▶│     core       │─────────────────▶│   writer   │
//	│ reads,    │                        │ muxer machine, │                  │ seals,     │
//	│ decrypts  │                        │ one timer      │                  │ writes     │
//	└─────▲─────┘                        └─┬────────────▲─┘                  └─────┬──────┘
//	      │ pipe                    notices│            │commands                  ▼ pipe
//	                                       ▼            │
//	                               ┌────────────────────┴─┐  starts   ┌───────────┐
//	                               │  stream actors       │──────────▶│ handlers  │
//	                               └──────────────────────┘           └──┬─────▲──┘
//	  bytes:  core ──▶ receive lane ────────────────────────────── Read ─┼─────┘
//	          core ◀── send lane ◀──────────────────────────────── Write ┘
//
// # Life
//
// The actor's first phase is the upgrade (libp2p specs, connections/README.md):
// negotiate the security channel, secure, negotiate the muxer, under one
// deadline. Then its body is the core, with reader and writer in its fate group
// and a temporary child for each stream. Config.Up is called when it is open,
// Config.Down exactly once when it has ended, with the reason.
//
// Told to stop, the runtime ends the streams first (handlers are told, the
// streams close or reset), then the core: for at most Config.Drain it sends what
// is left, and the pipe's own word for the end where it has one
// ([negotiate.HalfCloser]); then it closes the link, and reader and writer leave.
// A link that the remote has ended already is told nothing more.
//
// # The loop
//
// The core waits in its mailbox and nowhere else. It takes what has come,
// serves local work before what was read, feeds each event to the muxer's
// machine and carries out all its effects before the next one. Then it fills
// batches as long as the machine has something to send and somebody can take
// it: one write for however many frames.
//
// Two short cuts save goroutines their hand-overs, which cost more than the work
// of a small message. The reader delivers what it has read ([actor.Mailbox.Deliver]):
// while the core waits, the reader runs the core's turn itself. And the core
// writes a batch of at most 2 KiB itself, if nobody else is writing and the pipe
// can be tried ([transport.TryWriter]); what the pipe does not take is the
// writer's. So there is a writer only once there is much to write.
//
// After a quarter of a second in which nothing has happened the writer ends and the
// core rests ([actor.Rest]): of an idle connection only the reader has a goroutine,
// with a buffer of 512 bytes. Over a pipe that says when there is something to read
// ([transport.Notifier]), as simulated ones do, the reader rests too, with neither.
//
// # Back-pressure
//
// Outbound: a slow socket keeps the writer's batches, so the core sends nothing,
// send lanes fill up, and Write waits. Inbound: a slow reader fills its receive
// lane; the muxer then withholds credit, or, without flow control (mplex), pauses
// the reader, so that nothing more is read from the socket.
//
// Nobody waits upwards: the core never waits for anybody; reader, writer, stream
// actors and users may wait for the core, and handlers for their stream.
//
// # Limits
//
//	upgrade                    10 s in all
//	commands waiting           64, then senders wait
//	reads under way            1, and 1 more read; of 512 bytes when idle, 64 KiB when busy
//	written by the core        2 KiB at once, and nothing while some of it is kept
//	batches under way          2, of at most 65483 bytes or 256 frames; less on a
//	                           slow pipe: what it takes in 1 ms, at least 16 KiB
//	written bytes a stream     64 KiB, then Write waits
//	unread bytes a stream      its window, or, without flow control,
//	                           muxer.Limits.StreamBuffer and one read
//	streams                    muxer.Limits.Inbound and Outbound
//	drain                      5 s
package conn
