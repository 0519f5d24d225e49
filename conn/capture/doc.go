// Package capture holds recorded sessions of other implementations and replays
// them: real bytes of real peers against the machines of this repository, without
// any peer installed. It is for tests, and for the recorder in cmd/interop.
//
//	recording (cmd/interop record)              replay (Replay)
//
//	        streams' users                              streams' users, who do what
//	              │                                       │        was recorded
//	   conn: muxer, multistream                    conn: muxer, multistream
//	              │◀── everything here                    │
//	   security channel                            a pipe in memory
//	              │                                       │
//	             TCP                               the recorded peer: one chunk a tick
//	              │                                       │
//	       go-libp2p, …                            a second decoder compares
//
// Ephemeral keys make the sealed bytes of two connections differ, so a session is
// recorded above the security channel. Handshakes are recorded below it, with the
// keys of Troupe's end, where that makes them repeatable; of TLS only the peer's
// certificate is kept. Those are replayed by the tests of the security channels,
// which have their captures in testdata/captures.
//
// # The text
//
//	capture 1
//	kind session              session, handshake or certificate
//	peer go-libp2p            who was recorded
//	version go-yamux v5.1.0   what it is made of; as many lines as there are
//	date 2026-01-02
//	dialer troupe             who opened the connection: troupe or peer
//	security /noise
//	muxer /yamux/1.0.0
//	early yes                 the muxer was agreed in the handshake; otherwise absent
//	key 0801…                 the peer's public key
//	local /ip4/127.0.0.1/…    the link's addresses, as Troupe has them
//	remote /ip4/127.0.0.1/…
//	own static 00…            a key of Troupe's end; as many lines as there are
//
//	> 0s                      a chunk that Troupe wrote, and when
//	  13 "/multistream/1.0.0\n"
//	< 1.2ms                   a chunk that Troupe read
//	  # 1 Data 3              a comment, for people: the frame that follows
//	  000000000000000100000003 6d*3
//	< 3ms end                 the peer closed the pipe
//
// A line of data is words: hex, hex*count for repetitions, text in Go's quotes.
// Where lines break means nothing. A chunk of Troupe stands where its writing
// began, one of the peer where its reading ended: so nothing stands before what it
// answers.
//
// # The replay
//
// A recording says, for every stream, what this end did to it: opened it with
// these offers, wrote these bytes, closed, reset with that code; and what it saw.
// The replay does the same to a real connection, in the order of each stream, and
// opens each stream when as many chunks of the peer have come as in the recording.
// Everything runs in virtual time: the peer's next chunk comes when nobody has
// anything left to do. So nothing depends on how fast, in which pieces or in how
// many frames this end speaks.
//
// What is compared, by decoders that share nothing with the machines:
//
//   - what the streams' users see: bytes, ends, resets with their codes, refusals;
//   - what goes out: streams, offers and answers of multistream-select, bytes,
//     closes, resets, answers to openings and to pings; as a whole at the end, and
//     before each chunk of the peer everything that had gone out before it;
//   - that nothing goes out beyond the windows of yamux, after a close, on a
//     stream that nobody opened;
//   - why the connection ends.
//
// # Limits
//
//	data in one capture     8 MiB ([MaxData]), repetitions counted in full
//	a replay                30 s of virtual time, then what is stuck is named
//	muxers                  yamux and mplex
//
// What a recording cannot show: whether a peer of today would take other bytes
// than those that were recorded. For that there is the matrix of cmd/interop.
package capture
