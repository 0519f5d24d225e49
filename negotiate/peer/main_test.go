package peer

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A vector is a key pair in protobuf with its ID.
type vector struct {
	name         string
	kind         KeyType
	private, pub []byte
	id           string
}

// specVectors are those of libp2p specs, peer-ids/peer-ids.md, "Test vectors",
// with the IDs go-libp2p makes of them.
func specVectors() []vector {
	return []vector{
		{
			"Ed25519", Ed25519,
			unhex("080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"),
			unhex("080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e"),
			"12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq",
		},
		{
			"Secp256k1", Secp256k1,
			unhex("0802122053dadf1d5a164d6b4acdb15e24aa4c5b1d3461bdbd42abedb0a4404d56ced8fb"),
			unhex("08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99"),
			"16Uiu2HAmLhLvBoYaoZfaMUKuibM6ac163GwKY74c5kiSLg5KvLpY",
		},
		{
			"ECDSA", ECDSA,
			unhex("08031279307702010104203e5b1fe9712e6c314942a750bd67485de3c1efe85b1bfb520ae8f9ae3dfa4a4ca00a06082a8648ce3d030107a14403420004de3d300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62"),
			unhex("0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62"),
			"QmVMT29id3TUASyfZZ6k9hmNyc2nYabCo4uMSpDw4zrgDk",
		},
	}
}

// foreignMessage is what the signatures in testdata/openssl.txt are made over.
const foreignMessage = "a message signed by another implementation"

// A foreign key pair was made, and has signed, with OpenSSL.
type foreign struct {
	vector
	sig []byte
}

// foreignVectors reads testdata/openssl.txt: for each type at least one key.
func foreignVectors(t testing.TB) []foreign {
	t.Helper()
	text, err := os.ReadFile("testdata/openssl.txt")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[string]KeyType{"RSA": RSA, "Ed25519": Ed25519, "Secp256k1": Secp256k1, "ECDSA": ECDSA}
	var out []foreign
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if len(f) != 4 || f[0] == "#" {
			continue
		}
		kind, _, _ := strings.Cut(f[0], "-")
		out = append(out, foreign{vector{name: f[0], kind: kinds[kind], private: unhex(f[1]), pub: unhex(f[2])}, unhex(f[3])})
	}
	if len(out) != 8 {
		t.Fatalf("testdata/openssl.txt has %d keys, want 8", len(out))
	}
	return out
}

// testKeys is a private key of every kind and size.
func testKeys(t testing.TB) []Key {
	t.Helper()
	var keys []Key
	for _, v := range foreignVectors(t) {
		if v.name != "Secp256k1-high-s" {
			keys = append(keys, mustKey(t, v.private))
		}
	}
	return keys
}

// edKey is the Ed25519 key of the specs.
func edKey(t testing.TB) Key {
	t.Helper()
	return mustKey(t, specVectors()[0].private)
}

func mustKey(t testing.TB, data []byte) Key {
	t.Helper()
	key, err := UnmarshalKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// seeded is a reproducible source of randomness.
func seeded(seed byte) *rand.ChaCha8 {
	return rand.NewChaCha8([32]byte(bytes.Repeat([]byte{seed}, 32)))
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(text)
	if err != nil {
		panic(err)
	}
	return b
}
