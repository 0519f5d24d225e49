package peer

import (
	"bytes"
	"fmt"

	"github.com/multiformats/go-varint"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/negotiate/peer/pb"
)

// MaxEnvelopeSize is the most bytes of an envelope that is sealed or opened. The
// specs set no limit (RFC/0002); identify, the largest carrier, takes 8 KiB.
const MaxEnvelopeSize = 64 << 10

// An Envelope is a payload signed by a peer for one purpose, the domain, which
// both ends know and which is not sent (libp2p specs, RFC/0002). One made by
// [Seal] or [OpenEnvelope] is complete and its signature holds. It is read only.
type Envelope struct {
	Key         PublicKey // of the signer; Key.ID() is who signed
	PayloadType []byte    // says how to read the payload, may be empty
	Payload     []byte
	Signature   []byte
}

// Seal signs a payload for a domain. It keeps payloadType and payload. Errors:
// *[EnvelopeError] for an empty domain or an envelope over [MaxEnvelopeSize], and
// the key's own.
func Seal(key Key, domain string, payloadType, payload []byte) (*Envelope, error) {
	fail := func(rule string, err error) (*Envelope, error) {
		return nil, &EnvelopeError{Signer: key.ID(), Rule: rule, Err: err}
	}
	if domain == "" {
		return fail("the domain is empty", nil)
	}
	if len(payloadType)+len(payload) > MaxEnvelopeSize {
		return fail(tooBig(len(payloadType)+len(payload)), nil)
	}
	sig, err := key.Sign(signed(domain, payloadType, payload))
	if err != nil {
		return fail("it cannot be signed", err)
	}
	e := &Envelope{Key: key.Public(), PayloadType: payloadType, Payload: payload, Signature: sig}
	if size := len(e.Marshal()); size > MaxEnvelopeSize {
		return fail(tooBig(size), nil)
	}
	return e, nil
}

// OpenEnvelope reads an envelope and checks that its signature holds for the
// domain. The caller still has to look at PayloadType and at who signed. Error:
// *[EnvelopeError], around *[KeyError] when key or signature are wrong.
func OpenEnvelope(data []byte, domain string) (*Envelope, error) {
	e, err := parseEnvelope(data)
	if err != nil {
		return nil, err
	}
	if err := e.Verify(domain); err != nil {
		return nil, err
	}
	return e, nil
}

// Verify checks the signature for a domain. Error: *[EnvelopeError] around
// *[KeyError] with [ErrSignature].
func (e *Envelope) Verify(domain string) error {
	if domain == "" {
		return &EnvelopeError{Signer: e.Key.ID(), Rule: "the domain is empty"}
	}
	if err := e.Key.Verify(signed(domain, e.PayloadType, e.Payload), e.Signature); err != nil {
		return &EnvelopeError{Signer: e.Key.ID(), Rule: fmt.Sprintf("not signed for the domain %q", domain), Err: err}
	}
	return nil
}

// Marshal returns the deterministic protobuf encoding.
func (e *Envelope) Marshal() []byte {
	return marshal(&pb.Envelope{
		PublicKey:   e.Key.Marshal(),
		PayloadType: e.PayloadType,
		Payload:     e.Payload,
		Signature:   e.Signature,
	})
}

// parseEnvelope reads an envelope without checking the signature. The RFC does
// not forbid further fields, so they are passed over.
func parseEnvelope(data []byte) (*Envelope, error) {
	if len(data) > MaxEnvelopeSize {
		return nil, &EnvelopeError{Rule: tooBig(len(data))}
	}
	m := new(pb.Envelope)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return nil, &EnvelopeError{Rule: "it is not an envelope", Err: err}
	}
	key, err := UnmarshalPublicKey(m.GetPublicKey())
	if err != nil {
		return nil, &EnvelopeError{Rule: "the signer's key is wrong", Err: err}
	}
	return &Envelope{
		Key:         key,
		PayloadType: m.GetPayloadType(),
		Payload:     m.GetPayload(),
		Signature:   m.GetSignature(),
	}, nil
}

// signed returns the bytes a signature is made over: domain, type and payload,
// each after its length as a uvarint (RFC/0002, "Signature Production").
func signed(domain string, payloadType, payload []byte) []byte {
	var b bytes.Buffer
	for _, part := range [][]byte{[]byte(domain), payloadType, payload} {
		b.Write(varint.ToUvarint(uint64(len(part))))
		b.Write(part)
	}
	return b.Bytes()
}

func tooBig(size int) string {
	return fmt.Sprintf("%d bytes, at most %d are allowed", size, MaxEnvelopeSize)
}
