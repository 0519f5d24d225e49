package tls

import (
	"crypto/ecdsa"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

func TestNoFormatPrintsAPrivateKey(t *testing.T) {
	s := New(newKey(t, 1), Muxers("/yamux/1.0.0"))
	id, err := s.identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	scalar, err := id.certificate.PrivateKey.(*ecdsa.PrivateKey).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	host := newKey(t, 1).Marshal()[4:36]
	d, _ := sessions(t)
	for _, value := range []any{s, id, d, struct{ S *TLS }{s}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			text := fmt.Sprintf(verb, value)
			for _, secret := range [][]byte{scalar, host} {
				for _, form := range []string{
					string(secret), hex.EncodeToString(secret), new(big.Int).SetBytes(secret).String(), strings.Trim(fmt.Sprint(secret), "[]"),
				} {
					if strings.Contains(text, form) {
						t.Errorf("%s of %T prints a key", verb, value)
					}
				}
			}
		}
	}
	if got, want := fmt.Sprint(s), "/tls/1.0.0 of "+newKey(t, 1).ID().String(); got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
	if got, want := fmt.Sprintf("%+v", d), "/tls/1.0.0 with "+newKey(t, 2).ID().String(); got != want {
		t.Errorf("it is %q, want %q", got, want)
	}
}
