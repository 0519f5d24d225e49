package plaintext_test

import (
	"testing"

	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/negotiate/securitytest"
)

func TestPlaintextConformsToTheContractOfSecurity(t *testing.T) {
	securitytest.Run(t, func(key peer.Key) negotiate.Security { return plaintext.New(key) })
}
