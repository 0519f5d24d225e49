package peer

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTheKeysOfTheSpecsReadAndWriteByteForByte(t *testing.T) {
	for _, v := range specVectors() {
		t.Run(v.name, func(t *testing.T) { checkPair(t, v) })
	}
}

func TestTheKeysOfOpenSSLReadAndWriteByteForByte(t *testing.T) {
	for _, v := range foreignVectors(t) {
		t.Run(v.name, func(t *testing.T) { checkPair(t, v.vector) })
	}
}

// checkPair checks that both halves read, belong together, and write the bytes
// they were read from.
func checkPair(t *testing.T, v vector) {
	key := mustKey(t, v.private)
	pub, err := UnmarshalPublicKey(v.pub)
	if err != nil {
		t.Fatal(err)
	}
	if key.Type() != v.kind || pub.Type() != v.kind {
		t.Errorf("types %s and %s, want %s", key.Type(), pub.Type(), v.kind)
	}
	for name, diff := range map[string]string{
		"private":            cmp.Diff(v.private, key.Marshal()),
		"public":             cmp.Diff(v.pub, pub.Marshal()),
		"public of private":  cmp.Diff(v.pub, key.Public().Marshal()),
		"id of both":         cmp.Diff(pub.ID(), key.ID()),
		"id of the public":   cmp.Diff(pub.ID(), key.Public().ID()),
		"id against nothing": cmp.Diff(nil, pub.ID().Validate()),
	} {
		if diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if v.id != "" && key.ID().String() != v.id {
		t.Errorf("ID %s, want %s", key.ID(), v.id)
	}
	msg := []byte("a message")
	sig, err := key.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	if err := pub.Verify(msg, sig); err != nil {
		t.Error(err)
	}
	again, err := key.Sign(msg)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sig, again) {
		t.Error("a second signature of one message differs")
	}
}

func TestASignatureOfOpenSSLIsAccepted(t *testing.T) {
	for _, v := range foreignVectors(t) {
		pub, err := UnmarshalPublicKey(v.pub)
		if err != nil {
			t.Fatal(err)
		}
		err = pub.Verify([]byte(foreignMessage), v.sig)
		if v.name == "Secp256k1-high-s" {
			if !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %v", v.name, err)
			}
		} else if err != nil {
			t.Errorf("%s: %v", v.name, err)
		}
	}
}

func TestAnyFlippedBitBreaksASignature(t *testing.T) {
	for _, key := range testKeys(t) {
		t.Run(key.Type().String()+key.ID().Short(), func(t *testing.T) {
			random := seeded(2)
			for range 2 {
				msg := make([]byte, 20+random.Uint64()%40)
				random.Read(msg)
				sig, err := key.Sign(msg)
				if err != nil {
					t.Fatal(err)
				}
				step := 1
				switch { // for slow types some of the bits; coprime to 8
				case key.Type() == RSA || len(sig) > 80:
					step = 13
				case key.Type() == Secp256k1:
					step = 3
				}
				for i := 0; i < 8*len(sig); i += step {
					if key.Public().Verify(msg, flip(sig, i)) == nil {
						t.Errorf("bit %d of signature %x does not matter", i, sig)
					}
				}
				for i := 0; i < 8*len(msg); i += step {
					if key.Public().Verify(flip(msg, i), sig) == nil {
						t.Errorf("bit %d of message %x does not matter", i, msg)
					}
				}
				for _, other := range [][]byte{nil, sig[:len(sig)-1], append(bytes.Clone(sig), 0), append([]byte{0}, sig...)} {
					var wrong *KeyError
					err := key.Public().Verify(msg, other)
					if !errors.Is(err, ErrSignature) || !errors.As(err, &wrong) || wrong.Type != key.Type() {
						t.Errorf("signature of %d bytes in place of %d: %v", len(other), len(sig), err)
					}
				}
			}
		})
	}
}

func flip(b []byte, bit int) []byte {
	out := bytes.Clone(b)
	out[bit/8] ^= 1 << (bit % 8)
	return out
}

func TestASignatureOfAnotherKeyIsRefused(t *testing.T) {
	keys := testKeys(t)
	msg := []byte("a message")
	for _, signer := range keys {
		sig, err := signer.Sign(msg)
		if err != nil {
			t.Fatal(err)
		}
		for _, other := range keys {
			if err := other.Public().Verify(msg, sig); (err == nil) != (other.ID() == signer.ID()) {
				t.Errorf("signed by %v, checked by %v: %v", signer, other, err)
			}
		}
	}
}

func TestAnEncodingThatIsNotTheOneIsRefused(t *testing.T) {
	data := bytes.Repeat([]byte{7}, 32)
	field := append([]byte{0x12, 32}, data...)
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	kind := []byte{0x08, 1}
	for name, c := range map[string]struct {
		data []byte
		rule error
	}{
		"empty":                          {nil, ErrKeyEncoding},
		"no type":                        {field, ErrKeyEncoding},
		"no data":                        {kind, ErrKeyEncoding},
		"fields in the other order":      {join(field, kind), ErrKeyEncoding},
		"a type not minimally coded":     {join([]byte{0x08, 0x81, 0x00}, field), ErrKeyEncoding},
		"a length not minimally coded":   {join(kind, []byte{0x12, 0xa0, 0x00}, data), ErrKeyEncoding},
		"a field twice":                  {join(kind, kind, field), ErrKeyEncoding},
		"an additional field":            {join(kind, field, []byte{0x18, 0}), ErrKeyEncoding},
		"data of no bytes":               {append(kind, 0x12, 0), ErrKeySize},
		"half a field":                   {join(kind, field[:20]), ErrKeyEncoding},
		"a length beyond the end":        {join(kind, []byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x07}), ErrKeyEncoding},
		"a type that is no number":       {join([]byte{0x0a, 1, 1}, field), ErrKeyEncoding},
		"type 4":                         {join([]byte{0x08, 4}, field), ErrKeyType},
		"a type below zero":              {join([]byte{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, field), ErrKeyType},
		"RSA type left out as a default": {foreignVectors(t)[0].pub[2:], ErrKeyEncoding},
		"longer than any key":            {join(kind, make([]byte, 1<<20)), ErrKeySize},
	} {
		var wrong *KeyError
		if key, err := UnmarshalPublicKey(c.data); !errors.Is(err, c.rule) || !errors.As(err, &wrong) || key != nil {
			t.Errorf("public, %s: %v, %v; want %v", name, key, err, c.rule)
		}
		if key, err := UnmarshalKey(c.data); !errors.Is(err, c.rule) || !errors.As(err, &wrong) || key != nil {
			t.Errorf("private, %s: %v, %v; want %v", name, key, err, c.rule)
		}
	}
}

func TestGenerateTakesItsSeedFromTheEntropy(t *testing.T) {
	seed := specVectors()[0].private[4:36]
	key, err := Generate(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(specVectors()[0].private, key.Marshal()); diff != "" {
		t.Error(diff)
	}
	if _, err := Generate(bytes.NewReader(seed[:31])); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("from 31 bytes: %v", err)
	}
	one, err := Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := Generate(nil)
	if err != nil {
		t.Fatal(err)
	}
	if one.ID() == two.ID() {
		t.Error("two keys from the system's entropy are the same")
	}
}

func TestTheOlderFormOfAnEd25519KeyIsWrittenInTheNewer(t *testing.T) {
	now := specVectors()[0].private
	older := append(append([]byte{0x08, 1, 0x12, 96}, now[4:]...), now[36:]...)
	if diff := cmp.Diff(now, mustKey(t, older).Marshal()); diff != "" {
		t.Error(diff)
	}
	for name, i := range map[string]int{"second": 4 + 64, "first": 4 + 32} {
		broken := bytes.Clone(older)
		broken[i] ^= 1
		if key, err := UnmarshalKey(broken); !errors.Is(err, ErrKeyValue) {
			t.Errorf("the %s public key differs: %v, %v", name, key, err)
		}
	}
}

func TestBytesHandedOutAreCopies(t *testing.T) {
	for _, key := range testKeys(t) {
		private, public, id := key.Marshal(), key.Public().Marshal(), key.ID()
		clear(key.Marshal())
		clear(key.Public().Marshal())
		if diff := cmp.Diff(private, key.Marshal()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(public, key.Public().Marshal()); diff != "" {
			t.Error(diff)
		}
		// The bytes a key was read from may be used again, too.
		pub, err := UnmarshalPublicKey(public)
		if err != nil {
			t.Fatal(err)
		}
		sig, err := key.Sign([]byte("x"))
		if err != nil {
			t.Fatal(err)
		}
		clear(public)
		if err := pub.Verify([]byte("x"), sig); err != nil || pub.ID() != id {
			t.Errorf("%v: %v", key, err)
		}
	}
}
