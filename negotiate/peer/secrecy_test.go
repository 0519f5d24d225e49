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

// A run of eight bytes of a secret counts as a leak: every third group of six is
// looked for.
const window, stride = 6, 3

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

// A detector finds runs of a secret's bytes in texts.
type detector struct{ needles map[string]string } // needle to the name of its form

func newDetector(secret []byte) detector {
	d := detector{make(map[string]string)}
	for i := 0; i+window <= len(secret); i += stride {
		part := secret[i : i+window]
		decimal := strings.Trim(fmt.Sprint(part), "[]")
		d.needles[string(part)] = "raw"
		d.needles[hex.EncodeToString(part)] = "hexadecimal"
		d.needles[strings.ToUpper(hex.EncodeToString(part))] = "hexadecimal"
		d.needles[strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%#v", part), "[]byte{"), "}")] = "Go syntax"
		d.needles[decimal] = "decimal"
		d.needles[strings.ReplaceAll(decimal, " ", ", ")] = "decimal"
		d.needles[strings.ReplaceAll(decimal, " ", ",")] = "decimal"
		d.needles[base64.StdEncoding.EncodeToString(part)] = "base64"
	}
	return d
}

// find returns the form in which the secret stands in text, or nothing.
func (d detector) find(text string) string {
	for needle, form := range d.needles {
		if strings.Contains(text, needle) {
			return form
		}
	}
	return ""
}

func TestTheLeakDetectorFindsALeakInEveryForm(t *testing.T) {
	secret := secrets(t, edKey(t))
	leak := newDetector(secret)
	for _, format := range []string{"%v", "%d", "%x", "%X", "%s", "%#v"} {
		if leak.find(fmt.Sprintf("key "+format+" key", secret[2:20])) == "" {
			t.Errorf("%s is not found", format)
		}
	}
	data, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	if leak.find(string(data)) == "" {
		t.Error("base64 is not found")
	}
	if found := leak.find("an innocent text 1, 2, 3, 4"); found != "" {
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
		leak := newDetector(secrets(t, key))
		for _, value := range []any{
			key, *key.(*privateKey), exported{key}, &exported{key}, hidden{"a", key}, &hidden{"a", key},
			[]Key{key}, map[string]Key{"a": key}, fmt.Errorf("with %v", key), key.(*privateKey).secret,
		} {
			for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%#x", "%d", "%b", "%o", "%c", "%U", "%p", "%T", "%10.3v"} {
				text := fmt.Sprintf(format, value)
				if found := leak.find(text); found != "" {
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
		if found := leak.find(out.String()); found != "" {
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
		good, data, leak := key.Marshal(), key.(*privateKey).secret(), newDetector(secrets(t, key))
		step := max(1, len(good)/32)
		refused := 0
		check := func(data []byte) {
			_, err := UnmarshalKey(data)
			if err == nil {
				return
			}
			refused++
			for _, format := range []string{"%v", "%+v", "%#v", "%q"} {
				if found := leak.find(fmt.Sprintf(format, err)); found != "" {
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
				if found := leak.find(err.Error()); found != "" {
					t.Fatalf("a public key's error shows the %s key: %s", key.Type(), found)
				}
			}
		}
		if refused < 20 {
			t.Errorf("only %d broken forms of the %s key were refused", refused, key.Type())
		}
	}
}
