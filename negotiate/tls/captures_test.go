package tls

import (
	"bytes"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// certificates are what recorded peers showed, and when.
func certificates(t *testing.T) map[string]*capture.Capture {
	t.Helper()
	all, err := capture.Load("testdata/captures/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// chainOf is a recorded chain, and the midnight after it was recorded.
func chainOf(t *testing.T, c *capture.Capture) (chain [][]byte, now time.Time) {
	t.Helper()
	day, err := time.Parse(time.DateOnly, c.Date)
	if err != nil {
		t.Fatal(err)
	}
	for _, chunk := range c.Chunks {
		chain = append(chain, chunk.Data)
	}
	return chain, day.Add(24 * time.Hour)
}

func TestTheCertificateOfARecordedPeerProvesItsKey(t *testing.T) {
	for name, c := range certificates(t) {
		chain, now := chainOf(t, c)
		want, err := peer.UnmarshalPublicKey(c.Key)
		if err != nil {
			t.Fatal(err)
		}
		key, no := checkChain(chain, now, want.ID())
		if no != nil {
			t.Errorf("%s: %s: %v", name, no.rule, no.cause)
			continue
		}
		if !bytes.Equal(key.Marshal(), c.Key) {
			t.Errorf("%s: it proves %x, want %x", name, key.Marshal(), c.Key)
		}
	}
}

func TestTheCertificateOfARecordedPeerIsNotForEver(t *testing.T) {
	for name, c := range certificates(t) {
		chain, now := chainOf(t, c)
		for _, at := range []time.Time{now.AddDate(-200, 0, 0), now.AddDate(10_000, 0, 0)} {
			if _, no := checkChain(chain, at, ""); no == nil || no.rule != ruleNow {
				t.Errorf("%s: at %s it gives %v", name, at, no)
			}
		}
	}
}

func TestTheCertificateOfARecordedPeerIsOfNobodyElse(t *testing.T) {
	for name, c := range certificates(t) {
		chain, now := chainOf(t, c)
		if _, no := checkChain(chain, now, peer.ID("somebody else")); no == nil || no.rule != rulePeer {
			t.Errorf("%s: it gives %v", name, no)
		}
		der := chain[0]
		at := bytes.Index(der, c.Key)
		if at < 0 {
			t.Fatalf("%s: the host's key is not in it", name)
		}
		der[at+len(c.Key)-1] ^= 1
		if _, no := checkChain(chain, now, ""); no == nil {
			t.Errorf("%s: with another key in it, it is good", name)
		}
	}
}
