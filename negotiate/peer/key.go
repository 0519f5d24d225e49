package peer

import (
	"bytes"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/negotiate/peer/pb"
)

// The sizes of encoded keys that are looked at. The largest that is accepted, RSA
// with 8192 bits, takes about 1.1 kB public and 4.7 kB private; the room above it
// lets the error name the number of bits instead of the number of bytes.
const (
	// MaxPublicKeySize is the most bytes of an encoded public key.
	MaxPublicKeySize = 4 << 10
	// MaxKeySize is the most bytes of an encoded private key, and of a key file.
	MaxKeySize = 16 << 10
)

// A KeyType is the kind of a key, with its number on the wire (libp2p specs,
// peer-ids/peer-ids.md, "Keys").
type KeyType int32

const (
	// RSA keys have 2048 to 8192 bits here; old IPFS nodes have them.
	RSA KeyType = 0
	// Ed25519 is what every node supports and what [Generate] makes.
	Ed25519 KeyType = 1
	// Secp256k1 is Bitcoin's and Ethereum's curve.
	Secp256k1 KeyType = 2
	// ECDSA keys are on P-256, P-384 or P-521 here.
	ECDSA KeyType = 3

	// NoKeyType stands in errors for a key whose type could not be read.
	NoKeyType KeyType = -1
)

// String returns the name as the specs write it.
func (t KeyType) String() string {
	switch t {
	case RSA:
		return "RSA"
	case Ed25519:
		return "Ed25519"
	case Secp256k1:
		return "Secp256k1"
	case ECDSA:
		return "ECDSA"
	case NoKeyType:
		return "unreadable"
	}
	return fmt.Sprintf("type %d", int32(t))
}

// A PublicKey checks signatures and makes the ID of its peer. It is immutable
// and may be used from several goroutines. Two keys are the same when their IDs are.
type PublicKey interface {
	// Type is the kind of the key.
	Type() KeyType
	// ID is the peer ID that is made from the key.
	ID() ID
	// Verify returns nil if sig was made by this key over msg, and a *[KeyError]
	// with [ErrSignature] otherwise. It computes and does not wait.
	Verify(msg, sig []byte) error
	// Marshal returns the deterministic protobuf encoding, a fresh copy.
	Marshal() []byte
}

// A Key is a private key. It is immutable and may be used from several
// goroutines. Formatting it prints its type and ID, never its bytes.
type Key interface {
	// Type is the kind of the key.
	Type() KeyType
	// ID is the peer ID that is made from the public key.
	ID() ID
	// Public is the public key.
	Public() PublicKey
	// Sign signs msg; equal messages give equal signatures. It computes and does
	// not wait. Error: *[KeyError], for a key that cannot sign.
	Sign(msg []byte) ([]byte, error)
	// Marshal returns the protobuf encoding with the secret in it, a fresh copy:
	// the content of a key file.
	Marshal() []byte
}

// UnmarshalPublicKey reads the protobuf encoding of a public key. It accepts
// exactly what Marshal writes, because a second encoding of one key would make a
// second ID. Error: *[KeyError] with [ErrKeyEncoding], [ErrKeyType],
// [ErrKeySize] or [ErrKeyValue].
func UnmarshalPublicKey(data []byte) (PublicKey, error) {
	if len(data) > MaxPublicKeySize {
		return nil, tooLong(len(data), MaxPublicKeySize)
	}
	if kind, key, ok := splitPublic(data); ok {
		key, err := publicFrom(kind, bytes.Clone(key))
		if err != nil {
			return nil, err
		}
		return key, nil
	}
	// It is not what Marshal writes: what is wrong with it?
	m := new(pb.PublicKey)
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, &KeyError{Type: NoKeyType, Rule: ErrKeyEncoding, Err: err}
	}
	return nil, &KeyError{Type: KeyType(m.GetType()), Rule: ErrKeyEncoding}
}

// UnmarshalKey reads the protobuf encoding of a private key, the content of a
// key file. Errors: as [UnmarshalPublicKey]; no byte of the key is in them.
func UnmarshalKey(data []byte) (Key, error) {
	if len(data) > MaxKeySize {
		return nil, tooLong(len(data), MaxKeySize)
	}
	m := new(pb.PrivateKey)
	if err := proto.Unmarshal(data, m); err != nil {
		return nil, &KeyError{Type: NoKeyType, Rule: ErrKeyEncoding}
	}
	kind := KeyType(m.GetType())
	if !bytes.Equal(encodePrivate(kind, m.GetData()), data) {
		return nil, &KeyError{Type: kind, Rule: ErrKeyEncoding}
	}
	key, err := privateFrom(kind, m.GetData())
	if err != nil {
		return nil, err
	}
	return key, nil
}

// publicFrom makes a key of the Data field, which it keeps.
func publicFrom(kind KeyType, data []byte) (*publicKey, error) {
	switch kind {
	case RSA:
		return rsaPublic(data)
	case Ed25519:
		return ed25519Public(data)
	case Secp256k1:
		return secp256k1Public(data)
	case ECDSA:
		return ecdsaPublic(data)
	}
	return nil, &KeyError{Type: kind, Rule: ErrKeyType}
}

// privateFrom makes a key of the Data field, which it keeps.
func privateFrom(kind KeyType, data []byte) (*privateKey, error) {
	switch kind {
	case RSA:
		return rsaPrivate(data)
	case Ed25519:
		return ed25519Private(data)
	case Secp256k1:
		return secp256k1Private(data)
	case ECDSA:
		return ecdsaPrivate(data)
	}
	return nil, &KeyError{Type: kind, Rule: ErrKeyType}
}

func tooLong(got, most int) error {
	return &KeyError{Type: NoKeyType, Rule: ErrKeySize,
		Detail: fmt.Sprintf("%d bytes, at most %d are read", got, most)}
}

// publicKey is a public key of any type.
type publicKey struct {
	kind    KeyType
	encoded []byte // the protobuf
	id      ID
	verify  func(msg, sig []byte) bool
}

func newPublicKey(kind KeyType, data []byte, verify func(msg, sig []byte) bool) *publicKey {
	encoded := encodePublic(kind, data)
	return &publicKey{kind: kind, encoded: encoded, id: idOf(encoded), verify: verify}
}

func (k *publicKey) Type() KeyType   { return k.kind }
func (k *publicKey) ID() ID          { return k.id }
func (k *publicKey) Marshal() []byte { return bytes.Clone(k.encoded) }

func (k *publicKey) Verify(msg, sig []byte) error {
	if !k.verify(msg, sig) {
		return &KeyError{Type: k.kind, Rule: ErrSignature}
	}
	return nil
}

// String names the key without printing it.
func (k *publicKey) String() string { return k.kind.String() + " public key of " + k.id.String() }

// privateKey is a private key of any type. The secret stands in the two
// functions, where no formatting and no reflection finds it.
type privateKey struct {
	public *publicKey
	sign   func(msg []byte) ([]byte, error)
	secret func() []byte // the Data field of the protobuf
}

func (k *privateKey) Type() KeyType                   { return k.public.kind }
func (k *privateKey) ID() ID                          { return k.public.id }
func (k *privateKey) Public() PublicKey               { return k.public }
func (k *privateKey) Sign(msg []byte) ([]byte, error) { return k.sign(msg) }
func (k *privateKey) Marshal() []byte                 { return encodePrivate(k.public.kind, k.secret()) }

// String names the key without printing it.
func (k *privateKey) String() string {
	return k.public.kind.String() + " private key of " + k.public.id.String()
}

// Format prints the same for every verb and flag.
func (k *privateKey) Format(f fmt.State, _ rune) { io.WriteString(f, k.String()) }

// MarshalText keeps encoders from looking for fields.
func (k *privateKey) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// The fields of PublicKey (libp2p specs, peer-ids/peer-ids.md, "Keys").
const (
	typeField = 1
	dataField = 2
)

// encodePublic writes the two fields in the order of their numbers. Every
// connection reads and writes a key or two: without reflection that takes a tenth
// of the time, and a host can start without preparing the messages for it.
func encodePublic(kind KeyType, data []byte) []byte {
	b := make([]byte, 0, 8+len(data))
	b = protowire.AppendTag(b, typeField, protowire.VarintType)
	b = protowire.AppendVarint(b, uint64(kind)) // an enum is sign-extended
	b = protowire.AppendTag(b, dataField, protowire.BytesType)
	return protowire.AppendBytes(b, data)
}

// splitPublic is the opposite: ok is false for all that encodePublic does not
// write, a longer form of a number too. The key is a part of data.
func splitPublic(data []byte) (kind KeyType, key []byte, ok bool) {
	rest, ok := bytes.CutPrefix(data, []byte{typeField<<3 | byte(protowire.VarintType)})
	number, n := protowire.ConsumeVarint(rest)
	if !ok || n < 0 {
		return 0, nil, false
	}
	rest, ok = bytes.CutPrefix(rest[n:], []byte{dataField<<3 | byte(protowire.BytesType)})
	key, n = protowire.ConsumeBytes(rest)
	if !ok || n != len(rest) {
		return 0, nil, false
	}
	kind = KeyType(number)
	return kind, key, bytes.Equal(encodePublic(kind, key), data)
}

func encodePrivate(kind KeyType, data []byte) []byte {
	return marshal(&pb.PrivateKey{Type: pb.KeyType(kind).Enum(), Data: data})
}

// marshal writes a message with its fields in the order of their numbers, which
// the tests pin with the vectors of the specs. It cannot fail: every field is
// set and there is no text.
func marshal(m proto.Message) []byte {
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("peer: " + err.Error())
	}
	return data
}
