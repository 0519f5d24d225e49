// Package tls is the security channel /tls/1.0.0: TLS 1.3 in which both ends
// prove who they are with certificates of their own making (libp2p specs,
// tls/tls.md). The cryptography and the state of TLS are crypto/tls.
//
//	dialer                                                       listener
//	  │ hello: no name, the muxers, "libp2p" ─────────────────────▶ │
//	  │ ◀── hello, chosen muxer, certificate, proof of its key ──── │
//	  │    checks certificate, signature, peer                      │
//	  │ certificate, proof of its key ────────────────────────────▶ │
//	  │                              checks certificate, signature  │
//	  │ ◀═══════════════════════ sealed records ══════════════════▶ │
//
// A certificate is signed by its own key, which has nothing to do with the key
// of the host. What ties the two is one extension, SignedKey: the host's public
// key and its signature over the certificate's (certificate.go makes it,
// check.go checks it). Names and chains mean nothing here. Ours holds nothing
// else than that extension: js-libp2p looks only at the first, and strict peers
// refuse critical ones they do not know.
//
// The dialer is done when its last message is written, before the listener has
// looked at its certificate. A dialer that is refused learns it from its first
// Read, as a [*negotiate.HandshakeError]; what it wrote until then was read by
// nobody (tls/tls.md, "Peer Authentication"). What the listener says is
// believed only if the alert arrives: a pipe that breaks first gives its own
// error.
//
// Muxers are agreed with ALPN, in the clear, see [Muxers]. "libp2p" among the
// names stands for a multistream-select after the handshake.
//
// What is refused: TLS 1.2 and older; no certificate or more than one; one that
// is not signed by its own key, not valid now, without SignedKey, or with a
// critical extension that crypto/x509 does not know; keys other than P-256,
// P-384, P-521, Ed25519 and RSA with 2048 to 8192 bits, before anything is
// computed with them; a host key that package peer refuses. Sessions are never
// resumed: that would skip the certificates.
//
// Limits: a handshake message has at most 64 KiB, one with certificates 256 KiB
// (crypto/tls); a SignedKey holds a key that package peer takes and a signature
// of at most 1 KiB; a record has 16 KiB. There is no time limit here: the
// context and the pipe's deadline are the caller's.
//
// Memory: crypto/tls keeps the buffer of the last record it received, up to
// 17 KiB a connection. What is sent together is gathered in a buffer of package
// buf, which goes back when the pipe has taken it.
//
// Not for simulations: crypto/tls takes some of its randomness from the
// operating system whatever it is given, so that no two handshakes have the same
// bytes. The certificate alone depends on nothing but the host's key, the clock
// and the randomness of the actor that makes it. Use package noise there.
//
// No private key is ever part of an error or of a formatted value.
package tls
