package capture_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/troupe-p2p/troupe/conn/capture"
	"github.com/troupe-p2p/troupe/negotiate"
)

// sameCapture compares captures without the lines they stood on.
var sameCapture = cmp.Options{cmpopts.IgnoreFields(capture.Chunk{}, "Line"), cmpopts.EquateEmpty()}

func small() *capture.Capture {
	return &capture.Capture{
		Kind: capture.Handshake, Peer: "go-libp2p", Versions: []string{"go-libp2p v0.51.0", "go-yamux v5.1.0"},
		Date: "2026-01-02", Dialer: capture.Peer, Security: "/noise", Muxer: "/yamux/1.0.0", Early: true,
		Key: []byte{8, 1}, Local: "/ip4/127.0.0.1/tcp/1", Remote: "/ip4/127.0.0.1/tcp/2",
		Own: []capture.Secret{{Name: "static", Data: []byte{1, 2}}, {Name: "ephemeral", Data: []byte{3}}},
		Chunks: []capture.Chunk{
			{From: capture.Troupe, Data: []byte("\x13/multistream/1.0.0\nab\"c\"\\ \x00\xff")},
			{From: capture.Peer, At: 1500 * time.Microsecond, Data: []byte(strings.Repeat("x", 1000) + "end")},
			{From: capture.Peer, At: time.Second, End: true},
		},
	}
}

const smallText = `capture 1
kind handshake
peer go-libp2p
version go-libp2p v0.51.0
version go-yamux v5.1.0
date 2026-01-02
dialer peer
security /noise
muxer /yamux/1.0.0
early yes
key 0801
local /ip4/127.0.0.1/tcp/1
remote /ip4/127.0.0.1/tcp/2
own static 0102
own ephemeral 03

> 0s
  13 "/multistream/1.0.0\n" "ab\"c\"\\ " 00ff

< 1.5ms
  78*1000
  656e64

< 1s end
`

func TestACaptureIsWrittenAsPackageCommentSays(t *testing.T) {
	if diff := cmp.Diff(smallText, small().Format()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(small(), parse(t, smallText), sameCapture); diff != "" {
		t.Error(diff)
	}
}

func TestEverySessionIsWrittenAsItWasRead(t *testing.T) {
	for name, text := range sessions(t) {
		c := parse(t, text)
		if again := c.Format(); again != text { // cmp takes long for so much
			t.Errorf("%s is now\n%.1000s", name, again)
		}
	}
}

func TestWhatIsNoCaptureIsRefusedWithItsLine(t *testing.T) {
	for name, test := range map[string]struct {
		from, to string // changes the text above
		line     int
	}{
		"another first line":           {"capture 1", "capture 2", 1},
		"an unknown kind":              {"kind handshake", "kind party", 2},
		"an unknown field":             {"peer go", "pear go", 3},
		"a field twice":                {"local /ip4/127.0.0.1/tcp/1", "remote /ip4/127.0.0.1/tcp/1", 13},
		"a field without a value":      {"security /noise", "security", 8},
		"another date":                 {"2026-01-02", "2.1.2026", 6},
		"another dialer":               {"dialer peer", "dialer nobody", 7},
		"early no":                     {"early yes", "early no", 10},
		"a key that is not hex":        {"key 0801", "key 080", 11},
		"a secret without a name":      {"own static 0102", "own 0102", 14},
		"a header after a chunk":       {"< 1s end", "peer go", 24},
		"data before a chunk":          {"> 0s", "", 18},
		"data after the end":           {"> 0s", "> 0s end", 18},
		"a time that goes backwards":   {"1.5ms", "-1ms", 20},
		"a chunk before the one above": {"< 1s end", "< 1ms end", 24},
		"a chunk after the end":        {"  656e64", "< 2ms end", 24},
		"no time":                      {"> 0s", "> soon", 17},
		"something else than end":      {"1s end", "1s fin", 24},
		"half a byte":                  {"656e64", "656e6", 22},
		"an open quote":                {`\n" "ab`, `\n" ab`, 18},
		"nothing between quotes":       {`13 "`, `13 "" "`, 18},
		"no blank after a quote":       {`" 00ff`, `"00ff`, 18},
		"a repetition of none":         {"78*1000", "78*0", 21},
		"a repetition of nothing":      {"78*1000", "*1000", 21},
		"more than a capture holds":    {"78*1000", "78*9000000", 21},
		"a long repetition":            {"78*1000", "7878*8000000", 21},
		"an empty chunk":               {"  78*1000\n  656e64\n", "", 22},
		"no peer":                      {"peer go-libp2p\n", "", 24},
		"no muxer in a session":        {"kind handshake", "kind session\n#", 26},
		"nothing":                      {smallText, "", 1},
	} {
		text := strings.Replace(smallText, test.from, test.to, 1)
		if name == "no muxer in a session" {
			text = strings.Replace(text, "muxer /yamux/1.0.0\n", "", 1)
			test.line--
		}
		_, err := capture.Parse(text)
		var syntax *capture.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != test.line {
			t.Errorf("%s: got %v, want line %d", name, err, test.line)
		}
	}
}

func TestASessionHasAnEnd(t *testing.T) {
	text := strings.Replace(smallText, "kind handshake", "kind session", 1)
	if _, err := capture.Parse(text); err != nil {
		t.Fatal(err)
	}
	var syntax *capture.SyntaxError
	if _, err := capture.Parse(strings.Replace(text, "< 1s end", "", 1)); !errors.As(err, &syntax) {
		t.Errorf("got %v", err)
	}
}

func TestASecretIsFoundByItsName(t *testing.T) {
	if got := small().Secret("ephemeral"); string(got) != "\x03" {
		t.Errorf("got %x", got)
	}
	if got := small().Secret("identity"); got != nil {
		t.Errorf("got %x", got)
	}
}

// Whatever Parse takes, Format writes so that Parse takes it again, equal.
func FuzzParse(f *testing.F) {
	f.Add(smallText)
	for _, text := range sessions(f) {
		f.Add(text[:min(len(text), 4096)])
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := capture.Parse(text)
		if err != nil {
			return
		}
		written := c.Format()
		again, err := capture.Parse(written)
		if err != nil {
			t.Fatalf("%v in\n%s", err, written)
		}
		for i := range c.Chunks {
			c.Chunks[i].Line, again.Chunks[i].Line = 0, 0
		}
		if !reflect.DeepEqual(c, again) {
			t.Fatalf("%.1000s\nis read as\n%.1000s", written, again.Format())
		}
	})
}

// Whatever a peer and this end may say, following it ends in an answer.
func FuzzReplay(f *testing.F) {
	for _, muxer := range []string{"/mplex/6.7.0", "/yamux/1.0.0"} {
		for _, early := range []bool{false, true} {
			f.Add(muxer, early, []byte("\x13/multistream/1.0.0\n"), []byte("\x0d/yamux/1.0.0\n"))
			f.Add(muxer, early, []byte{0x00, 0x01, 0x30}, []byte{0x01, 0x02, 0x68, 0x69})
			f.Add(muxer, early, []byte{0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0}, []byte{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7})
		}
	}
	base := parse(f, sessions(f)["go-noise-yamux-troupe-dials"])
	f.Fuzz(func(t *testing.T, muxer string, early bool, ours, theirs []byte) {
		if muxer != "/mplex/6.7.0" && muxer != "/yamux/1.0.0" || len(ours) == 0 || len(theirs) == 0 {
			return
		}
		c := *base
		c.Muxer, c.Early = negotiate.Protocol(muxer), early
		c.Chunks = []capture.Chunk{
			{From: capture.Troupe, Data: ours}, {From: capture.Peer, Data: theirs}, {From: capture.Peer, End: true},
		}
		_ = c.Format()
		_ = capture.Replay(&c, factoryOf(&c), 1) // it may fail, it must end
	})
}
