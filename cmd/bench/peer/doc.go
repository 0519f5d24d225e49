// Package peer is what the benchmark asks of an implementation, whether it is a
// whole host, a muxer alone, or bare TCP.
//
//	         dialing process                        listening process
//	Contender.Dialer ─▶ Dialer                Contender.Listen ─▶ Listener
//	                      │ Dial                                    │
//	                      ▼                                         ▼
//	                   Session ── Open(service) ──▶ Stream ══▶ Serve(service)
//
// [Serve] is the listening side of a stream, the same for all: no implementation
// has a handler of its own.
package peer
