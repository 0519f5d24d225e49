// Package noise is the security channel /noise: it turns a byte pipe into one
// that is sealed and whose other end is known (libp2p specs, noise/README.md;
// Noise_XX_25519_ChaChaPoly_SHA256 with an empty prologue).
//
//	dialer                                                       listener
//	  │ 1  e ─────────────────────────────────────────────────────▶ │
//	  │ ◀──────────────────────── e, ee, s, es, payload, muxers  2  │
//	  │    checks signature, peer, muxers                           │
//	  │ 3  s, se, payload, the chosen muxer ──────────────────────▶ │
//	  │                               checks signature, muxer       │
//	  │ ◀═══════════════════════ sealed records ══════════════════▶ │
//
// Every message and every record has its length before it, two bytes,
// big-endian. A payload is a NoiseHandshakePayload (payload.proto): the sender's
// public key and its signature over the Noise static key, which ties the keys of
// the handshake to a peer ID.
//
// The handshake is a pure machine (handshake_machine.go): a message in, the next
// message, the session or a broken rule out. handshake.go is the loop around it.
// After that a [Conn] seals and opens records: conn.go, read.go, write.go.
//
//	head 2 │ sealed plaintext, 0 to 65519 │ tag 16
//
// Limits: message 1 has exactly 32 bytes; a payload has at most 16 KiB; a muxer
// list has at most 100 names; a record has at most 65535 bytes with its tag, and
// this end sends at most one byte less; a direction carries fewer than 2^64
// records. A length is never trusted before the bytes arrive. There is no time
// limit here: the context and the pipe's deadline are the caller's.
//
// Memory: an idle connection waits with a buffer of 4 KiB. Buffers come from
// package buf when bytes move and go back when they are empty.
//
// What is not kept: a static key never leaves memory and lives as long as its
// [Noise]. Ephemeral keys and the handshake's cipher keys are wiped where Go
// lets them be reached. No key is ever part of an error or of a formatted value.
//
// The bytes of a handshake depend on nothing but the identity, the options and
// 32 bytes of randomness each for the static and the ephemeral key, so that a
// simulation repeats them.
package noise
