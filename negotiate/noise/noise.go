package noise

import (
	"context"
	"crypto/ecdh"
	"fmt"
	"io"
	"math"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// ID is the protocol ID (libp2p specs, noise/README.md, "Negotiation").
const ID negotiate.Protocol = "/noise"

// lastRecord is how many records one direction may carry: the number 2^64-1 is
// never used (Noise specification, section 5.1).
const lastRecord = math.MaxUint64

// Noise is the security channel of one host. It may be used by many connections
// at the same time. It is a [negotiate.Security].
type Noise struct {
	key     peer.Key
	muxers  []negotiate.Protocol
	lenient bool
	records uint64 // how many records a direction may carry; tests lower it

	proofs proofs // of those that this host has met

	mu  sync.Mutex // guards own, while it is computed; nothing waits under it
	own *identity
}

// An identity is the Noise static key of a host, tied to its peer ID.
type identity struct {
	static *ecdh.PrivateKey
	key    []byte // the host's public key, marshalled
	sig    []byte // over the static key
}

// Format keeps the static key from being printed.
func (*identity) Format(f fmt.State, _ rune) { io.WriteString(f, "noise static key") }

// An Option changes a [Noise] from its defaults.
type Option func(*Noise)

// Muxers has the handshake agree on a muxer as well, which saves the round trip
// of multistream-select: the first of the dialer's list that the listener has.
// The most wanted name comes first. Without it no list is sent and
// multistream-select follows, as it does when the remote sends none.
//
// Offer one name, or let all hosts list them in the same order: as listener this
// end sends its whole list, and js-libp2p as dialer takes the first name of the
// listener's list, where the specs say the first of the dialer's (libp2p specs,
// connections/inlined-muxer-negotiation.md). As dialer this end sends only the
// name it chose.
//
// More than 100 names panic: no peer would take them.
func Muxers(list ...negotiate.Protocol) Option {
	if len(list) > maxMuxers {
		panic(fmt.Sprintf("noise: %d muxers, at most %d can be offered", len(list), maxMuxers))
	}
	return func(n *Noise) { n.muxers = slices.Clone(list) }
}

// NegotiateWithoutOverlap leaves the choice of the muxer to multistream-select
// when the two lists have nothing in common, as go-libp2p does. The specs, and
// this package without the option, let the handshake fail.
func NegotiateWithoutOverlap() Option { return func(n *Noise) { n.lenient = true } }

// New returns the security channel of the host whose identity is key. It
// computes nothing yet: the static key and its signature are made by the first
// handshake, from the randomness of the actor that runs it, and then serve every
// connection (the specs allow both). That saves two key generations and a
// signature a connection. They live in memory only. Nor is the signature of a peer
// checked twice that comes back with the static key it had (see proofs).
func New(key peer.Key, options ...Option) *Noise {
	n := &Noise{key: key, records: lastRecord}
	for _, o := range options {
		o(n)
	}
	return n
}

// Format names the channel and its host, the same for every verb and flag.
func (n *Noise) Format(f fmt.State, _ rune) { io.WriteString(f, string(ID)+" of "+n.key.ID().String()) }

// Protocol returns [ID].
func (n *Noise) Protocol() negotiate.Protocol { return ID }

// Secure runs the handshake over raw; see [negotiate.Security]. It reads no byte
// beyond the handshake. The result is a [*Conn].
//
// It blocks until the handshake ends, raw fails, or ctx ends; then it sets the
// deadline of raw into the past, and the error's cause is that of ctx. The
// dialer returns when its last message is written: a listener that refuses the
// dialer shows as an end of the connection in the first Read.
//
// Error: [*negotiate.HandshakeError], wrapping a [*peer.MismatchError] when want
// is not empty and another peer proved itself. A dialer that finds a wrong peer
// does not tell it who it is.
func (n *Noise) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	if ctx.Err() != nil {
		return nil, interrupted("before message 1", context.Cause(ctx))
	}
	stop := actor.AfterDone(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	s, stage, err := n.handshake(ctx, raw, role, want)
	if !stop() {
		if s != nil {
			s.wipe()
		}
		return nil, interrupted(stage, context.Cause(ctx))
	}
	if err != nil {
		return nil, err
	}
	return newConn(raw, s, n.records), nil
}

// handshake runs a machine over raw. stage is where it ended.
func (n *Noise) handshake(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (*session, string, error) {
	entropy := actor.Entropy(ctx)
	own, err := n.identity(entropy)
	if err != nil {
		const stage = "making the static key"
		return nil, stage, interrupted(stage, err)
	}
	ephemeral, err := newPrivate(entropy)
	if err != nil {
		const stage = "making the ephemeral key"
		return nil, stage, interrupted(stage, err)
	}
	m := newMachine(setup{
		role: role, want: want, identity: own, ephemeral: ephemeral,
		muxers: names(n.muxers), lenient: n.lenient, known: n.proofs.has,
	})
	s, err := drive(raw, m)
	if err == nil {
		n.proofs.add(s.proof)
	}
	return s, m.stage(), err
}

// identity returns the static key, made at the first call.
func (n *Noise) identity(entropy io.Reader) (*identity, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.own != nil {
		return n.own, nil
	}
	static, err := newPrivate(entropy)
	if err != nil {
		return nil, err
	}
	sig, err := n.key.Sign(signed(static.PublicKey().Bytes()))
	if err != nil {
		return nil, err
	}
	n.own = &identity{static: static, key: n.key.Public().Marshal(), sig: sig}
	return n.own, nil
}
