package noise

import (
	"crypto/ecdh"
	"fmt"
	"io"

	flynn "github.com/flynn/noise"
)

// A curve is the X25519 of one handshake. flynn/noise's own prepares a private
// key anew for every use, which costs as much as the use itself: 8 scalar
// multiplications for each end of a handshake where 4 do, 35 us each.
//
// It also keeps the private keys out of flynn/noise's state: what that holds as
// a private key is only the name of one here.
type curve struct {
	static, ephemeral *ecdh.PrivateKey
}

// Format keeps the keys from being printed.
func (curve) Format(f fmt.State, _ rune) { io.WriteString(f, "curve 25519") }

// The names of the private keys; they are only read.
const (
	nameStatic    = "static"
	nameEphemeral = "ephemeral"
)

// newPrivate makes a key from the next 32 bytes of random, and reads no more:
// equal bytes give equal keys, unlike with ecdh's GenerateKey.
func newPrivate(random io.Reader) (*ecdh.PrivateKey, error) {
	var secret [keySize]byte
	defer clear(secret[:])
	if _, err := io.ReadFull(random, secret[:]); err != nil {
		return nil, err
	}
	return ecdh.X25519().NewPrivateKey(secret[:])
}

// staticPair is the static key as flynn/noise is given it.
func (c *curve) staticPair() flynn.DHKey {
	return flynn.DHKey{Private: []byte(nameStatic), Public: c.static.PublicKey().Bytes()}
}

// GenerateKeypair hands out the ephemeral key, which the handshake was given.
func (c *curve) GenerateKeypair(io.Reader) (flynn.DHKey, error) {
	return flynn.DHKey{Private: []byte(nameEphemeral), Public: c.ephemeral.PublicKey().Bytes()}, nil
}

// DH fails when public is a point of low order, with which anybody could know
// the result (RFC 7748, section 6.1).
func (c *curve) DH(private, public []byte) ([]byte, error) {
	key := c.ephemeral
	if string(private) == nameStatic {
		key = c.static
	}
	remote, err := ecdh.X25519().NewPublicKey(public)
	if err != nil {
		return nil, &pointError{err}
	}
	shared, err := key.ECDH(remote)
	if err != nil {
		return nil, &pointError{err}
	}
	return shared, nil
}

// DHLen is the size of a public key and of a result.
func (c *curve) DHLen() int { return keySize }

// DHName is the curve's name in the protocol name.
func (c *curve) DHName() string { return "25519" }

// A pointError marks what is wrong with the remote's key, not with its message.
type pointError struct{ cause error }

func (e *pointError) Error() string { return e.cause.Error() }
func (e *pointError) Unwrap() error { return e.cause }
