// Package negotiate is how two peers come to terms: multistream-select 1.0.0,
// which chooses a protocol, and the contract of the security channels, which
// prove who the remote is. It holds no goroutine and no clock.
//
//	                             Begin, Line, Gone              Write, Agreed, Refused, Failed
//	Dial        ──┐ ┌──────────┐ ─────────────────▶ ┌────────┐ ─────────────────┐
//	OfferLazily ──┼▶│ dialogue │                    │ Offer  │                  ▼
//	Listen      ──┘ │ (lines)  │ ─────────────────▶ │ Answer │ ─────────▶ one Write a turn
//	                └──────────┘                    └────────┘
//	                reads exactly the bytes         decides: pure, comparable, total
//	                of the negotiation
//
// A connection negotiates its security channel and its muxer this way, and a
// stream its protocol. The two machines are the whole of multistream-select;
// their tables are in docs/machines-multistream.md, printed from the code.
//
// # Bytes
//
// Everything is a line ([AppendLine], [DecodeLine]):
//
//	┌────────────────────┬──────────────┬──────┐   length: unsigned varint of text + newline,
//	│ length, 1-2 bytes  │ text, UTF-8  │ 0x0a │   minimal, 1 to 1024
//	└────────────────────┴──────────────┴──────┘
//
//	13 2f 6d 75 6c 74 69 73 74 72 65 61 6d 2f 31 2e 30 2e 30 0a    /multistream/1.0.0
//	07 2f 6e 6f 69 73 65 0a                                        /noise
//	03 6e 61 0a                                                    na
//	03 6c 73 0a                                                    ls
//	0a 03 2f 61 0a 04 2f 62 62 0a 0a                               the list /a, /bb
//
// # Flow
//
//	dialer                                        listener
//	   │ header, proposal           (one write)      │
//	   ├────────────────────────────────────────────▶│
//	   │           (one write)      header, proposal │   supported: the stream is the protocol's
//	   │◀────────────────────────────────────────────┤
//	   │                            header, na       │   not supported
//	   │◀────────────────────────────────────────────┤
//	   │ next proposal                               │
//	   ├────────────────────────────────────────────▶│   … until one is echoed, or the dialer
//	   │                                             │     has no more and closes
//
// "ls" instead of a proposal is answered with the list of names. This package
// answers it and never asks it.
//
// A lazy offer ([OfferLazily]) has one protocol and does not wait: data follows
// the proposal at once, and the first reader checks the answer
// ([Pending.Confirm]). A refusal must then reset the stream, because the remote
// reads that data as proposals; there is no second try.
//
// # Limits
//
//	line                       1024 bytes with its newline    MaxLine
//	proposals, "ls" included   16                             MaxProposals
//	headers from one side      2
//	bytes held back to write   1024 and one line
//	memory                     follows the bytes that arrived, not an announced length
//	time                       none of its own: the caller sets the deadline of the pipe
//
// # Errors
//
//	RefusedError      the remote supports nothing that was offered      nobody's fault
//	ProtocolError     the remote broke a rule                           the remote's
//	InterruptedError  the pipe ended, failed or passed its deadline     see its cause
//	ProposalError     these names cannot be offered                     the caller's
//	HandshakeError    a security handshake ended early                  the remote's if it names a rule
//
// # Traps with other implementations
//
//   - go and py send their header before they have read anything: headers cross,
//     and a header is never an answer. py starts its handshake again when a header
//     meets it in the middle, js answers every header with one, go says na to a
//     second one. So a second header is accepted and answered, and never sent.
//   - js takes a proposal without a header, and trims white space around names;
//     here the first is a fault and names are compared byte by byte.
//   - go answers ls with na, py with a list of its own form: nothing may depend
//     on ls.
//   - js takes any answer that is no echo for a refusal; here it is a fault, since
//     the two sides no longer talk about the same thing.
//   - rust refuses names without a leading slash.
//   - A dialer may close its writing side before it has read the answer (a
//     one-shot request); the answer must reach it all the same.
//   - Both ends dialing (simultaneous open) see a foreign proposal for an answer,
//     a fault, or with equal proposals take it for the echo, and the security
//     handshake fails. Either is a failed dial, to be tried again after a random
//     pause. The withdrawn /libp2p/simultaneous-connect is always refused.
//   - js waits for its time limit on an endless varint; here, as in go, the second
//     byte decides.
//
// Sources: libp2p specs, connections/README.md; multiformats/multistream-select,
// README.md.
package negotiate
