package identify

import (
	"encoding/hex"
	"os"
	"strings"
	"testing"

	ma "github.com/multiformats/go-multiaddr"
	"go.uber.org/goleak"

	"github.com/troupe-p2p/troupe/negotiate/peer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// specKey is the Ed25519 key of libp2p specs, peer-ids/peer-ids.md, "Test
// vectors".
func specKey() peer.Key {
	return mustKey("080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
}

// otherKey is that of somebody else.
func otherKey(t testing.TB, seed byte) peer.Key {
	t.Helper()
	key, err := peer.Generate(strings.NewReader(strings.Repeat(string(rune('a'+seed%26)), 64)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// everyKey is a key of every kind and size that libp2p has, made by OpenSSL.
func everyKey(t testing.TB) map[string]peer.Key {
	t.Helper()
	text, err := os.ReadFile("../../negotiate/peer/testdata/openssl.txt")
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string]peer.Key)
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) == 4 && f[0] != "#" {
			keys[f[0]] = mustKey(f[1])
		}
	}
	if len(keys) < 7 {
		t.Fatalf("only %d keys", len(keys))
	}
	return keys
}

func mustKey(text string) peer.Key {
	key, err := peer.UnmarshalKey(unhex(text))
	if err != nil {
		panic(err)
	}
	return key
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		panic(err)
	}
	return b
}

func addrs(texts ...string) []ma.Multiaddr {
	var out []ma.Multiaddr
	for _, text := range texts {
		out = append(out, ma.StringCast(text))
	}
	return out
}

func texts(list []ma.Multiaddr) []string {
	var out []string
	for _, a := range list {
		out = append(out, a.String())
	}
	return out
}
