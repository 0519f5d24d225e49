package hostile

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

const (
	noiseSpec     = "noise/README.md"
	plaintextSpec = "plaintext/README.md"
)

// The rules as the channels have them in their errors.
const (
	ruleNoiseFirst     = "message 1 is an ephemeral key of 32 bytes and carries no payload"
	ruleNoiseThird     = "message 3 has 64 bytes and a payload of at most 16384"
	ruleNoisePoint     = "a key is not a point of low order"
	ruleNoiseKey       = "the payload holds the sender's public key"
	ruleNoiseSignature = "the payload holds the identity's signature over the static key"
	ruleNoiseTag       = "a record has at least 16 bytes, its tag"
	ruleNoiseSealed    = "a record is sealed with the session's key, in the order of sending"
	rulePlainLength    = "the length is a minimal varint and at most 16384"
	rulePlainExchange  = "the exchange is an Exchange message"
	rulePlainKey       = "the exchange holds the sender's public key"
	rulePlainID        = "the id is made from the public key"
)

// A liar is a key that says something else about itself, or signs something else,
// than it should.
type liar struct {
	peer.Key
	public []byte // nil: its own
	forges bool
}

func (l *liar) Public() peer.PublicKey {
	if l.public == nil {
		return l.Key.Public()
	}
	return liarPublic{l.Key.Public(), l.public}
}

// Sign signs another message when the key forges.
func (l *liar) Sign(msg []byte) ([]byte, error) {
	if l.forges {
		msg = append([]byte("not "), msg...)
	}
	return l.Key.Sign(msg)
}

type liarPublic struct {
	peer.PublicKey
	says []byte
}

func (l liarPublic) Marshal() []byte { return bytes.Clone(l.says) }

// rsaKey is the encoding of an RSA key of any size, which nobody has the private
// half of.
func rsaKey(bits uint) []byte {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	n.Add(n, big.NewInt(1))
	der, err := x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: n, E: 65537})
	if err != nil {
		panic("hostile: " + err.Error()) // two numbers: it cannot fail
	}
	return slices.Concat([]byte{0x08, byte(peer.RSA)}, field(2, der))
}

// handshake is a case about a security channel, until the end of its handshake.
func handshake(security negotiate.Protocol, name string, class byte, breaks, spec, rule string, within time.Duration, play func(a *attack) error) Case {
	return Case{
		Name: name, Class: class, Breaks: breaks, Spec: spec, Security: security,
		Good: Verdict{Does: EndsConnection, Stage: conn.StageSecure, Rule: rule, Within: within},
		play: play,
	}
}

// handshakes are the attacks on Noise and plaintext, and the silent ones on all.
func handshakes() (all []Case) {
	add := func(c ...Case) { all = append(all, c...) }
	for _, s := range []struct {
		id          negotiate.Protocol
		name, spec  string
		first       []byte // a lawful beginning
		slow        []byte
		afterChoice func(a *attack) error
	}{
		{noise.ID, "noise/", noiseSpec, []byte{0, 32, 9}, append([]byte{0, 32}, make([]byte, 32)...), nil},
		{plaintext.ID, "plaintext/", plaintextSpec, []byte{40, 10}, append([]byte{40}, make([]byte, 40)...), nil},
		{tls.ID, "tls/", tlsSpec, []byte{22, 3, 1}, append([]byte{22, 3, 1, 1, 0}, make([]byte, 30)...), nil},
	} {
		begun := func(say func(a *attack)) func(a *attack) error {
			return func(a *attack) error {
				err := a.propose(s.id)
				if err == nil {
					say(a)
				}
				return err
			}
		}
		late := "a peer goes on with the handshake"
		add(handshake(s.id, s.name+"silence", 'L', late, upgradeSpec, Deadline, upgradeTime, begun(func(*attack) {})),
			handshake(s.id, s.name+"half-a-message", 'L', late, upgradeSpec, Deadline, upgradeTime, begun(func(a *attack) { a.say(s.first...) })),
			handshake(s.id, s.name+"a-byte-a-second", 'L', late, upgradeSpec, Deadline, upgradeTime, begun(func(a *attack) { a.trickle(s.slow) })),
			handshake(s.id, s.name+"vanish", 'F', "nothing: peers may go", "none", Left, soon, begun(func(a *attack) { a.raw.Close() })),
			handshake(s.id, s.name+"vanish-in-a-message", 'F', "nothing: peers may go", "none", Left, soon, begun(func(a *attack) {
				a.say(s.first...)
				a.raw.Close()
			})))
	}
	add(noiseCases()...)
	add(plaintextCases()...)
	return all
}

// lying secures the connection with a key that lies. The host's refusal comes after
// the last message, or instead of an answer.
func lying(lie func(own, other peer.Key) *liar) func(a *attack) error {
	return func(a *attack) error {
		own, err := peer.Generate(actor.Entropy(a))
		if err != nil {
			return err
		}
		other, err := peer.Generate(actor.Entropy(a))
		if err != nil {
			return err
		}
		if err := a.secure(lie(own, other)); err != nil && !gone(err) {
			return err
		}
		return nil
	}
}

// saying agrees on the channel and says bytes instead of its first message.
func saying(s negotiate.Protocol, p ...[]byte) func(a *attack) error {
	return func(a *attack) error {
		err := a.propose(s)
		a.say(slices.Concat(p...)...)
		return err
	}
}

func noiseCases() []Case {
	bad := func(name string, class byte, rule string, play func(a *attack) error) Case {
		return handshake(noise.ID, "noise/"+name, class, rule, noiseSpec, rule, soon, play)
	}
	record := func(name string, class byte, rule string, p ...byte) Case {
		c := bad(name, class, rule, func(a *attack) error {
			err := a.enter()
			a.pipe = a.raw
			a.say(p...)
			return err
		})
		c.Good.Stage = conn.StageNegotiateMuxer
		return c
	}
	return []Case{
		bad("length-claim", 'A', ruleNoiseFirst, saying(noise.ID, []byte{0xff, 0xff})),
		bad("empty-message", 'D', ruleNoiseFirst, saying(noise.ID, []byte{0, 0})),
		bad("oversize-first-message", 'A', ruleNoiseFirst, saying(noise.ID, []byte{0x40, 0}, make([]byte, 1<<14))),
		bad("low-order-point", 'G', ruleNoisePoint, saying(noise.ID, []byte{0, 32}, make([]byte, 32), []byte{0, 200}, make([]byte, 200))),
		bad("bad-signature", 'G', ruleNoiseSignature, lying(func(own, _ peer.Key) *liar { return &liar{Key: own, forges: true} })),
		bad("another's-key", 'G', ruleNoiseSignature, lying(func(own, other peer.Key) *liar { return &liar{Key: own, public: other.Public().Marshal()} })),
		bad("rsa-1024", 'G', ruleNoiseKey, lying(func(own, _ peer.Key) *liar { return &liar{Key: own, public: rsaKey(1024)} })),
		bad("rsa-16384", 'H', ruleNoiseKey, lying(func(own, _ peer.Key) *liar { return &liar{Key: own, public: rsaKey(16384)} })),
		bad("rsa-100000", 'H', ruleNoiseKey, lying(func(own, _ peer.Key) *liar { return &liar{Key: own, public: rsaKey(100_000)} })),
		bad("key-of-no-type", 'D', ruleNoiseKey, lying(func(own, _ peer.Key) *liar { return &liar{Key: own, public: []byte{8, 99, 18, 1, 0}} })),
		record("unsealed-record", 'N', ruleNoiseSealed, append([]byte{0, 32}, make([]byte, 32)...)...),
		record("record-without-a-tag", 'N', ruleNoiseTag, 0, 3, 1, 2, 3),
	}
}

func plaintextCases() []Case {
	bad := func(name string, class byte, rule string, play func(a *attack) error) Case {
		return handshake(plaintext.ID, "plaintext/"+name, class, rule, plaintextSpec, rule, soon, play)
	}
	return []Case{
		bad("endless-varint", 'A', rulePlainLength, saying(plaintext.ID, endless())),
		bad("overlong-varint", 'A', rulePlainLength, saying(plaintext.ID, []byte{0x81, 0x00, 1})),
		bad("length-claim", 'A', rulePlainLength, saying(plaintext.ID, claim(1<<31))),
		bad("garbage", 'D', rulePlainExchange, saying(plaintext.ID, []byte{4, 0xff, 0xff, 0xff, 0xff})),
		bad("no-key", 'D', rulePlainKey, saying(plaintext.ID, framed(field(1, []byte("me"))))),
		bad("another's-key", 'G', rulePlainID, lying(func(own, other peer.Key) *liar { return &liar{Key: own, public: other.Public().Marshal()} })),
		bad("rsa-16384", 'H', rulePlainKey, lying(func(own, _ peer.Key) *liar { return &liar{Key: own, public: rsaKey(16384)} })),
	}
}
