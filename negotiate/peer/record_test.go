package peer

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer/pb"
)

// sealedRecord is the record that go-libp2p v0.51.0 seals for the Ed25519 key of
// the specs, sequence number 1, address /ip4/127.0.0.1/tcp/4001.
const sealedRecord = "0a24080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e120203011a360a260024080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e10011a0a0a08047f000001060fa12a404504e51a36806e8eba9344a743f2e1cbd0170d2632fb413f98101f6e3ff26d3da91f4eedebf36383fa5819438bce1d7398117236e52d2d1dfce98196294ac60e"

func record(t testing.TB, seq uint64, addrs ...string) Record {
	t.Helper()
	r := Record{ID: edKey(t).ID(), Seq: seq}
	for _, a := range addrs {
		r.Addrs = append(r.Addrs, mustAddr(t, a))
	}
	return r
}

// same compares records by their printed form.
func same(want, got Record) string {
	plain := func(r Record) []any { return []any{r.ID, r.Seq, texts(r.Addrs)} }
	return cmp.Diff(plain(want), plain(got))
}

// seal makes an envelope by hand, right or wrong.
func seal(t testing.TB, key Key, domain, kind string, payload []byte) []byte {
	t.Helper()
	e, err := Seal(key, domain, []byte(kind), payload)
	if err != nil {
		t.Fatal(err)
	}
	return e.Marshal()
}

func TestARecordIsSealedByteForByteAsGoDoes(t *testing.T) {
	r := record(t, 1, "/ip4/127.0.0.1/tcp/4001")
	data, err := SealRecord(edKey(t), r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(unhex(sealedRecord), data); diff != "" {
		t.Error(diff)
	}
	got, key, err := OpenRecord(unhex(sealedRecord))
	if err != nil {
		t.Fatal(err)
	}
	if diff := same(r, got); diff != "" {
		t.Error(diff)
	}
	if key.ID() != r.ID {
		t.Errorf("signed by %s", key.ID())
	}
}

func TestARecordOfAnyKeyOpensInBothForms(t *testing.T) {
	for _, key := range testKeys(t) {
		r := Record{ID: key.ID(), Seq: math.MaxUint64, Addrs: []ma.Multiaddr{
			mustAddr(t, "/ip4/1.2.3.4/tcp/4001"), mustAddr(t, "/ip4/1.2.3.4/udp/4001/quic-v1/p2p/"+shaText+"/p2p-circuit"),
		}}
		standard, err := SealRecord(key, r)
		if err != nil {
			t.Fatal(err)
		}
		legacy := seal(t, key, "libp2p-routing-state", "/libp2p/routing-state-record", r.Marshal())
		for form, data := range map[string][]byte{"standard": standard, "legacy": legacy} {
			got, signer, err := OpenRecord(data)
			if err != nil {
				t.Fatalf("%s: %v", form, err)
			}
			if diff := same(r, got); diff != "" {
				t.Errorf("%s: %s", form, diff)
			}
			if signer.ID() != key.ID() {
				t.Errorf("%s: signed by %s", form, signer.ID())
			}
		}
	}
}

func TestTheTwoFormsOfARecordDoNotMix(t *testing.T) {
	key, payload := edKey(t), record(t, 1).Marshal()
	for name, data := range map[string][]byte{
		"legacy type, standard domain": seal(t, key, "libp2p-peer-record", "/libp2p/routing-state-record", payload),
		"standard type, legacy domain": seal(t, key, "libp2p-routing-state", "\x03\x01", payload),
		"relay voucher":                seal(t, key, "libp2p-relay-rsvp", "\x03\x02", payload),
		"no type":                      seal(t, key, "libp2p-peer-record", "", payload),
	} {
		var wrong *EnvelopeError
		if r, key, err := OpenRecord(data); !errors.As(err, &wrong) || key != nil || r.ID != "" {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

func TestARecordOfAnotherPeerIsRefused(t *testing.T) {
	mine := edKey(t)
	theirs, err := Generate(seeded(6))
	if err != nil {
		t.Fatal(err)
	}
	r := record(t, 1, "/ip4/1.2.3.4/tcp/4001")
	var mismatch *MismatchError
	if data, err := SealRecord(theirs, r); !errors.As(err, &mismatch) || data != nil {
		t.Errorf("sealed with another key: %v", err)
	}
	_, key, err := OpenRecord(seal(t, theirs, recordDomain, recordType, r.Marshal()))
	if !errors.As(err, &mismatch) || key != nil {
		t.Fatalf("opened: %v", err)
	}
	if diff := cmp.Diff(MismatchError{Want: mine.ID(), Got: theirs.ID()}, *mismatch); diff != "" {
		t.Error(diff)
	}
	// Nor may the sha2-256 ID of a key stand for the ID that embeds it.
	hashed := idOf(append(mine.Public().Marshal(), make([]byte, 20)...))
	if _, _, err := OpenRecord(seal(t, mine, recordDomain, recordType, Record{ID: hashed}.Marshal())); !errors.As(err, &mismatch) {
		t.Errorf("with a hashed ID: %v", err)
	}
}

func TestTheSignatureIsCheckedBeforeTheRecordIsRead(t *testing.T) {
	data := seal(t, edKey(t), recordDomain, recordType, []byte("not a record at all"))
	var wrong *EnvelopeError
	if _, _, err := OpenRecord(data); !errors.As(err, &wrong) || errors.Is(err, ErrSignature) {
		t.Errorf("signed nonsense: %v", err)
	}
	data[len(data)-1] ^= 1
	if _, _, err := OpenRecord(data); !errors.Is(err, ErrSignature) {
		t.Errorf("nonsense with a wrong signature: %v", err)
	}
}

func TestAnUnreadableAddressIsLeftOutAndTheOthersStay(t *testing.T) {
	good := mustAddr(t, "/ip4/1.2.3.4/tcp/4001").Bytes()
	long := mustAddr(t, "/dns4/"+string(bytes.Repeat([]byte{'a'}, 2000))+"/tcp/1").Bytes()
	m := &pb.PeerRecord{PeerId: edKey(t).ID().Bytes(), Seq: 7}
	for _, addr := range [][]byte{
		{0xff, 0xff, 0x03, 1, 2, 3}, // no such protocol
		good,
		{},              // nothing
		{4, 1, 2},       // half an IPv4 address
		append(good, 6), // a protocol without its value
		long,
		good,
	} {
		m.Addresses = append(m.Addresses, &pb.PeerRecord_AddressInfo{Multiaddr: addr})
	}
	got, _, err := OpenRecord(seal(t, edKey(t), recordDomain, recordType, marshal(m)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := same(record(t, 7, "/ip4/1.2.3.4/tcp/4001", "/ip4/1.2.3.4/tcp/4001"), got); diff != "" {
		t.Error(diff)
	}
}

func TestUnknownFieldsOfARecordArePassedOver(t *testing.T) {
	r := record(t, 3, "/ip4/1.2.3.4/tcp/4001")
	got, err := UnmarshalRecord(append(r.Marshal(), 0x22, 1, 'x', 0x78, 1))
	if err != nil {
		t.Fatal(err)
	}
	if diff := same(r, got); diff != "" {
		t.Error(diff)
	}
}

func TestARecordWithTooManyAddressesIsRefused(t *testing.T) {
	full := record(t, 1)
	for i := range MaxRecordAddrs {
		full.Addrs = append(full.Addrs, mustAddr(t, fmt.Sprintf("/ip4/10.0.0.1/tcp/%d", i+1)))
	}
	data, err := SealRecord(edKey(t), full)
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := OpenRecord(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := same(full, got); diff != "" {
		t.Error(diff)
	}
	over := full
	over.Addrs = append(over.Addrs, mustAddr(t, "/ip4/10.0.0.1/tcp/9999"))
	var wrong *EnvelopeError
	if _, err := SealRecord(edKey(t), over); !errors.As(err, &wrong) {
		t.Errorf("sealed: %v", err)
	}
	if _, _, err := OpenRecord(seal(t, edKey(t), recordDomain, recordType, over.Marshal())); !errors.As(err, &wrong) {
		t.Errorf("opened: %v", err)
	}
	// Empty addresses, two bytes each, count as well.
	empty := append(record(t, 1).Marshal(), bytes.Repeat([]byte{0x1a, 0}, MaxRecordAddrs+1)...)
	if _, err := UnmarshalRecord(empty); !errors.As(err, &wrong) {
		t.Errorf("with empty ones: %v", err)
	}
}

func TestBytesThatAreNoRecordAreRefused(t *testing.T) {
	good := record(t, 1, "/ip4/1.2.3.4/tcp/4001").Marshal()
	for name, data := range map[string][]byte{
		"empty":                   nil,
		"no peer":                 good[2+38:],
		"a peer that is none":     {0x0a, 3, 1, 2, 3},
		"half a field":            good[:10],
		"a number over 64 bits":   append(bytes.Clone(good), 0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
		"an address that is text": append(bytes.Clone(good), 0x1a, 2, 0x0a, 9),
		"longer than the most":    append(bytes.Clone(good), unknownField(MaxEnvelopeSize)...),
	} {
		var wrong *EnvelopeError
		if r, err := UnmarshalRecord(data); !errors.As(err, &wrong) || r.ID != "" {
			t.Errorf("%s: %v, %v", name, r, err)
		}
	}
}

func TestASignedRecordIsWhatWasOpened(t *testing.T) {
	data := unhex(sealedRecord)
	signed, err := OpenSigned(data)
	if err != nil {
		t.Fatal(err)
	}
	if diff := same(record(t, 1, "/ip4/127.0.0.1/tcp/4001"), signed.Record()); diff != "" {
		t.Error(diff)
	}
	clear(data)
	if diff := cmp.Diff(unhex(sealedRecord), signed.Envelope()); diff != "" {
		t.Errorf("the envelope is not a copy: %s", diff)
	}
	data = unhex(sealedRecord)
	data[len(data)-1]++
	var wrong *EnvelopeError
	if signed, err := OpenSigned(data); signed != nil || !errors.As(err, &wrong) {
		t.Errorf("a wrong signature gives %v, %v", signed, err)
	}
}

func TestTheSignatureOfAnEnvelopeThatWasOpenedIsNotCheckedAgain(t *testing.T) {
	data, wrong := unhex(sealedRecord), unhex(sealedRecord)
	wrong[len(wrong)-1]++
	for name, c := range map[string]struct {
		data, known []byte
		opens       bool
	}{
		"the same":                          {data, data, true},
		"another one is known":              {data, wrong, true},
		"none is known":                     {data, nil, true},
		"wrong, another one is known":       {wrong, data, false},
		"wrong, none is known":              {wrong, nil, false},
		"wrong, but it was opened, it says": {wrong, wrong, true},
		"known, but no envelope":            {[]byte{1}, []byte{1}, false},
		"empty":                             {nil, nil, false},
	} {
		signed, err := OpenSignedAgain(c.data, c.known)
		if (err == nil) != c.opens {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !c.opens {
			continue
		}
		if diff := same(record(t, 1, "/ip4/127.0.0.1/tcp/4001"), signed.Record()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if diff := cmp.Diff(c.data, signed.Envelope()); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
