package tls_test

import (
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/securitytest"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

func TestTLSConformsToTheContractOfSecurity(t *testing.T) {
	securitytest.Run(t, func(key peer.Key) negotiate.Security { return tls.New(key) })
}

func TestTLSWithMuxersConformsToTheContractOfSecurity(t *testing.T) {
	securitytest.Run(t, func(key peer.Key) negotiate.Security { return tls.New(key, tls.Muxers("/yamux/1.0.0")) })
}
