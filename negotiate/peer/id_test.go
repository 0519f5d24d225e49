package peer

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/multiformats/go-multibase"
)

// idVectors pair the text of an ID with its bytes (libp2p specs,
// peer-ids/peer-ids.md, "Decoding").
func idVectors() map[string][]byte {
	return map[string][]byte{
		"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N":       unhex("12209dff3b17d74cf4d38a50d8b6383e92d181a10395a5e73a726dcccbd21bf6f0b9"),
		"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA": unhex("0024080112202ffa35a99d3a3cfbb17bb7c1dc5561b18a8dcca4df38dc613ea859c37eb1336b"),
	}
}

func TestAnIDReadsFromBytesAndText(t *testing.T) {
	for text, data := range idVectors() {
		fromBytes, err := IDFromBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		fromText, err := ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if fromBytes != fromText {
			t.Errorf("%s: bytes give %x, text gives %x", text, string(fromBytes), string(fromText))
		}
		if got := fromBytes.String(); got != text {
			t.Errorf("printed as %s, want %s", got, text)
		}
		if diff := cmp.Diff(data, fromBytes.Bytes()); diff != "" {
			t.Error(diff)
		}
	}
}

func TestEveryTextFormOfAnIDReadsAsTheSameID(t *testing.T) {
	ed := []string{
		"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
		"bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6",
		"k51qzi5uqu5dgy8qsq67hbz73jqkw87l3fgf4a91qb0d9b5173tir7n4vxk1oe",
	}
	sha := []string{
		"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
		"bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
	}
	for _, texts := range [][]string{ed, sha} {
		want, err := ParseID(texts[0])
		if err != nil {
			t.Fatal(err)
		}
		if got := want.CID(); got != texts[1] {
			t.Errorf("as a CID %s, want %s", got, texts[1])
		}
		cid := append([]byte{1, 0x72}, want...)
		for name, base := range multibase.Encodings {
			if base == multibase.Identity {
				continue
			}
			text, err := multibase.Encode(base, cid)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			texts = append(texts, text)
		}
		for _, text := range texts {
			if got, err := ParseID(text); err != nil || got != want {
				t.Errorf("%s reads as %s, %v; want %s", text, got, err, want)
			}
		}
	}
}

// cidText writes a CID made of raw bytes in base 32.
func cidText(t *testing.T, cid []byte) string {
	t.Helper()
	text, err := multibase.Encode(multibase.Base32, cid)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestATextThatIsNoIDIsRefused(t *testing.T) {
	hash := idVectors()["QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"]
	cid := func(head ...byte) string { return cidText(t, append(head, hash...)) }
	for name, text := range map[string]string{
		"empty":                          "",
		"one character":                  "1",
		"a prefix alone":                 "Qm",
		"letters base58 does not have":   "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx0O",
		"a character too few":            "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5",
		"a character too many":           "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SAx",
		"a space before":                 " QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N",
		"no known base":                  "?fzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
		"base58 of no known start":       "5dsgvJGnvAfiR3K6HCBc4hcokSfmjj",
		"the base that is no text":       "\x00" + string([]byte{1, 0x72}) + string(hash),
		"another codec":                  cid(1, 0x70),
		"version 0":                      cid(0, 0x72),
		"version 2":                      cid(2, 0x72),
		"a version not minimally coded":  cid(0x81, 0x00, 0x72),
		"a codec not minimally coded":    cid(1, 0xf2, 0x00),
		"a version-0 CID in a multibase": cid(),
		"nothing after the codec":        cidText(t, []byte{1, 0x72}),
		"nothing after the version":      cidText(t, []byte{1}),
		"nothing after the base":         "b",
		"bytes after the hash":           cidText(t, append(append([]byte{1, 0x72}, hash...), 0)),
		"longer than any ID":             "1" + strings.Repeat("1", 400),
	} {
		var wrong *IDError
		if id, err := ParseID(text); !errors.As(err, &wrong) || id != "" {
			t.Errorf("%s: %q reads as %q, %v", name, text, string(id), err)
		}
	}
}

func TestATextIsMeasuredBeforeItIsDecoded(t *testing.T) {
	var base58, unknown *IDError
	_, err := ParseID("1" + strings.Repeat("2", maxIDText))
	errors.As(err, &base58)
	_, err = ParseID("?" + strings.Repeat("2", maxIDText))
	errors.As(err, &unknown)
	if base58 == nil || unknown == nil || base58.Rule != unknown.Rule || base58.Err != nil {
		t.Errorf("the form was looked at: %v and %v", base58, unknown)
	}
}

func TestBytesThatAreNoIDAreRefused(t *testing.T) {
	digest := func(head []byte, n int) []byte { return append(head, make([]byte, n)...) }
	for name, data := range map[string][]byte{
		"empty":                        {},
		"a code alone":                 {0x12},
		"sha2-256 too short":           digest([]byte{0x12, 0x1f}, 31),
		"sha2-256 too long":            digest([]byte{0x12, 0x21}, 33),
		"a byte missing":               digest([]byte{0x12, 0x20}, 31),
		"a byte too many":              digest([]byte{0x12, 0x20}, 33),
		"no embedded key":              {0x00, 0x00},
		"an embedded key of 43 bytes":  digest([]byte{0x00, 43}, 43),
		"sha1":                         digest([]byte{0x11, 0x14}, 20),
		"sha2-512":                     digest([]byte{0x13, 0x40}, 64),
		"a code not minimally coded":   digest([]byte{0x92, 0x00, 0x20}, 32),
		"a length not minimally coded": digest([]byte{0x12, 0xa0, 0x00}, 32),
	} {
		var wrong *IDError
		if id, err := IDFromBytes(data); !errors.As(err, &wrong) || id != "" {
			t.Errorf("%s: accepted as %x, %v", name, string(id), err)
		}
		if err := ID(data).Validate(); !errors.As(err, &wrong) {
			t.Errorf("%s: valid, %v", name, err)
		}
	}
}

func TestEveryEmbeddedLengthSurvivesEveryForm(t *testing.T) {
	random := seeded(1)
	for n := 1; n <= maxEmbedded; n++ {
		data := append([]byte{0, byte(n)}, make([]byte, n)...)
		random.Read(data[2:])
		id, err := IDFromBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{id.String(), id.CID()} {
			if got, err := ParseID(text); err != nil || got != id {
				t.Errorf("%d bytes: %s reads as %x, %v; want %x", n, text, string(got), err, data)
			}
		}
	}
}

func TestTheBytesOfAnIDAreCopies(t *testing.T) {
	data := idVectors()["QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"]
	id, err := IDFromBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	before := id.String()
	data[5]++
	id.Bytes()[5]++
	if got := id.String(); got != before {
		t.Errorf("the ID changed to %s", got)
	}
}

func TestOnlyAnEmbeddedKeyComesOutOfAnID(t *testing.T) {
	for _, v := range specVectors() {
		id, err := ParseID(v.id)
		if err != nil {
			t.Fatal(err)
		}
		key, err := id.PublicKey()
		if v.kind == ECDSA {
			var hashed *HashedIDError
			if !errors.As(err, &hashed) || hashed.ID != id {
				t.Errorf("%s: got %v, %v", v.name, key, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("%s: %v", v.name, err)
		}
		if diff := cmp.Diff(v.pub, key.Marshal()); diff != "" {
			t.Errorf("%s: %s", v.name, diff)
		}
	}
	var none *IDError
	if key, err := ID("").PublicKey(); !errors.As(err, &none) {
		t.Errorf("the zero ID: got %v, %v", key, err)
	}
	var bad *KeyError
	if key, err := ID("\x00\x03abc").PublicKey(); !errors.As(err, &bad) {
		t.Errorf("three letters: got %v, %v", key, err)
	}
}

func TestAShortNameHasTheStartAndTheEnd(t *testing.T) {
	for text, want := range map[string]string{
		"12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA": "12D3…AJU5SA",
		"QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N":       "QmYy…Wjhx5N",
	} {
		id, err := ParseID(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := id.Short(); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := ID("").Short(); got != "unknown" {
		t.Errorf("the zero ID is %q", got)
	}
	if got := ID("\x00\x01a").Short(); got != ID("\x00\x01a").String() {
		t.Errorf("a tiny ID is cut to %q", got)
	}
}

func TestAnIDInJSONIsItsText(t *testing.T) {
	type message struct {
		Peer ID   `json:"peer"`
		None ID   `json:"none"`
		Many []ID `json:"many"`
	}
	id, err := ParseID(specVectors()[0].id)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(message{Peer: id, Many: []ID{id}})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"peer":"` + id.String() + `","none":"","many":["` + id.String() + `"]}`
	if string(data) != want {
		t.Errorf("got %s, want %s", data, want)
	}
	var back message
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(message{Peer: id, Many: []ID{id}}, back); diff != "" {
		t.Error(diff)
	}
	var wrong *IDError
	if err := json.Unmarshal([]byte(`{"peer":"nobody"}`), &back); !errors.As(err, &wrong) {
		t.Errorf("a text that is no ID: %v", err)
	}
	if back.Peer != id {
		t.Errorf("a refused text changed the ID to %s", back.Peer)
	}
}
