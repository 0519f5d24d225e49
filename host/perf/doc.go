// Package perf measures how fast bytes go to a peer and back: /perf/1.0.0
// (libp2p specs, perf/perf.md).
//
//	dialer                                    listener
//	  │ how many bytes to send back, 8 bytes ───▶ │
//	  │ any bytes ──────────────────────────────▶ │  upload
//	  │ end of the dialer's half ───────────────▶ │  only now it answers:
//	  │ ◀───────────── as many bytes as asked for │  download
//	  │ ◀────────────── end of the listener's half │
//
// [Measure] is the dialer: it says every second what has moved, and at the end how
// long each direction took. [Start] is the listener. Times are those of the
// caller's clock ([actor.Now]), so that in a simulation they are virtual.
//
// # It is not there by itself
//
// The protocol lets others put a host to work, and so the specification wants it
// off unless somebody asks for it. No host serves it by default; one that shall
// is made with
//
//	host.Run("perf", func(self *actor.Self, h *host.Host) error {
//		return perf.Run(self, h.Swarm(), perf.Options{})
//	})
//
// or told later: perf.Start(h.Self(), h.Swarm(), perf.Options{}). Options.Allow
// says which peers may use it. Measuring needs no service.
//
// # The listener
//
// The handler of a stream is an actor of its own, below that stream; the service
// owns the route and counts. A handler has one block of 64 KiB, however much is
// asked for: what comes is dropped, what goes is zeros.
//
//	what is bounded                    default     when it is over
//	streams of one peer                8           refused: CodeResourceLimit
//	streams in all                     64          refused: CodeResourceLimit
//	bytes that one stream uploads      1 TiB       reset: CodeResourceLimit
//	bytes that one stream downloads    1 TiB       so many are sent, then reset: CodeResourceLimit
//	time in which 64 KiB must move     30 s        reset: CodeGarbageCollected
//	a stream as a whole                1 h         reset: CodeGarbageCollected
//	who is not allowed                 nobody      refused: CodeGated
//
// A count over the limit is not refused at once, because the largest number is a
// valid one: it asks for a download that lasts until the dialer ends it. A stream
// that ends within its first 8 bytes is reset with CodeProtocolViolation. None of
// these is a failure of the listener: its actor notes the reason and goes.
//
// # The dialer
//
// Errors are [*Error]; the result counts what has moved also when there is one.
// With a [*RefusedError] the listener named one of its limits: try later, or ask
// for less. When nothing moves for 30 seconds the stream is given up. A
// measurement by time instead of bytes is one whose context ends:
//
//	ctx, cancel := actor.WithTimeout(ctx, 20*time.Second)
//	defer cancel()
//	result, err := perf.Measure(ctx, s, to, 0, math.MaxUint64, nil) // err is the end of ctx
package perf
