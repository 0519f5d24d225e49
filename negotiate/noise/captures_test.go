package noise

import (
	"bytes"
	"testing"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// shake repeats a recorded handshake from multistream-select on: with the keys of
// this end in the recording it must say the same bytes.
func shake(t *testing.T, c *capture.Capture) (*session, error) {
	t.Helper()
	key, err := peer.UnmarshalKey(c.Secret("identity"))
	if err != nil {
		t.Fatal(err)
	}
	own, err := New(key).identity(bytes.NewReader(c.Secret("static")))
	if err != nil {
		t.Fatal(err)
	}
	ephemeral, err := newPrivate(bytes.NewReader(c.Secret("ephemeral")))
	if err != nil {
		t.Fatal(err)
	}
	with := setup{role: negotiate.Dialer, identity: own, ephemeral: ephemeral}
	if c.Early {
		with.muxers = []string{string(c.Muxer)}
	}
	pipe := capture.NewExact(c)
	if c.Dialer == capture.Peer {
		with.role = negotiate.Listener
		_, err = negotiate.Listen(pipe, func(p negotiate.Protocol) bool { return p == c.Security }, nil)
	} else {
		_, err = negotiate.Dial(pipe, c.Security)
	}
	if err != nil {
		return nil, err
	}
	s, err := drive(pipe, newMachine(with))
	if err != nil {
		return nil, err
	}
	return s, pipe.Rest()
}

func TestARecordedPeerShakesHandsAsWhenItWasRecorded(t *testing.T) {
	all, err := capture.Load("testdata/captures/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range all {
		t.Run(name, func(t *testing.T) {
			s, err := shake(t, c)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.key.Marshal(); !bytes.Equal(got, c.Key) {
				t.Errorf("it met %x, want %x", got, c.Key)
			}
			if s.muxer != c.Muxer {
				t.Errorf("they agreed on the muxer %q, want %q", s.muxer, c.Muxer)
			}
		})
	}
}

// Every byte of a recorded peer counts: multistream-select, keys, payload.
func TestAByteOfARecordedHandshakeThatWasChangedEndsIt(t *testing.T) {
	all, err := capture.Load("testdata/captures/*.txt")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range all {
		for _, chunk := range c.Chunks {
			if chunk.From != capture.Peer {
				continue
			}
			for at := 0; at < len(chunk.Data); at += 5 {
				chunk.Data[at] ^= 1
				if _, err := shake(t, c); err == nil {
					t.Errorf("%s, line %d, byte %d: the handshake succeeded", name, chunk.Line, at)
				}
				chunk.Data[at] ^= 1
			}
		}
	}
}
