package capture_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
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

// halfFirst is a session whose peer offers a protocol and says a hundred bytes in
// one frame; the recording has the answer to the offer before the frame's end.
const halfFirst = `capture 1
kind session
peer somebody
version 1
date 2026-01-02
dialer peer
security /noise
muxer %s
early yes
key 0801122015cff9b59dbd0cade2fcc15141f35aea09586f875d227839553f70fb4992abf5
local /ip4/127.0.0.1/tcp/1
remote /ip4/127.0.0.1/tcp/2

< 0s
  %s 13 "/multistream/1.0.0\n" 13 "/troupe/echo/1.0.0\n" 6d*40
> 1ms
  %s 13 "/multistream/1.0.0\n" 13 "/troupe/echo/1.0.0\n"
< 2ms
  6d*60
  %s
> 3ms
  %s 6d*100
  %s
< 4ms end
`

func TestAFrameOfAPeerMayBeAnsweredBeforeItIsWhole(t *testing.T) {
	for muxer, frames := range map[negotiate.Protocol][5]string{
		yamux.ID: {
			"000100010000000100000000 00000000000000010000008c", "000100020000000100000000 000000000000000100000028",
			"000100040000000100000000", "000000000000000100000064", "000100040000000100000000",
		},
		mplex.ID: {"080130 0a8c01", "0928", "0c00", "0964", "0b00"},
	} {
		text := fmt.Sprintf(halfFirst, muxer, frames[0], frames[1], frames[2], frames[3], frames[4])
		c := parse(t, text)
		if err := capture.Replay(c, factoryOf(c), 1); err != nil {
			t.Errorf("%s: %v", muxer, err)
		}
	}
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
