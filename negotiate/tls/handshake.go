package tls

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// A handshake is what crypto/tls is told and asks in one handshake. It belongs
// to the goroutine that runs it.
type handshake struct {
	ctx    context.Context
	role   negotiate.Role
	want   peer.ID
	offers []string
	stage  string         // where it stands, as far as crypto/tls shows it
	key    peer.PublicKey // of the remote, when its certificate is good
}

// config is what crypto/tls is told. A name is not sent because there is none
// (tls/tls.md, "Future Extensibility").
func (h *handshake) config(own *identity) *tls.Config {
	return &tls.Config{
		Rand:         actor.Entropy(h.ctx),
		Time:         func() time.Time { return actor.Now(h.ctx) },
		MinVersion:   tls.VersionTLS13,
		NextProtos:   h.offers,
		Certificates: []tls.Certificate{own.certificate},
		ClientAuth:   tls.RequireAnyClientCert,
		// The dialer shows its certificate whatever authorities the listener names.
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			h.stage = "sending the certificate"
			return &own.certificate, nil
		},
		// Chains and names are not for crypto/tls to judge: inspect does.
		InsecureSkipVerify:     true,
		VerifyPeerCertificate:  h.inspect,
		GetConfigForClient:     func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return h.greet(own, hello), nil },
		SessionTicketsDisabled: true,
		// Every record is as full as it can be: nobody waits for half of one.
		DynamicRecordSizingDisabled: true,
	}
}

// greet chooses the application protocol in the order of the dialer (libp2p
// specs, connections/inlined-muxer-negotiation.md); crypto/tls would take the
// listener's.
func (h *handshake) greet(own *identity, hello *tls.ClientHelloInfo) *tls.Config {
	h.stage = "awaiting the dialer's certificate"
	for _, name := range hello.SupportedProtos {
		if slices.Contains(h.offers, name) {
			config := h.config(own)
			config.NextProtos = []string{name}
			config.GetConfigForClient = nil
			return config
		}
	}
	return nil // crypto/tls refuses a list without overlap, and accepts none at all
}

// inspect checks the remote's certificate. crypto/tls calls it before it checks
// that the remote holds the key.
func (h *handshake) inspect(chain [][]byte, _ [][]*x509.Certificate) error {
	h.stage = "checking the " + h.role.Other().String() + "'s certificate"
	key, no := checkChain(chain, actor.Now(h.ctx), h.want)
	if no != nil {
		return fault(h.stage, no.rule, no.cause)
	}
	h.key = key
	h.stage = "awaiting the proof of the " + h.role.Other().String() + "'s certificate"
	return nil
}
