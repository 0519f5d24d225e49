package noise

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// The vector is derived from go-libp2p v0.51.0: the signature of the Ed25519 key
// of the specs over the static key 00 01 … 1f.
func TestTheSignatureOverAStaticKeyIsTheKnownOne(t *testing.T) {
	const want = "6748f6f4c32e36aa2ef8df283a99a76275a9358b224844c53ced6ae4789262d0" +
		"0a86a6fe47a578ae243faa2a3ed9f4fd22d1bc38527f4797548e568ca43f500c"
	key, err := peer.UnmarshalKey(unhex(t, specKey))
	if err != nil {
		t.Fatal(err)
	}
	static := unhex(t, "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	sig, err := key.Sign(signed(static))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprintf("%x", sig); got != want {
		t.Errorf("signature %s, want %s", got, want)
	}
	c := claim{key: key.Public().Marshal(), sig: sig}
	if _, broken, err := c.prove(static, false); err != nil {
		t.Errorf("the signature is refused: %s: %v", broken, err)
	}
	static[0] ^= 1
	if _, _, err := c.prove(static, false); !errors.Is(err, peer.ErrSignature) {
		t.Errorf("for another static key: %v, want %v", err, peer.ErrSignature)
	}
}

func TestThePayloadHasTheBytesThatOthersWrite(t *testing.T) {
	got := claim{key: []byte{1, 2}, sig: []byte{3}, muxers: []string{"/a", "/bc"}}.encode()
	// identity_key, identity_sig, extensions { stream_muxers, stream_muxers }
	want := unhex(t, "0a020102"+"120103"+"2209"+"12022f61"+"12032f6263")
	if !bytes.Equal(got, want) {
		t.Errorf("payload %x, want %x", got, want)
	}
	if got := (claim{key: []byte{1}, sig: []byte{2}}).encode(); !bytes.Equal(got, unhex(t, "0a0101120102")) {
		t.Errorf("payload without a list %x", got)
	}
}

func TestABadPayloadEndsTheHandshakeWithItsRule(t *testing.T) {
	field := func(n protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, n, protowire.BytesType), value)
	}
	tests := []struct {
		name    string
		payload func(a *actual) []byte
		want    rule // "": the handshake succeeds
	}{
		{"nothing", func(*actual) []byte { return nil }, ruleKey},
		{"no protobuf", func(*actual) []byte { return []byte{0xff, 0xff, 0xff} }, rulePayload},
		{"a field cut off", func(a *actual) []byte {
			p := a.claim(t, newKey(t, 9)).encode()
			return p[:len(p)-1]
		}, rulePayload},
		{"no signature", func(a *actual) []byte {
			return claim{key: a.claim(t, newKey(t, 9)).key}.encode()
		}, ruleSignature},
		{"no key", func(a *actual) []byte {
			return claim{sig: a.claim(t, newKey(t, 9)).sig}.encode()
		}, ruleKey},
		{"signed by another key", func(a *actual) []byte {
			return claim{key: newKey(t, 8).Public().Marshal(), sig: a.claim(t, newKey(t, 9)).sig}.encode()
		}, ruleSignature},
		{"the signature of another static key", func(*actual) []byte {
			return newActual(t, negotiate.Dialer, 33).claim(t, newKey(t, 9)).encode()
		}, ruleSignature},
		{"a signature over the bare static key", func(a *actual) []byte {
			sig, err := newKey(t, 9).Sign(a.static.Public)
			if err != nil {
				t.Fatal(err)
			}
			return claim{key: newKey(t, 9).Public().Marshal(), sig: sig}.encode()
		}, ruleSignature},
		{"a key of unknown type", func(a *actual) []byte {
			return claim{key: []byte{8, 9, 18, 1, 0}, sig: a.claim(t, newKey(t, 9)).sig}.encode()
		}, ruleKey},
		{"101 muxers", func(a *actual) []byte {
			c := a.claim(t, newKey(t, 9))
			c.muxers = slicesOf("/mux", maxMuxers+1)
			return c.encode()
		}, ruleMuxers},
		{"100 muxers", func(a *actual) []byte {
			c := a.claim(t, newKey(t, 9))
			c.muxers = slicesOf("/mux", maxMuxers)
			return c.encode()
		}, ""},
		{"the legacy data field", func(a *actual) []byte {
			return append(a.claim(t, newKey(t, 9)).encode(), field(3, []byte("early"))...)
		}, ""},
		{"unknown fields and extensions", func(a *actual) []byte {
			c := a.claim(t, newKey(t, 9)).encode()
			c = append(c, field(4, append(field(1, []byte{1}), field(1025, []byte{2})...))...)
			return append(c, field(77, []byte("more"))...)
		}, ""},
		{"16384 bytes", func(a *actual) []byte {
			c := a.claim(t, newKey(t, 9)).encode()
			return append(c, field(3, make([]byte, maxPayload-len(c)-3))...)
		}, ""},
		{"16385 bytes", func(a *actual) []byte {
			c := a.claim(t, newKey(t, 9)).encode()
			return append(c, field(3, make([]byte, maxPayload-len(c)-2))...)
		}, "size"},
	}
	for _, role := range roles {
		for _, test := range tests {
			t.Run(role.String()+"/"+test.name, func(t *testing.T) {
				want := test.want
				if want == "size" {
					want = map[negotiate.Role]rule{negotiate.Dialer: ruleSecond, negotiate.Listener: ruleThird}[role]
				}
				a := newActual(t, role.Other(), 9)
				last, _ := meet(t, ours(t, role), a, test.payload(a))
				var got rule
				if last.kind == fail {
					got = rule(last.err.Rule)
				}
				if got != want {
					t.Errorf("broken rule %q, want %q", got, want)
				}
			})
		}
	}
}

func slicesOf(name string, n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint(name, i)
	}
	return list
}

func TestTheMuxerIsTheFirstOfTheDialersListThatTheListenerHas(t *testing.T) {
	tests := []struct {
		dialer, listener string
		lenient          bool
		want             string // "fail": no agreement
	}{
		{"", "", false, ""},
		{"/a", "", false, ""},
		{"", "/a", false, ""},
		{"/a", "/a", false, "/a"},
		{"/a /b", "/b /a", false, "/a"},
		{"/x /b /a", "/a /b", false, "/b"},
		{"/a", "/b", false, "fail"},
		{"/a", "/b", true, ""},
		{"/a /b", "/c /b", true, "/b"},
	}
	for _, test := range tests {
		for _, role := range roles {
			with := ours(t, role)
			with.lenient = test.lenient
			mine, theirs := strings.Fields(test.dialer), strings.Fields(test.listener)
			if role == negotiate.Listener {
				mine, theirs = theirs, mine
			}
			with.muxers = mine
			a := newActual(t, role.Other(), 9)
			c := a.claim(t, newKey(t, 9))
			c.muxers = theirs
			last, payload := meet(t, with, a, c.encode())
			got := "fail"
			if last.kind == done {
				got = string(last.session.muxer)
			} else if last.err.Rule != string(ruleOverlap) {
				t.Errorf("%s, %+v: %v", role, test, last.err)
			}
			if got != test.want {
				t.Errorf("%s, %+v: %q", role, test, got)
			}
			if payload == nil {
				continue
			}
			sent, err := decode(payload)
			if err != nil {
				t.Fatal(err)
			}
			want := test.want // the dialer sends the one it chose, or none
			if role == negotiate.Listener {
				want = test.listener
			}
			if got := strings.Join(sent.muxers, " "); got != want {
				t.Errorf("%s, %+v: it sent the list %q, want %q", role, test, got, want)
			}
		}
	}
}
