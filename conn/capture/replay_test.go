package capture_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
)

// sessions are the recorded sessions by the names of their files.
func sessions(t testing.TB) map[string]string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no captures: %v", err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".txt")] = string(text)
	}
	return all
}

func parse(t testing.TB, text string) *capture.Capture {
	t.Helper()
	c, err := capture.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// factoryOf is the muxer of a capture, as hosts have it.
func factoryOf(c *capture.Capture) muxer.Factory {
	if c.Muxer == mplex.ID {
		return mplex.Factory(mplex.PauseThenReset)
	}
	return yamux.Factory(yamux.Options{})
}

func TestARecordedPeerIsUnderstoodAndAnsweredAsWhenItWasRecorded(t *testing.T) {
	for name, text := range sessions(t) {
		t.Run(name, func(t *testing.T) {
			c := parse(t, text)
			for seed := range uint64(3) {
				if err := capture.Replay(c, factoryOf(c), seed); err != nil {
					t.Fatalf("seed %d:\n%v", seed, err)
				}
			}
		})
	}
}

// What a peer has is recorded whoever dials; the gaps are its own: py-libp2p does
// not agree on the muxer in the handshake.
func TestEveryCellOfThePeersIsRecorded(t *testing.T) {
	all := sessions(t)
	for _, peer := range []string{"go", "js", "py"} {
		for _, security := range []string{"noise", "noise-early", "plaintext", "tls"} {
			if peer == "py" && security == "noise-early" {
				continue
			}
			for _, muxer := range []string{"yamux", "mplex"} {
				for _, who := range []string{"troupe-dials", "is-dialer"} {
					name := strings.Join([]string{peer, security, muxer, who}, "-")
					text, ok := all[name]
					if !ok {
						t.Errorf("%s is not there", name)
						continue
					}
					c := parse(t, text)
					if c.Kind != capture.Session || (c.Dialer == capture.Peer) != (who == "is-dialer") ||
						c.Early && security == "noise" || !strings.Contains(string(c.Muxer), muxer) {
						t.Errorf("%s is something else: %s, %s dials, early %v, %s", name, c.Kind, c.Dialer, c.Early, c.Muxer)
					}
				}
			}
		}
	}
}
