package peer

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// window is how many bytes of a secret in a row count as a leak.
const window = 6

// secrets are the parts of a private key that nobody may see, one after another;
// the encoding holds public parts as well.
func secrets(t *testing.T, key Key) []byte {
	t.Helper()
	data := key.(*privateKey).secret()
	switch key.Type() {
	case Ed25519:
		return data[:32]
	case Secp256k1:
		return data
	case ECDSA:
		parsed, err := x509.ParseECPrivateKey(data)
		if err != nil {
			t.Fatal(err)
		}
		scalar, err := parsed.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		return scalar
	}
	parsed, err := x509.ParsePKCS1PrivateKey(data)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Concat(parsed.D.Bytes(), parsed.Primes[0].Bytes(), parsed.Primes[1].Bytes(),
		parsed.Precomputed.Dp.Bytes(), parsed.Precomputed.Dq.Bytes(), parsed.Precomputed.Qinv.Bytes())
}

// leaks returns the form in which a run of the secret's bytes stands in text.
func leaks(text string, secret []byte) string {
	lower := strings.ToLower(text)
	for i := 0; i+window <= len(secret); i++ {
		part := secret[i : i+window]
		decimal := strings.Trim(fmt.Sprint(part), "[]")
		switch {
		case strings.Contains(text, string(part)):
			return "raw"
		case strings.Contains(lower, hex.EncodeToString(part)):
			return "hexadecimal"
		case strings.Contains(lower, strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}")):
			return "Go syntax"
		case strings.Contains(text, decimal), strings.Contains(text, strings.ReplaceAll(decimal, " ", ", ")),
			strings.Contains(text, strings.ReplaceAll(decimal, " ", ",")):
			return "decimal"
		case i%3 == 0 && strings.Contains(text, base64.StdEncoding.EncodeToString(part)):
			return "base64"
		}
	}
	return ""
}

func TestTheLeakDetectorFindsALeakInEveryForm(t *testing.T) {
	secret := secrets(t, edKey(t))
	for _, format := range []string{"%v", "%d", "%x", "%X", "%s", "%#v"} {
		if leaks(fmt.Sprintf("key "+format+" key", secret[2:20]), secret) == "" {
			t.Errorf("%s is not found", format)
		}
	}
	data, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	if leaks(string(data), secret) == "" {
		t.Error("base64 is not found")
	}
	if found := leaks("an innocent text 1, 2, 3, 4", secret); found != "" {
		t.Errorf("%s in an innocent text", found)
	}
}

func TestNoFormattingShowsAPrivateKey(t *testing.T) {
	type exported struct{ Key Key }
	type hidden struct {
		name string
		key  Key
	}
	for _, key := range testKeys(t) {
		secret := secrets(t, key)
		for _, value := range []any{
			key, *key.(*privateKey), exported{key}, &exported{key}, hidden{"a", key}, &hidden{"a", key},
			[]Key{key}, map[string]Key{"a": key}, fmt.Errorf("with %v", key), key.(*privateKey).secret,
		} {
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%b", "%o", "%c", "%U", "%p", "%T", "%10.3v"} {
				text := fmt.Sprintf(format, value)
				if found := leaks(text, secret); found != "" {
					t.Fatalf("%s of %T shows the %s key: %s", format, value, key.Type(), found)
				}
			}
		}
		var out bytes.Buffer
		slog.New(slog.NewTextHandler(&out, nil)).Info("key", "key", key, "in", exported{key}, "hidden", hidden{"a", key})
		slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "key", key, "in", exported{key}, "hidden", hidden{"a", key})
		data, err := json.Marshal(exported{key})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
		if found := leaks(out.String(), secret); found != "" {
			t.Errorf("a log shows the %s key: %s", key.Type(), found)
		}
		want := key.Type().String() + " private key of " + key.ID().String()
		if got := fmt.Sprintf("%#v", key); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if !strings.Contains(out.String(), want) {
			t.Errorf("a log does not name the key: %s", out.String())
		}
	}
}

func TestNoErrorShowsAPrivateKey(t *testing.T) {
	for _, key := range testKeys(t) {
		good, data, secret := key.Marshal(), key.(*privateKey).secret(), secrets(t, key)
		step := max(1, len(good)/32)
		refused := 0
		check := func(data []byte) {
			_, err := UnmarshalKey(data)
			if err == nil {
				return
			}
			refused++
			for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
				if found := leaks(fmt.Sprintf(format, err), secret); found != "" {
					t.Fatalf("an error of the %s key shows it: %s", key.Type(), found)
				}
			}
		}
		for i := 0; i < len(good); i += step {
			check(good[:i])
			check(append(bytes.Clone(good[:i]), good[min(i+1, len(good)):]...))
			check(flip(good, 8*i))
			check(flip(good, 8*i+6))
			// The same as a key of another type, and as a public key.
			check(encodePrivate(KeyType(i%5), data[min(i, len(data)):]))
			if _, err := UnmarshalPublicKey(encodePublic(KeyType(i%5), data)); err != nil {
				if found := leaks(err.Error(), secret); found != "" {
					t.Fatalf("a public key's error shows the %s key: %s", key.Type(), found)
				}
			}
		}
		if refused < 20 {
			t.Errorf("only %d broken forms of the %s key were refused", refused, key.Type())
		}
	}
}
