// Package plaintext is for tests only and never stands in a default list: it
// encrypts nothing and proves nothing (/plaintext/2.0.0; libp2p specs,
// plaintext/README.md).
//
//	dialer                                     listener
//	  │ length, Exchange { id, pubkey } ─────────▶ │
//	  │ ◀───────── length, Exchange { id, pubkey } │
//	  │ ◀──────────── bytes as they are ─────────▶ │
//
// Each end checks that the id is made from the key, and that it is the wanted
// one. Nobody shows that he holds the key: anyone can claim to be anyone, and a
// host that offers this channel beside a secure one can be made to use it.
//
// The specs let both ends send at once. Here the listener reads first, which
// every dialer allows that keeps to the specs, so that the exchange also works
// over a pipe without a buffer.
//
// Limits: an Exchange has at most 16 KiB, its length is a minimal varint, and
// memory is taken as bytes arrive. There is no time limit here: the context and
// the pipe's deadline are the caller's.
package plaintext
