package peer

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"testing"
)

// modulus is an odd number of exactly that many bits, product of nobody knows what.
func modulus(bits int) *big.Int {
	b := make([]byte, (bits+7)/8)
	seeded(3).Read(b)
	n := new(big.Int).SetBytes(b)
	n.Rsh(n, uint(8*len(b)-bits))
	return n.SetBit(n.SetBit(n, bits-1, 1), 0, 1)
}

// rsaDER writes a public key, also one the standard library would not write.
func rsaDER(t *testing.T, n, e *big.Int) []byte {
	t.Helper()
	inner, err := asn1.Marshal(struct{ N, E *big.Int }{n, e})
	if err != nil {
		t.Fatal(err)
	}
	outer, err := asn1.Marshal(struct {
		Algorithm pkix.AlgorithmIdentifier
		Key       asn1.BitString
	}{
		pkix.AlgorithmIdentifier{Algorithm: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}, Parameters: asn1.NullRawValue},
		asn1.BitString{Bytes: inner, BitLength: 8 * len(inner)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return outer
}

// rsaPrivateDER writes a private key with that head and primes that fit nothing.
func rsaPrivateDER(t *testing.T, version int, n, e *big.Int) []byte {
	t.Helper()
	half := modulus(max(n.BitLen()/2, 8))
	der, err := asn1.Marshal(struct {
		Version                     int
		N, E, D, P, Q, Dp, Dq, Qinv *big.Int
	}{version, n, e, n, half, half, half, half, half})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func TestAnRSAKeyOfAnotherSizeIsRefusedBeforeItIsUsed(t *testing.T) {
	for bits, good := range map[int]bool{
		512: false, 1024: false, 2047: false, 2048: true, 2049: true, 4096: true,
		8191: true, 8192: true, 8193: false, 16384: false,
	} {
		n, e := modulus(bits), big.NewInt(65537)
		pub, err := UnmarshalPublicKey(encodePublic(RSA, rsaDER(t, n, e)))
		if good && (err != nil || pub.Verify([]byte("x"), make([]byte, (bits+7)/8)) == nil) {
			t.Errorf("public, %d bits: %v", bits, err)
		}
		if !good && !errors.Is(err, ErrKeySize) {
			t.Errorf("public, %d bits: %v", bits, err)
		}
		// The private key is nonsense behind its head, so that an error other than
		// that of the size shows that more than the head was looked at.
		rule := ErrKeySize
		if good {
			rule = ErrKeyValue
		}
		if _, err := UnmarshalKey(encodePrivate(RSA, rsaPrivateDER(t, 0, n, e))); !errors.Is(err, rule) {
			t.Errorf("private, %d bits: %v, want %v", bits, err, rule)
		}
	}
}

func TestAnRSAKeyWithOddNumbersIsRefused(t *testing.T) {
	n := modulus(2048)
	even := new(big.Int).Sub(n, big.NewInt(1))
	for name, c := range map[string]struct{ n, e *big.Int }{
		"an even modulus":      {even, big.NewInt(65537)},
		"a modulus below zero": {new(big.Int).Neg(n), big.NewInt(65537)},
		"a modulus of zero":    {new(big.Int), big.NewInt(65537)},
		"exponent 0":           {n, big.NewInt(0)},
		"exponent 1":           {n, big.NewInt(1)},
		"exponent -3":          {n, big.NewInt(-3)},
		"an even exponent":     {n, big.NewInt(65536)},
		"exponent 2^31+1":      {n, big.NewInt(1<<31 + 1)},
		"exponent 2^64+1":      {n, new(big.Int).SetBit(big.NewInt(1), 64, 1)},
		"a 2048-bit exponent":  {n, n},
	} {
		var wrong *KeyError
		if key, err := UnmarshalPublicKey(encodePublic(RSA, rsaDER(t, c.n, c.e))); !errors.As(err, &wrong) {
			t.Errorf("public with %s: %v, %v", name, key, err)
		}
		if key, err := UnmarshalKey(encodePrivate(RSA, rsaPrivateDER(t, 0, c.n, c.e))); !errors.As(err, &wrong) {
			t.Errorf("private with %s: %v, %v", name, key, err)
		}
	}
	if _, err := UnmarshalPublicKey(encodePublic(RSA, rsaDER(t, n, big.NewInt(3)))); err != nil {
		t.Errorf("exponent 3: %v", err)
	}
	if key, err := UnmarshalKey(encodePrivate(RSA, rsaPrivateDER(t, 1, n, big.NewInt(65537)))); !errors.Is(err, ErrKeyValue) {
		t.Errorf("more than two primes: %v, %v", key, err)
	}
}

func TestAnRSAKeyWhosePartsDoNotFitIsRefused(t *testing.T) {
	der := mustKeyData(t, "RSA-2048")
	key, err := x509.ParsePKCS1PrivateKey(der)
	if err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(k *rsa.PrivateKey){
		"modulus": func(k *rsa.PrivateKey) { k.N = modulus(2048) },
		"d":       func(k *rsa.PrivateKey) { k.D = new(big.Int).Add(k.D, big.NewInt(2)) },
		"prime":   func(k *rsa.PrivateKey) { k.Primes = []*big.Int{modulus(1024), k.Primes[1]} },
	} {
		broken := &rsa.PrivateKey{PublicKey: key.PublicKey, D: key.D, Primes: key.Primes}
		spoil(broken)
		data, err := asn1.Marshal(struct {
			Version               int
			N                     *big.Int
			E                     int
			D, P, Q, Dp, Dq, Qinv *big.Int
		}{0, broken.N, broken.E, broken.D, broken.Primes[0], broken.Primes[1],
			key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv})
		if err != nil {
			t.Fatal(err)
		}
		if key, err := UnmarshalKey(encodePrivate(RSA, data)); !errors.Is(err, ErrKeyValue) {
			t.Errorf("a wrong %s: %v, %v", name, key, err)
		}
	}
}

// mustKeyData is the Data field of a private key in testdata/openssl.txt.
func mustKeyData(t *testing.T, name string) []byte {
	t.Helper()
	for _, v := range foreignVectors(t) {
		if v.name == name {
			return mustKey(t, v.private).(*privateKey).secret()
		}
	}
	t.Fatalf("no key %s", name)
	return nil
}

// inside puts a NULL behind the last part of a DER list, whose length ends in the
// byte at i. The parser passes over it.
func inside(der []byte, i int) []byte {
	out := append(bytes.Clone(der), 5, 0)
	out[i] += 2
	return out
}

func TestDataThatIsNoKeyOfItsTypeIsRefused(t *testing.T) {
	secpOrder := unhex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
	point := specVectors()[1].pub[4:]
	offCurve := append([]byte{2}, bytes.Repeat([]byte{0xff}, 32)...)
	uncompressed := append([]byte{4}, make([]byte, 64)...)
	p256 := specVectors()[2].pub[4:]
	rsaKey := foreignVectors(t)[0].pub[5:]
	// On P-224, made with OpenSSL.
	p224 := unhex("304e301006072a8648ce3d020106052b81040021033a0004cb7bc4b22ebb3652c1152706a990082c23221e67cf4bfc0131592ec5b1ae41bdaf7833c1898e41e1b4f631050d678c6a3de1fc0ea24af0d1")
	p224private := unhex("3068020101041cc1dbe0b6e7f519c26ac98c166d993c570ecd88103a3a8f7b1cf84038a00706052b81040021a13c033a0004cb7bc4b22ebb3652c1152706a990082c23221e67cf4bfc0131592ec5b1ae41bdaf7833c1898e41e1b4f631050d678c6a3de1fc0ea24af0d1")
	for name, c := range map[string]struct {
		kind KeyType
		data []byte
		rule error
	}{
		"Ed25519 of 31 bytes":         {Ed25519, make([]byte, 31), ErrKeySize},
		"Ed25519 of 33 bytes":         {Ed25519, make([]byte, 33), ErrKeySize},
		"Ed25519 of nothing":          {Ed25519, []byte{}, ErrKeySize},
		"Secp256k1 of 32 bytes":       {Secp256k1, point[1:], ErrKeySize},
		"Secp256k1 not compressed":    {Secp256k1, uncompressed, ErrKeySize},
		"Secp256k1 of another format": {Secp256k1, append([]byte{5}, point[1:]...), ErrKeyValue},
		"Secp256k1 off the curve":     {Secp256k1, offCurve, ErrKeyValue},
		"ECDSA on P-224":              {ECDSA, p224, ErrKeySize},
		"ECDSA that is RSA":           {ECDSA, rsaKey, ErrKeyValue},
		"ECDSA with a NULL inside":    {ECDSA, inside(p256, 1), ErrKeyEncoding},
		"RSA with a NULL inside":      {RSA, inside(rsaKey, 3), ErrKeyEncoding},
		"ECDSA off the curve":         {ECDSA, append(bytes.Clone(p256[:len(p256)-1]), 0), ErrKeyValue},
		"ECDSA with a byte behind":    {ECDSA, append(bytes.Clone(p256), 0), ErrKeyValue},
		"RSA that is ECDSA":           {RSA, p256, ErrKeyValue},
		"RSA with a byte behind":      {RSA, append(bytes.Clone(rsaKey), 0), ErrKeyValue},
		"RSA of nothing":              {RSA, []byte{}, ErrKeyValue},
	} {
		var wrong *KeyError
		key, err := UnmarshalPublicKey(encodePublic(c.kind, c.data))
		if !errors.Is(err, c.rule) || !errors.As(err, &wrong) || wrong.Type != c.kind {
			t.Errorf("%s: %v, %v; want %v", name, key, err, c.rule)
		}
	}
	for name, c := range map[string]struct {
		kind KeyType
		data []byte
		rule error
	}{
		"Ed25519 seed alone":         {Ed25519, make([]byte, 32), ErrKeySize},
		"Ed25519 of another seed":    {Ed25519, make([]byte, 64), ErrKeyValue},
		"Secp256k1 of 31 bytes":      {Secp256k1, make([]byte, 31), ErrKeySize},
		"Secp256k1 zero":             {Secp256k1, make([]byte, 32), ErrKeyValue},
		"Secp256k1 of the order":     {Secp256k1, secpOrder, ErrKeyValue},
		"ECDSA on P-224":             {ECDSA, p224private, ErrKeySize},
		"ECDSA of nothing":           {ECDSA, []byte{}, ErrKeyValue},
		"ECDSA with a byte behind":   {ECDSA, append(mustKeyData(t, "ECDSA-P-256"), 0), ErrKeyValue},
		"RSA with a byte behind":     {RSA, append(mustKeyData(t, "RSA-2048"), 0), ErrKeyValue},
		"RSA of nothing":             {RSA, []byte{}, ErrKeyValue},
		"RSA that is a list of none": {RSA, []byte{0x30, 0}, ErrKeyValue},
	} {
		var wrong *KeyError
		key, err := UnmarshalKey(encodePrivate(c.kind, c.data))
		if !errors.Is(err, c.rule) || !errors.As(err, &wrong) || wrong.Type != c.kind {
			t.Errorf("private %s: %v, %v; want %v", name, key, err, c.rule)
		}
	}
}
