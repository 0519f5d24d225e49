package noise

import (
	"google.golang.org/protobuf/proto"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise/pb"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// signaturePrefix stands before the static key in what an identity key signs
// (libp2p specs, noise/README.md, "The libp2p Handshake Payload").
const signaturePrefix = "noise-libp2p-static-key:"

// signed returns the bytes that tie a Noise static key to an identity.
func signed(static []byte) []byte {
	return append([]byte(signaturePrefix), static...)
}

// A claim is what one end says about itself in its handshake payload.
type claim struct {
	key    []byte // the identity's public key, marshalled
	sig    []byte // by the identity, over signed(static key)
	muxers []string
}

// encode returns the payload as protobuf.
func (c claim) encode() []byte {
	m := &pb.NoiseHandshakePayload{IdentityKey: c.key, IdentitySig: c.sig}
	if len(c.muxers) > 0 {
		m.Extensions = &pb.NoiseExtensions{StreamMuxers: c.muxers}
	}
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		panic("noise: " + err.Error()) // no required field, no checked text: it cannot fail
	}
	return data
}

// decode reads a payload. Fields that the specs do not define, the legacy
// "data" among them, are dropped.
func decode(data []byte) (claim, error) {
	m := new(pb.NoiseHandshakePayload)
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(data, m); err != nil {
		return claim{}, err
	}
	return claim{
		key:    m.GetIdentityKey(),
		sig:    m.GetIdentitySig(),
		muxers: m.GetExtensions().GetStreamMuxers(),
	}, nil
}

// prove checks that the claim was made by the identity in it for static, and
// returns that identity. Otherwise it returns the rule that is broken. checked
// says that the signature was found to hold before.
func (c claim) prove(static []byte, checked bool) (peer.PublicKey, rule, error) {
	key, err := peer.UnmarshalPublicKey(c.key)
	if err != nil {
		return nil, ruleKey, err
	}
	if checked {
		return key, "", nil
	}
	if err := key.Verify(signed(static), c.sig); err != nil {
		return nil, ruleSignature, err
	}
	return key, "", nil
}

// common returns the first name of the dialer's list that the listener has, and
// false if there is none (libp2p specs, connections/inlined-muxer-negotiation.md,
// "Multiplexer Negotiation over Noise").
func common(dialers, listeners []string) (string, bool) {
	for _, d := range dialers {
		for _, l := range listeners {
			if d == l {
				return d, true
			}
		}
	}
	return "", false
}

// names returns muxers as the payload lists them.
func names(muxers []negotiate.Protocol) []string {
	list := make([]string, len(muxers))
	for i, m := range muxers {
		list[i] = string(m)
	}
	return list
}
