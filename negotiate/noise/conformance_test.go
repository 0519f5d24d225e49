package noise_test

import (
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/securitytest"
)

func TestNoiseConformsToTheContractOfSecurity(t *testing.T) {
	securitytest.Run(t, func(key peer.Key) negotiate.Security { return noise.New(key) })
}

func TestNoiseWithMuxersConformsToTheContractOfSecurity(t *testing.T) {
	securitytest.Run(t, func(key peer.Key) negotiate.Security { return noise.New(key, noise.Muxers("/yamux/1.0.0")) })
}
