// Package pypeer is the py-libp2p peer of the interop matrix: the releases in
// requirements.txt, with an adapter in Python that package bridge talks to.
//
//	┌─ interop peer --impl py ─┐                 ┌──────── peer.py (trio) ────────┐
//	│ checks ──▶ bridge.Peer   │═ unix socket ══▶│ frames.py ─▶ Adapter ─▶ Host   │══ TCP ══
//	│            bridge.Stream │═ unix socket ══▶│ frames.py ─▶ carry ─▶ NetStream│
//	└──────────────────────────┘                 └────────────────────────────────┘
//
// # Installing
//
// [Install] makes a virtual environment in the user's cache directory and has
// pip install what requirements.txt names; pip compares every file with the
// hashes there. It needs python3 of version 3.11 or later with the module venv,
// PyPI, and for fastecdsa, which has no wheel for Linux, a C compiler and the
// headers of GMP. If one of them is missing the error is an [install.Error].
//
// # What py-libp2p has
//
//	security   noise, tls, plaintext; not noise-early: after either handshake it
//	           negotiates the muxer by multistream-select, whatever was agreed
//	muxer      yamux, mplex
//
// # What the adapter does because of py-libp2p
//
//   - A reset, and the loss of the connection, reach the reader of a NetStream
//     as the end of the stream; the adapter asks the muxer which it was
//     (streams.py, _was_reset).
//   - A write on a stream of its mplex waits until the read under way has got
//     something; the adapter interrupts the read (turns.py).
//   - Pings are measured in the adapter: py-libp2p counts whole milliseconds.
//   - Identify is asked anew: py-libp2p keeps neither the observed address nor
//     the own end of a connection, which is looked up in the system's list.
//   - Its limits that depend on time and on free memory are off.
//
// # Limits
//
// A peer takes about two seconds to start. The process ends with its control
// connection.
package pypeer
