// Command bench measures Troupe and its peers side by side, and says which bars
// are met.
//
//	bench run                        measure everybody: a table with the bars
//	bench run --rows 'noise: bulk'   only some rows
//	bench run --json F --markdown G  and files: everything, and a page with plots
//	bench list                       the rows, who takes part, the bars
//	bench plot F --markdown G        the page and the plots again, without measuring
//	bench compare A.json B.json      what differs between two runs
//
// A measurement has a listening and a dialing process of its own, so that neither
// side's garbage, goroutines or warm caches are another's:
//
//	             ┌────────────────── bench run ──────────────────┐
//	             │ what came of it           look at your memory │
//	  JSON lines ▼                                               ▼ JSON lines
//	┌─────────────────────┐                        ┌───────────────────────┐
//	│ bench drive: dialer │══════ loopback TCP ═══▶│ bench serve: listener │
//	└─────────────────────┘                        └───────────────────────┘
//
// All rows are measured, and then all again. What disturbs the machine for a while
// thus disturbs one round of many rows and not all rounds of one. Within a row the
// contenders take turns at being the first. Compared are medians over the rounds.
// The load average at the start of each row is in the JSON file.
//
// A bar is met, missed or open. Nobody wins by another's failure: a bar is missed
// if Troupe failed in any round, and open if it would be met but somebody whom it
// is against has no figure. The table names every failure and its reason.
//
// This is a Go module of its own, so that the peers are no dependencies of Troupe.
//
// # What a contender is configured with, and why
//
// Everybody gets TCP as Go sets it up (no delay, buffers as the system has them)
// and all cores. Everybody serves with the same code, [peer.Serve], through the
// reads and writes of its own streams. Limits on how many streams or connections
// there may be are lifted for all: rows of growth would measure the limits.
//
//   - troupe noise, tls, plain: a whole host with identify and ping, one security
//     channel, yamux with its default windows. Streams are opened as users do it:
//     with [host.Host.Open], which negotiates lazily when it may.
//   - go-libp2p noise, tls, plain: a whole host with identify and ping, the same
//     channel, its own yamux settings. It also negotiates lazily once identify has
//     told it the protocols. Left out is what Troupe has not got: relays, metrics,
//     the resource manager's accounting. All that makes go-libp2p faster and
//     smaller here than out of the box. Port reuse is off: it dials from its
//     listening port otherwise, and a port that waits after a close is refused.
//   - troupe yamux, mplex: a connection without security, with all its actors; on
//     each stream a protocol is negotiated lazily, which the other muxers spare:
//     they send one byte that names the service.
//   - go-yamux: with the settings that go-libp2p gives it, a window of 16 MiB at
//     most.
//   - hashicorp/yamux: a window of 16 MiB, too, since its default of 256 KiB would
//     limit it; an accept backlog that 100 streams at once do not fill.
//   - go-mplex, smux: as they are by default.
//   - raw TCP: a connection for each stream, made by opening it. It is what the
//     machine can do at most.
//   - raw TCP + ChaCha20-Poly1305: the same with records of up to 64 KiB, sealed in
//     place, with fixed keys and no handshake. It is what a stream of Noise can do
//     at most.
//   - troupe node, go-libp2p node: the two programs of minimal/, with TCP, Noise and
//     yamux, built with -trimpath and without symbols.
//
// # What a figure is
//
//   - MB/s: 10^6 bytes that the listener has read, until it has said that it has
//     read the last one. The amount is found by a warm-up, so that it fills the time.
//   - p50, p99: of round trips, one after another on one stream.
//   - bytes of an idle connection or stream: live heap after three garbage
//     collections, and stacks, now less before, divided by how many there are. The
//     first connection is there before: what is made once is not counted. An idle
//     stream has carried a message each way. They have been left alone for 3 s.
//   - wake-ups: voluntary context switches of the listening process, divided by
//     connections and seconds, from 3 s after the last connection was made: what
//     hosts tell each other at first is over by then. A connection that only sends
//     keep-alives has a few in 30 s.
//   - allocations: objects, of everything in the process, divided by Writes (at the
//     dialing side) and Reads (at the listening side).
//   - start: from the start of a process until it has printed its address, on a warm
//     file cache.
//
// # Plots
//
// Plots are SVG, made with gonum.org/v1/plot: it is kept by the Gonum project, has
// logarithmic axes with real numbers on them, bars for ranges and an SVG canvas,
// and draws without a browser, a font on the system or C.
//
// # Limits
//
// A measurement that takes longer than --limit has failed, and its processes are
// killed. Processes end with their standard input, so that none outlives the
// runner. CPU time and wake-ups are counted on Unix only; the load average is
// read on Linux only. Everything runs on one machine: the two processes share its
// cores, and nothing is said about a network's delay or loss.
//
// The hidden flags --cpuprofile and --heapprofile of run take a folder, and have
// every process write profiles there.
package main
