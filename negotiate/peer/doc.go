// Package peer is who somebody is: keys, the IDs made from them, the files they
// are kept in, and what a peer signs about itself.
//
//	         Generate, LoadKey                  Marshal                 ≤ 42 bytes: as it is
//	entropy ───────────────────▶ Key ─Public─▶ PublicKey ──▶ protobuf ──────────────────────▶ ID
//	 or file                      │                │                     longer: SHA-256
//	                              │ Sign           │ Verify
//	                              ▼                ▼
//	            domain + payload ───▶ Envelope ───▶ checked payload, for example a Record
//
// The pieces:
//
//   - [ID] is the binary multihash of a public key. As text it is base58
//     (12D3Koo…) or a CID (bafz…); [ParseID] reads both. [ID.Short] is for people.
//   - [PublicKey] and [Key] come in four kinds: Ed25519, Secp256k1, ECDSA and RSA.
//     New keys are Ed25519. Only the one deterministic encoding of a key is read,
//     so a peer has one ID. A private key does not print: every way of formatting
//     it gives its kind and ID, and no error quotes it.
//   - [LoadOrCreateKey] keeps a key in a file: the raw protobuf, mode 0600, put in
//     place whole or not at all, never overwritten.
//   - [Info] is a peer with its addresses; [ParseInfo] reads it from a multiaddr
//     that ends in /p2p/ID, [SplitAddr] cuts that end off.
//   - [Envelope] is a signed payload, [Record] a peer's signed list of addresses.
//     [OpenRecord] reads the form that is in use and the one in the RFC's text;
//     [SealRecord] writes the first.
//
// Where it differs from what some implementations do: an ID whose multihash is
// neither identity (at most 42 bytes) nor sha2-256 is refused; the sha2-256 ID of
// a key that is short enough to be embedded names another peer, so the handshake
// ends with a [MismatchError]; a Secp256k1 signature with the higher of the two
// possible s is refused (BIP 62).
//
// Nothing here starts goroutines, keeps state or waits, except on the disk for key
// files and on the reader that entropy comes from. All values may be shared.
//
// Limits, all checked before the work they bound:
//
//	RSA modulus            2048 to 8192 bits    MinRSABits, MaxRSABits
//	ECDSA curves           P-256, P-384, P-521
//	encoded public key     4 KiB                MaxPublicKeySize
//	private key, key file  16 KiB               MaxKeySize
//	text of an ID          400 characters
//	text of an address     4 KiB
//	envelope, record       64 KiB               MaxEnvelopeSize
//	addresses in a record  256                  MaxRecordAddrs
//	address in a record    1 KiB, longer ones are left out
//
// Every error is one of the types in errors.go. A wrong signature or a bad key is
// the fault of whoever sent it; a [KeyFileError] says what to do on this machine.
//
// Sources: libp2p specs, peer-ids/peer-ids.md, RFC/0001, RFC/0002 and RFC/0003.
package peer
