package peer

import (
	"bytes"
	"fmt"

	ma "github.com/multiformats/go-multiaddr"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/negotiate/peer/pb"
)

// The two forms a peer record is sealed in. All implementations send the first;
// the text of RFC/0003 has the second, which rust-libp2p still makes by default.
const (
	recordDomain       = "libp2p-peer-record"
	recordType         = "\x03\x01" // multicodec libp2p-peer-record
	legacyRecordDomain = "libp2p-routing-state"
	legacyRecordType   = "/libp2p/routing-state-record"
)

// MaxRecordAddrs is the most addresses of a record. The specs set no limit; a
// peer that lists more costs everyone who dials it.
const MaxRecordAddrs = 256

// maxAddrSize is the most bytes of an address in a record; a longer one is left
// out like an unknown one, because printing it costs the square of its length.
const maxAddrSize = 1 << 10

// addressesField is the number of PeerRecord.addresses.
const addressesField = 3

// A Record is what a peer says of itself (libp2p specs, RFC/0003): its addresses,
// and a number that grows with every new record, so that the newest wins. Others
// may not take Seq for a time. Keeping only records with a greater Seq than the
// stored one, and only those of the peer that was asked, is the keeper's part.
type Record struct {
	ID    ID
	Seq   uint64
	Addrs []ma.Multiaddr
}

// Marshal returns the deterministic protobuf encoding.
func (r Record) Marshal() []byte {
	m := &pb.PeerRecord{PeerId: r.ID.Bytes(), Seq: r.Seq}
	for _, addr := range r.Addrs {
		m.Addresses = append(m.Addresses, &pb.PeerRecord_AddressInfo{Multiaddr: addr.Bytes()})
	}
	return marshal(m)
}

// UnmarshalRecord reads a record that is not sealed. An address that cannot be
// read, because its protocol is unknown or it is longer than 1 KiB, is left out;
// the others stay.
// Error: *[EnvelopeError] for more than [MaxRecordAddrs] addresses, a bad ID
// (around *[IDError]) or bytes that are no record.
func UnmarshalRecord(data []byte) (Record, error) {
	if len(data) > MaxEnvelopeSize {
		return Record{}, &EnvelopeError{Rule: tooBig(len(data))}
	}
	// Counted first: decoding makes some 100 bytes of every two-byte address.
	count, err := countAddrs(data)
	if err != nil {
		return Record{}, &EnvelopeError{Rule: "the payload is not a peer record", Err: err}
	}
	if count > MaxRecordAddrs {
		return Record{}, &EnvelopeError{Rule: tooManyAddrs(count)}
	}
	m := new(pb.PeerRecord)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return Record{}, &EnvelopeError{Rule: "the payload is not a peer record", Err: err}
	}
	id, err := IDFromBytes(m.GetPeerId())
	if err != nil {
		return Record{}, &EnvelopeError{Rule: "the record names no peer", Err: err}
	}
	r := Record{ID: id, Seq: m.GetSeq()}
	for _, info := range m.GetAddresses() {
		if len(info.GetMultiaddr()) > maxAddrSize {
			continue
		}
		addr, err := ma.NewMultiaddrBytes(info.GetMultiaddr())
		if err == nil && len(addr) > 0 {
			r.Addrs = append(r.Addrs, addr)
		}
	}
	return r, nil
}

// countAddrs counts the address fields without making anything of them.
func countAddrs(data []byte) (count int, err error) {
	for len(data) > 0 {
		number, _, n := protowire.ConsumeField(data)
		if n < 0 {
			return 0, protowire.ParseError(n)
		}
		if number == addressesField {
			count++
		}
		data = data[n:]
	}
	return count, nil
}

func tooManyAddrs(count int) string {
	return fmt.Sprintf("the record has %d addresses, at most %d are allowed", count, MaxRecordAddrs)
}

// SealRecord signs a record, in the form that all implementations read, and
// returns the encoded envelope. The record's ID must be the key's. Error:
// *[EnvelopeError], around *[MismatchError] for another ID.
func SealRecord(key Key, r Record) ([]byte, error) {
	if r.ID != key.ID() {
		return nil, &EnvelopeError{Signer: key.ID(), Rule: "a peer signs only its own record",
			Err: &MismatchError{Want: key.ID(), Got: r.ID}}
	}
	if len(r.Addrs) > MaxRecordAddrs {
		return nil, &EnvelopeError{Signer: key.ID(), Rule: tooManyAddrs(len(r.Addrs))}
	}
	e, err := Seal(key, recordDomain, []byte(recordType), r.Marshal())
	if err != nil {
		return nil, err
	}
	return e.Marshal(), nil
}

// OpenRecord reads an envelope with a peer record in either form, checks the
// signature before it looks at the record, and that the record is the signer's
// own (RFC/0003, "Certification"). It also returns the signer's key. Error:
// *[EnvelopeError], around *[KeyError] or *[MismatchError].
func OpenRecord(data []byte) (Record, PublicKey, error) { return openRecord(data, false) }

// openRecord does not check the signature when that was done before.
func openRecord(data []byte, checked bool) (Record, PublicKey, error) {
	e, err := parseEnvelope(data)
	if err != nil {
		return Record{}, nil, err
	}
	fail := func(rule string, err error) (Record, PublicKey, error) {
		return Record{}, nil, &EnvelopeError{Signer: e.Key.ID(), Rule: rule, Err: err}
	}
	var domain string
	switch {
	case bytes.Equal(e.PayloadType, []byte(recordType)):
		domain = recordDomain
	case bytes.Equal(e.PayloadType, []byte(legacyRecordType)):
		domain = legacyRecordDomain
	default:
		return fail(fmt.Sprintf("the payload type %q is not that of a peer record", cut(string(e.PayloadType))), nil)
	}
	if !checked {
		if err := e.Verify(domain); err != nil {
			return Record{}, nil, err
		}
	}
	r, err := UnmarshalRecord(e.Payload)
	if err != nil {
		return fail("the record cannot be read", err)
	}
	if r.ID != e.Key.ID() {
		return fail("the record is that of another peer", &MismatchError{Want: r.ID, Got: e.Key.ID()})
	}
	return r, e.Key, nil
}

// A SignedRecord is a record whose signature has been checked, with the envelope
// that proves it to others. Only [OpenSigned] makes one that says anything.
type SignedRecord struct {
	record   Record
	envelope []byte
}

// OpenSigned is [OpenRecord] for those who hand the record on: its signature,
// which is most of the work, need not be checked again. It keeps a copy of data.
func OpenSigned(data []byte) (*SignedRecord, error) {
	r, _, err := OpenRecord(data)
	if err != nil {
		return nil, err
	}
	return &SignedRecord{r, bytes.Clone(data)}, nil
}

// OpenSignedAgain is [OpenSigned] for those who have kept an envelope that it
// opened before: when data is the same, byte for byte, the signature is not checked
// a second time. An empty known is never the same.
func OpenSignedAgain(data, known []byte) (*SignedRecord, error) {
	if len(known) == 0 || !bytes.Equal(data, known) {
		return OpenSigned(data)
	}
	r, _, err := openRecord(data, true)
	if err != nil {
		return nil, err
	}
	return &SignedRecord{r, known}, nil
}

// Record is what is signed. Its addresses must not be changed.
func (s *SignedRecord) Record() Record { return s.record }

// Envelope is the encoded envelope. It must not be changed.
func (s *SignedRecord) Envelope() []byte { return s.envelope }

// Equal reports whether both are the same envelope, byte for byte; two nil records
// are equal.
func (s *SignedRecord) Equal(other *SignedRecord) bool {
	if s == nil || other == nil {
		return s == other
	}
	return bytes.Equal(s.envelope, other.envelope)
}
