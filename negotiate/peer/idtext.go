package peer

import (
	"github.com/multiformats/go-multibase"
	"github.com/multiformats/go-varint"
)

// A CID with a peer ID inside is version 1 with the codec libp2p-key (libp2p
// specs, peer-ids/peer-ids.md, "String representation"; RFC/0001).
const (
	cidVersion     = 1
	codecLibp2pKey = 0x72
)

// maxIDText bounds a text before it is decoded, because decoding base58 costs the
// square of the length. The longest ID, 44 bytes as a CID in base 2, has 369
// characters.
const maxIDText = 400

// ParseID reads a peer ID in either text form: the base58 of the multihash, when
// it starts with "1" or "Qm", else a CIDv1 of codec libp2p-key in any multibase
// that is text (libp2p specs, peer-ids/peer-ids.md, "Decoding"). Error: *[IDError].
func ParseID(text string) (ID, error) {
	fail := func(rule string, err error) (ID, error) {
		return "", &IDError{Text: cut(text), Rule: rule, Err: err}
	}
	if text == "" {
		return fail("it is empty", nil)
	}
	if len(text) > maxIDText {
		return fail("it is longer than any peer ID", nil)
	}
	if text[0] == '1' || (text[0] == 'Q' && len(text) > 1 && text[1] == 'm') {
		_, hash, err := multibase.Decode("z" + text)
		if err != nil {
			return fail("it starts like base58, but is not", err)
		}
		if rule := checkID(hash); rule != "" {
			return fail(rule, nil)
		}
		return ID(hash), nil
	}
	base, cid, err := multibase.Decode(text)
	if err != nil || base == multibase.Identity {
		return fail("it must be base58 that starts with 1 or Qm, or a CID in multibase", err)
	}
	version, n, err := varint.FromUvarint(cid)
	if err != nil || version != cidVersion {
		return fail("the CID must have version 1", err)
	}
	codec, m, err := varint.FromUvarint(cid[n:])
	if err != nil || codec != codecLibp2pKey {
		return fail("the codec of the CID must be libp2p-key (0x72)", err)
	}
	hash := cid[n+m:]
	if rule := checkID(hash); rule != "" {
		return fail(rule, nil)
	}
	return ID(hash), nil
}

// String returns the base58 form, which the specs recommend for display
// (12D3Koo… for Ed25519), and the empty text for the zero ID.
func (id ID) String() string {
	if id == "" {
		return ""
	}
	return encode(multibase.Base58BTC, []byte(id))[1:]
}

// CID returns the newer text form, a CIDv1 in base32 (bafz…), and the empty text
// for the zero ID.
func (id ID) CID() string {
	if id == "" {
		return ""
	}
	return encode(multibase.Base32, append([]byte{cidVersion, codecLibp2pKey}, id...))
}

// Short returns a name for people, for logs and for names of actors: the first
// four and the last six characters of the base58 form. It does not identify the
// peer for certain. The zero ID is "unknown".
func (id ID) Short() string {
	text := id.String()
	switch {
	case text == "":
		return "unknown"
	case len(text) <= 10:
		return text
	}
	return text[:4] + "…" + text[len(text)-6:]
}

// MarshalText returns the base58 form; it never fails. The zero ID is an empty
// text, which UnmarshalText reads back.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.String()), nil }

// UnmarshalText reads what [ParseID] reads, and an empty text as the zero ID.
// Error: *[IDError].
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ""
		return nil
	}
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}

// encode writes b in a base that the multibase package knows, which cannot fail.
func encode(base multibase.Encoding, b []byte) string {
	text, err := multibase.Encode(base, b)
	if err != nil {
		panic("peer: multibase lost an encoding: " + err.Error())
	}
	return text
}
