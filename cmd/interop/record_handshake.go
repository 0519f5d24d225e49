package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	ma "github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// recordSeed is what everything at Troupe's end of a recording is made from: its
// key and what its handshakes draw.
const recordSeed = 0x74726f757065

// recordKey is the key of Troupe's end, the same in every recording.
func recordKey() (peer.Key, error) {
	return peer.Generate(rand.NewChaCha8([32]byte{recordSeed & 0xff}))
}

// handshake records the handshake of a security channel from its first byte to
// its last, or, where its bytes cannot be repeated (TLS), the certificate.
func (r *recording) handshake(ctx context.Context, security, muxer string, dialer capture.Side) (err error) {
	other, err := r.start(r.impl, talk.Config{Security: security, Muxer: muxer})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, other.Close()) }()
	mux, err := troupeMuxer(muxer)
	if err != nil {
		return err
	}
	makeSecurity, err := troupeSecurity(security, mux.Protocol)
	if err != nil {
		return err
	}
	key, err := recordKey()
	if err != nil {
		return err
	}
	channel := makeSecurity(key)
	raw, connected, err := r.meet(ctx, other, key.ID(), dialer)
	if err != nil {
		return err
	}
	defer func() { raw.Close(); <-connected }()

	role := negotiate.Dialer
	if dialer == capture.Peer {
		role = negotiate.Listener
	}
	c := &capture.Capture{
		Kind: capture.Handshake, Peer: r.peerName(), Versions: r.versions(other), Date: r.date, Dialer: dialer,
		Security: channel.Protocol(),
	}
	if security == "tls" {
		return r.certificate(c, raw, role, key)
	}
	tap := newTap()
	if err := agreeOnSecurity(tappedPipe{raw, tap}, role, channel.Protocol()); err != nil {
		return err
	}
	var drawn [64]byte // what a handshake of Noise draws: static key, ephemeral key
	var secured negotiate.Secured
	for _, f := range []actor.Func{
		func(self *actor.Self) error { _, err := io.ReadFull(actor.Entropy(self), drawn[:]); return err },
		func(self *actor.Self) (err error) {
			secured, err = channel.Secure(self, tappedPipe{raw, tap}, role, "")
			return err
		},
	} {
		// The same seed and the same name: both draw the same.
		if err := actor.NewScheduler(recordSeed, nil).Run(ctx, "record", f); err != nil {
			return err
		}
	}
	c.Own = []capture.Secret{{Name: "identity", Data: key.Marshal()}}
	if strings.HasPrefix(security, "noise") {
		c.Own = append(c.Own, capture.Secret{Name: "static", Data: drawn[:32]}, capture.Secret{Name: "ephemeral", Data: drawn[32:]})
	}
	c.Key, c.Muxer, c.Early = secured.Key().Marshal(), secured.Muxer(), secured.Muxer() != ""
	c.Chunks = tap.chunks
	folder, _, _ := strings.Cut(security, "-")
	return r.write(c, filepath.Join("negotiate", folder, "testdata", "captures"), security)
}

// meet makes the link: it dials the peer, or has the peer dial. The channel gives
// the end of the peer's attempt, which comes to nothing.
func (r *recording) meet(ctx context.Context, other talk.Peer, own peer.ID, dialer capture.Side) (net.Conn, <-chan error, error) {
	connected := make(chan error, 1)
	if dialer == capture.Troupe {
		connected <- nil
		at, err := ma.NewMultiaddr(other.Addrs()[0])
		if err != nil {
			return nil, nil, err
		}
		at, _ = peer.SplitAddr(at)
		network, address, err := manet.DialArgs(at)
		if err != nil {
			return nil, nil, err
		}
		raw, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil {
			err = raw.SetDeadline(time.Now().Add(stepLimit))
		}
		return raw, connected, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	addr := fmt.Sprintf("/ip4/127.0.0.1/tcp/%d/p2p/%s", l.Addr().(*net.TCPAddr).Port, own)
	go func() { connected <- other.Connect(ctx, addr) }()
	raw, err := l.Accept()
	if err == nil {
		err = raw.SetDeadline(time.Now().Add(stepLimit))
	}
	return raw, connected, err
}

// agreeOnSecurity runs multistream-select for the security channel.
func agreeOnSecurity(pipe net.Conn, role negotiate.Role, id negotiate.Protocol) error {
	if role == negotiate.Dialer {
		_, err := negotiate.Dial(pipe, id)
		return err
	}
	_, err := negotiate.Listen(pipe, func(p negotiate.Protocol) bool { return p == id }, nil)
	return err
}

// errSeen ends a handshake that has shown what was to be seen.
var errSeen = errors.New("the certificate was seen")

// certificate records what the peer shows in a handshake of TLS. This end is
// crypto/tls with the certificate that go-libp2p makes: Troupe's own does not
// show what it receives.
func (r *recording) certificate(c *capture.Capture, raw net.Conn, role negotiate.Role, key peer.Key) error {
	if err := agreeOnSecurity(raw, role, c.Security); err != nil {
		return err
	}
	goKey, err := crypto.UnmarshalPrivateKey(key.Marshal())
	if err != nil {
		return err
	}
	identity, err := libp2ptls.NewIdentity(goKey)
	if err != nil {
		return err
	}
	config, keys := identity.ConfigForPeer("")
	check := config.VerifyPeerCertificate
	config.VerifyPeerCertificate = func(chain [][]byte, verified [][]*x509.Certificate) error {
		for _, der := range chain {
			c.Chunks = append(c.Chunks, capture.Chunk{From: capture.Peer, Data: der})
		}
		if err := check(chain, verified); err != nil {
			return err
		}
		return errSeen
	}
	session := tls.Server(raw, config)
	if role == negotiate.Dialer {
		session = tls.Client(raw, config)
	}
	if err := session.Handshake(); !errors.Is(err, errSeen) {
		return fmt.Errorf("no certificate came: %w", err)
	}
	if c.Key, err = crypto.MarshalPublicKey(<-keys); err != nil {
		return err
	}
	c.Kind = capture.Certificate
	return r.write(c, filepath.Join("negotiate", "tls", "testdata", "captures"), "tls")
}

// peerName is the name of the implementation that is recorded.
func (r *recording) peerName() string { return r.impl + "-libp2p" }

// versions are those of what the peer is made of, sorted by name.
func (r *recording) versions(p talk.Peer) []string {
	v, ok := p.(interface{ Versions() map[string]string })
	if !ok {
		return nil
	}
	return sortedVersions(v.Versions())
}
