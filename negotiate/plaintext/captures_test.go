package plaintext_test

import (
	"bytes"
	"testing"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
)

func TestARecordedPeerExchangesIDsAsWhenItWasRecorded(t *testing.T) {
	all, err := capture.Load("testdata/captures/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			key, err := peer.UnmarshalKey(c.Secret("identity"))
			if err != nil {
				t.Fatal(err)
			}
			pipe, role := capture.NewExact(c), negotiate.Dialer
			if c.Dialer == capture.Peer {
				role = negotiate.Listener
				_, err = negotiate.Listen(pipe, func(p negotiate.Protocol) bool { return p == c.Security }, nil)
			} else {
				_, err = negotiate.Dial(pipe, c.Security)
			}
			if err != nil {
				t.Fatal(err)
			}
			s, err := plaintext.New(key).Secure(t.Context(), pipe, role, "")
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Key().Marshal(); !bytes.Equal(got, c.Key) {
				t.Errorf("it met %x, want %x", got, c.Key)
			}
			if err := pipe.Rest(); err != nil {
				t.Error(err)
			}
		})
	}
}
