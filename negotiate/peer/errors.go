package peer

import (
	"errors"
	"fmt"
)

// The rules a key can break; [KeyError] carries one, errors.Is finds it.
var (
	// ErrKeyEncoding: the bytes are not the one deterministic encoding of a key.
	ErrKeyEncoding = errors.New("not the deterministic encoding of a key")
	// ErrKeyType: the key's type is none of the four that libp2p knows.
	ErrKeyType = errors.New("unknown key type")
	// ErrKeySize: the key is smaller or larger than this package accepts.
	ErrKeySize = errors.New("key size outside the limits")
	// ErrKeyValue: well encoded, but the numbers inside do not make a key.
	ErrKeyValue = errors.New("not a valid key")
	// ErrSignature: the signature was not made by this key over this message.
	ErrSignature = errors.New("signature does not match")
)

// A KeyError says what is wrong with a key or with a signature made by it. Whose
// fault it is depends on where the bytes came from: a remote that sent them, or
// the local file they were read from. It never holds bytes of a private key.
type KeyError struct {
	Type   KeyType // what the key says it is, NoKeyType where that is unreadable
	Rule   error   // one of the Err… values above
	Detail string  // the limit or the number that broke the rule, may be empty
	Err    error   // the cause below, nil for private keys
}

func (e *KeyError) Error() string {
	text := e.Type.String() + " key: " + e.Rule.Error()
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the rule and the cause.
func (e *KeyError) Unwrap() []error { return causes(e.Rule, e.Err) }

// An IDError says why bytes or a text are not a peer ID.
type IDError struct {
	Text string // the offending text, or the bytes in hexadecimal; cut when long
	Rule string // the rule in words
	Err  error  // the cause below, may be nil
}

func (e *IDError) Error() string {
	text := fmt.Sprintf("%q is not a peer ID: %s", e.Text, e.Rule)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *IDError) Unwrap() error { return e.Err }

// A HashedIDError says that a public key cannot be taken out of an ID, because
// the ID is the SHA-256 of the key (RSA and ECDSA). The key has to come from the
// peer itself, in a handshake or with identify.
type HashedIDError struct{ ID ID }

func (e *HashedIDError) Error() string {
	return fmt.Sprintf("peer ID %s is the hash of its key: the key has to come from the peer", e.ID)
}

// A MismatchError says that the peer at the other end is not the one that was
// wanted, or that a record is signed by another peer than it describes. Either
// the address is stale or the remote claims to be somebody else.
type MismatchError struct {
	Want ID // the peer that was asked for
	Got  ID // the peer that proved itself
}

func (e *MismatchError) Error() string {
	return fmt.Sprintf("wanted peer %s, but this is %s", e.Want, e.Got)
}

// A KeyFileError says why a key file could not be used and what to do about it.
// It unwraps to the cause, so errors.Is(err, fs.ErrNotExist) and fs.ErrExist
// work. It never holds bytes of the key.
type KeyFileError struct {
	Path string
	Rule string // what is wrong
	Fix  string // what to do, may be empty
	Err  error  // the cause below, may be nil
}

func (e *KeyFileError) Error() string {
	text := fmt.Sprintf("key file %s: %s", e.Path, e.Rule)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	if e.Fix != "" {
		text += " (" + e.Fix + ")"
	}
	return text
}

// Unwrap returns the cause.
func (e *KeyFileError) Unwrap() error { return e.Err }

// An AddrError says why a text is not the address of a peer.
type AddrError struct {
	Text string // the offending text, cut when long
	Rule string // what is wrong or missing, with an example of a good address
	Err  error  // the cause below, may be nil
}

func (e *AddrError) Error() string {
	text := fmt.Sprintf("%q is not the address of a peer: %s", e.Text, e.Rule)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *AddrError) Unwrap() error { return e.Err }

// An EnvelopeError says why a signed envelope or the peer record inside it was
// refused. Unless it comes from sealing, the fault is that of whoever sent it.
type EnvelopeError struct {
	Signer ID     // whose key is in the envelope, empty where that is unreadable
	Rule   string // the rule in words
	Err    error  // the cause below: *KeyError, *IDError, *MismatchError or nil
}

func (e *EnvelopeError) Error() string {
	text := "signed envelope: "
	if e.Signer != "" {
		text = "signed envelope of " + e.Signer.String() + ": "
	}
	text += e.Rule
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *EnvelopeError) Unwrap() error { return e.Err }

// causes is the list of the errors that are there.
func causes(list ...error) []error {
	var some []error
	for _, err := range list {
		if err != nil {
			some = append(some, err)
		}
	}
	return some
}

// cut keeps an error text short, however long the input was.
func cut(text string) string {
	const most = 120
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
