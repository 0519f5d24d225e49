package tls

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// ID is the protocol ID (libp2p specs, tls/tls.md, "Handshake Protocol").
const ID negotiate.Protocol = "/tls/1.0.0"

// noMuxer is the application protocol of a handshake that agrees on no muxer
// (libp2p specs, connections/inlined-muxer-negotiation.md).
const noMuxer = "libp2p"

// The limits of a list of muxers.
const (
	maxMuxers = 100 // the names in one; the one of package noise
	maxName   = 255 // the bytes of an application protocol (RFC 7301, 3.1)
)

// TLS is the security channel of one host. It may be used by many connections
// at the same time. It is a [negotiate.Security].
type TLS struct {
	key    peer.Key
	offers []string // the application protocols, the most wanted first

	mu  sync.Mutex // guards own, while it is computed; nothing waits under it
	own *identity
}

// An Option changes a [TLS] from its defaults.
type Option func(*TLS)

// Muxers has the handshake agree on a muxer as well, which saves the round trip
// of multistream-select: the first of the dialer's list that the listener has
// (libp2p specs, connections/inlined-muxer-negotiation.md). The most wanted name
// comes first. Without it, or when the remote has none of them, the handshake
// agrees on none and multistream-select follows.
//
// The list is seen by whoever watches the pipe. py-libp2p, when it is given a
// list too, ignores what was agreed and goes on with multistream-select.
//
// More than 100 names panic, and so do one that has no bytes or more than 255
// and "libp2p", which is no muxer: a mistake of the program.
func Muxers(list ...negotiate.Protocol) Option {
	if len(list) > maxMuxers {
		panic(fmt.Sprintf("tls: %d muxers, at most %d can be offered", len(list), maxMuxers))
	}
	var offers []string
	for _, name := range list {
		if name == "" || len(name) > maxName || name == noMuxer {
			panic(fmt.Sprintf("tls: %q cannot be offered as a muxer", name))
		}
		offers = append(offers, string(name))
	}
	return func(t *TLS) { t.offers = append(slices.Clone(offers), noMuxer) }
}

// New returns the security channel of the host whose identity is key. It
// computes nothing yet: the certificate is made by the first handshake, with the
// clock and the randomness of the actor that runs it, and then serves every
// connection (the specs allow both). Its key lives in memory only.
func New(key peer.Key, options ...Option) *TLS {
	t := &TLS{key: key, offers: []string{noMuxer}}
	for _, o := range options {
		o(t)
	}
	return t
}

// Format names the channel and its host, the same for every verb and flag.
func (t *TLS) Format(f fmt.State, _ rune) { io.WriteString(f, string(ID)+" of "+t.key.ID().String()) }

// Protocol returns [ID].
func (t *TLS) Protocol() negotiate.Protocol { return ID }

// Secure runs the handshake over raw; see [negotiate.Security]. What it reads
// beyond the handshake is for the result, a [*Conn].
//
// It blocks until the handshake ends, raw fails, or ctx ends; then it sets the
// deadline of raw into the past, and the error's cause is that of ctx. It tells
// the remote why it refuses it, which waits for raw as well. The dialer returns
// when its last message is written: a listener that refuses the dialer shows in
// the first Read.
//
// Error: [*negotiate.HandshakeError], wrapping a [*peer.MismatchError] when want
// is not empty and another peer's certificate was shown; the remote was not made
// to prove that it is its own. A dialer that finds a wrong peer does not tell it
// who it is.
func (t *TLS) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	h := &handshake{ctx: ctx, role: role, want: want, offers: t.offers, stage: "before the first hello"}
	if ctx.Err() != nil {
		return nil, interrupted(h.stage, context.Cause(ctx))
	}
	stop := actor.AfterDone(ctx, func() { raw.SetDeadline(time.Unix(1, 0)) })
	c, err := t.handshake(h, raw)
	if !stop() {
		return nil, interrupted(h.stage, context.Cause(ctx))
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}

// handshake runs h over raw.
func (t *TLS) handshake(h *handshake, raw net.Conn) (*Conn, error) {
	own, err := t.identity(h.ctx)
	if err != nil {
		h.stage = "making the certificate"
		return nil, interrupted(h.stage, err)
	}
	below := &pipe{Conn: raw}
	var session *tls.Conn
	if h.role == negotiate.Dialer {
		h.stage = "awaiting the listener's certificate"
		session = tls.Client(below, h.config(own))
	} else {
		h.stage = "awaiting the dialer's hello"
		session = tls.Server(below, h.config(own))
	}
	// Without a context crypto/tls starts no goroutine and runs its callbacks here.
	if err := session.HandshakeContext(context.Background()); err != nil {
		return nil, failed(h.stage, err)
	}
	if h.key == nil {
		return nil, interrupted(h.stage, errors.New("crypto/tls did not ask about the certificate"))
	}
	c := &Conn{session: session, pipe: below, key: h.key, unanswered: h.role == negotiate.Dialer}
	if name := session.ConnectionState().NegotiatedProtocol; name != noMuxer {
		c.muxer = negotiate.Protocol(name)
	}
	return c, nil
}

// identity returns the certificate, made at the first call.
func (t *TLS) identity(ctx context.Context) (*identity, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.own != nil {
		return t.own, nil
	}
	own, err := newIdentity(ctx, t.key)
	if err != nil {
		return nil, err
	}
	t.own = own
	return own, nil
}
