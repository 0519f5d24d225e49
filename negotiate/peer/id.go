package peer

import (
	"crypto/sha256"
	"encoding/hex"
)

// maxEmbedded is the size of an encoded public key up to which the ID holds the
// key itself; longer keys are hashed (libp2p specs, peer-ids/peer-ids.md, "Peer
// Ids").
const maxEmbedded = 42

// The two multihash codes an ID may start with (multiformats/multicodec, table.csv).
const (
	codeIdentity = 0x00
	codeSHA256   = 0x12
)

// An ID names a peer: the binary multihash of its public key, held as a string so
// that it compares with == and serves as a map key. The zero value means that the
// peer is unknown. An ID made by the functions of this package is valid; one made
// by conversion is checked with [ID.Validate].
//
// As a JSON value an ID is its base58 text. Go's JSON ignores that for map keys:
// convert them with [ID.String] first.
type ID string

// IDFromBytes takes the binary form, as identify, peer records and the /p2p part
// of a multiaddr carry it. Accepted are the two forms the specs define: identity
// with 1 to 42 bytes, and sha2-256. The bytes are copied. Error: *[IDError].
func IDFromBytes(b []byte) (ID, error) {
	if rule := checkID(b); rule != "" {
		return "", &IDError{Text: hex.EncodeToString(b[:min(len(b), 48)]), Rule: rule}
	}
	return ID(b), nil
}

// idOf derives the ID from an encoded public key (libp2p specs,
// peer-ids/peer-ids.md, "Peer Ids").
func idOf(encoded []byte) ID {
	if len(encoded) <= maxEmbedded {
		return ID(append([]byte{codeIdentity, byte(len(encoded))}, encoded...))
	}
	sum := sha256.Sum256(encoded)
	return ID(append([]byte{codeSHA256, sha256.Size}, sum[:]...))
}

// checkID returns the rule that b breaks, or nothing. Code and length are
// uvarints; every value allowed here takes one byte, so a longer form is an error.
func checkID[T []byte | string](b T) string {
	switch {
	case len(b) == 0:
		return "it is empty"
	case len(b) < 2:
		return "a multihash has a code and a length"
	case b[0] != codeIdentity && b[0] != codeSHA256:
		return "the hash must be identity or sha2-256"
	case int(b[1]) != len(b)-2:
		return "the length in the multihash differs from the bytes that follow"
	case b[0] == codeSHA256 && b[1] != sha256.Size:
		return "a sha2-256 digest has 32 bytes"
	case b[0] == codeIdentity && (b[1] == 0 || b[1] > maxEmbedded):
		return "an embedded key has 1 to 42 bytes"
	}
	return ""
}

// Validate checks the form of the multihash; it does not look into an embedded
// key. The zero ID is not valid. Error: *[IDError].
func (id ID) Validate() error {
	if rule := checkID(string(id)); rule != "" {
		return &IDError{Text: hex.EncodeToString([]byte(id[:min(len(id), 48)])), Rule: rule}
	}
	return nil
}

// Bytes returns a copy of the binary form.
func (id ID) Bytes() []byte { return []byte(id) }

// PublicKey takes the key out of an ID that embeds it: Ed25519 and Secp256k1.
// Errors: *[HashedIDError] for an ID that is a hash, *[IDError] for one that is
// no ID, *[KeyError] for one that embeds something else than a key.
func (id ID) PublicKey() (PublicKey, error) {
	if err := id.Validate(); err != nil {
		return nil, err
	}
	if id[0] != codeIdentity {
		return nil, &HashedIDError{ID: id}
	}
	return UnmarshalPublicKey([]byte(id[2:]))
}
