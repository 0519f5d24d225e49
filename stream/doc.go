// Package stream is one conversation: the handle that users hold, the actor that
// supervises it, and the machine that decides its life.
//
//	               Read, Write                    CloseWrite, Close, Reset
//	  user ───────────┬────────────── handle ──────────────┬───────────
//	                  │ bytes                              │ messages
//	                  ▼                                    ▼
//	              ┌────────┐   close, reset        ┌──────────────┐
//	              │  Body  │◀──────────────────────│ stream actor │  life machine
//	              │ (lanes)│                       └──────┬───────┘
//	              └───┬────┘    closed, reset, gone ▲     │ supervises
//	                  │                             │     ▼
//	connection ───────┴─────────────────────────────┘  handler
//
// Bytes go through the body, beside the actor; control goes by message through
// it. So a byte never waits for the actor, and the actor always knows how the
// conversation stands.
//
// # The life of a stream
//
// The actor first agrees with the remote on the protocol (multistream-select).
// On the listening side it then starts the protocol's [Handler] as its child; on
// the dialing side whoever opened the stream holds it. How a handler returns is
// what the remote sees:
//
//	nil              both halves are closed; if the remote does not close its own
//	                 within the linger time, the stream is reset
//	Refuse(code)     reset with that code
//	another error    reset; the error is shown in the tree
//	a panic          reset; the panic and its stack are shown in the tree
//	told to end      reset with CodeShutdown
//
// The table of states and events is in docs/machines-stream.md, printed from
// the code.
//
// # What ends a wait
//
// A Read or Write that waits ends with the stream's deadline, with the stream's
// context (on the listening side the handler's own self), with a reset by either
// end, and with the connection. The error says which: [os.ErrDeadlineExceeded],
// the context's cause, a [*ResetError], the connection's reason. A reset drops
// what has not been read; the end of a connection does not.
//
// # Messages
//
// What the actor hears (messages in actor.go): close write, close read and reset
// from the holder; closed, reset and gone from the connection; the handler's end,
// the deadline and the stop from the runtime. Each comes at most once, so its
// mailbox has a place for each and nobody ever waits for it. In between the actor
// rests ([actor.Mailbox.Serve]): an idle stream costs no goroutine but its
// handler's.
//
// # Limits
//
//	negotiation        10 s
//	linger             5 s after both own halves are closed
//	a handler's grace  5 s after it was told to end
//	bytes              by the connection: see packages conn and muxer
package stream
