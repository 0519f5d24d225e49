package peer

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/encoding/protowire"
)

func TestASealedEnvelopeOpensForItsDomainOnly(t *testing.T) {
	for _, key := range testKeys(t) {
		sealed, err := Seal(key, "a-domain", []byte{3, 2}, []byte("payload"))
		if err != nil {
			t.Fatal(err)
		}
		data := sealed.Marshal()
		got, err := OpenEnvelope(data, "a-domain")
		if err != nil {
			t.Fatal(err)
		}
		if got.Key.ID() != key.ID() || string(got.PayloadType) != "\x03\x02" || string(got.Payload) != "payload" {
			t.Errorf("got %+v", got)
		}
		if diff := cmp.Diff(data, got.Marshal()); diff != "" {
			t.Errorf("written again it differs: %s", diff)
		}
		for _, domain := range []string{"", "a-domai", "a-domain2", "b-domain"} {
			var wrong *EnvelopeError
			if e, err := OpenEnvelope(data, domain); !errors.As(err, &wrong) || wrong.Signer != key.ID() || e != nil {
				t.Errorf("for %q: %v, %v", domain, e, err)
			}
		}
	}
}

func TestAnyChangeOfAnEnvelopeBreaksIt(t *testing.T) {
	sealed, err := Seal(edKey(t), "a-domain", []byte("type"), []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	data := sealed.Marshal()
	for i := range 8 * len(data) {
		if e, err := OpenEnvelope(flip(data, i), "a-domain"); err == nil {
			t.Errorf("bit %d does not matter: %+v", i, e)
		}
	}
	for i := range data {
		if e, err := OpenEnvelope(data[:i], "a-domain"); err == nil {
			t.Errorf("%d bytes are enough: %+v", i, e)
		}
	}
}

func TestTheSignatureSeparatesDomainTypeAndPayload(t *testing.T) {
	// RFC/0002: each part after its length, so that no byte can change sides.
	want := append([]byte{2, 'd', 'o', 1, 't', 0x80, 0x01}, bytes.Repeat([]byte{'p'}, 128)...)
	got := signed("do", []byte("t"), bytes.Repeat([]byte{'p'}, 128))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	sealed, err := Seal(edKey(t), "domain", []byte("ab"), []byte("cd"))
	if err != nil {
		t.Fatal(err)
	}
	moved := &Envelope{Key: sealed.Key, PayloadType: []byte("a"), Payload: []byte("bcd"), Signature: sealed.Signature}
	if err := moved.Verify("domain"); !errors.Is(err, ErrSignature) {
		t.Errorf("a byte changed sides: %v", err)
	}
}

func TestAnEnvelopeMayHaveNoTypeAndNoPayload(t *testing.T) {
	sealed, err := Seal(edKey(t), "domain", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEnvelope(sealed.Marshal(), "domain"); err != nil {
		t.Error(err)
	}
}

func TestUnknownFieldsOfAnEnvelopeArePassedOver(t *testing.T) {
	sealed, err := Seal(edKey(t), "domain", []byte("type"), []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenEnvelope(append(sealed.Marshal(), 0x22, 1, 'x', 0x78, 1), "domain"); err != nil {
		t.Error(err)
	}
}

func TestAnEnvelopeThatIsNoneIsRefused(t *testing.T) {
	sealed, err := Seal(edKey(t), "domain", []byte("type"), []byte("payload"))
	if err != nil {
		t.Fatal(err)
	}
	data := sealed.Marshal()
	for name, data := range map[string][]byte{
		"empty":                nil,
		"no key":               data[2+36:],
		"an empty key":         append([]byte{0x0a, 0}, data[2+36:]...),
		"half a field":         data[:10],
		"a length of 2 GiB":    {0x0a, 0xff, 0xff, 0xff, 0xff, 0x07},
		"a group without end":  {0x0b, 0x0b, 0x0b},
		"longer than the most": append(data, unknownField(MaxEnvelopeSize)...),
	} {
		var wrong *EnvelopeError
		if e, err := OpenEnvelope(data, "domain"); !errors.As(err, &wrong) || e != nil {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
}

// unknownField is a field that a reader passes over, with that many bytes in it.
func unknownField(size int) []byte {
	return protowire.AppendBytes([]byte{0x7a}, make([]byte, size))
}

func TestAnEnvelopeThatNobodyWouldOpenIsNotSealed(t *testing.T) {
	key := edKey(t)
	for name, c := range map[string]struct {
		domain        string
		kind, payload int
	}{
		"no domain":            {"", 2, 10},
		"payload too long":     {"domain", 0, MaxEnvelopeSize + 1},
		"type too long":        {"domain", MaxEnvelopeSize + 1, 0},
		"too long as a whole":  {"domain", 0, MaxEnvelopeSize - 50},
		"much longer than all": {"domain", 10, 10 * MaxEnvelopeSize},
	} {
		var wrong *EnvelopeError
		e, err := Seal(key, c.domain, make([]byte, c.kind), make([]byte, c.payload))
		if !errors.As(err, &wrong) || e != nil {
			t.Errorf("%s: %v, %v", name, e != nil, err)
		}
	}
	// Key 2+36 bytes, signature 2+64, payload 4 bytes before it.
	largest, err := Seal(key, "domain", nil, make([]byte, MaxEnvelopeSize-108))
	if err != nil {
		t.Fatal(err)
	}
	if size := len(largest.Marshal()); size != MaxEnvelopeSize {
		t.Errorf("the largest has %d bytes, want %d", size, MaxEnvelopeSize)
	}
	if _, err := OpenEnvelope(largest.Marshal(), "domain"); err != nil {
		t.Error(err)
	}
}
