package yamux

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/muxertest"
	"github.com/troupe-p2p/troupe/negotiate"
)

// The vectors follow from the layout of the specification.
func TestHeadsHaveTheirWireForm(t *testing.T) {
	id := func(n uint64) muxer.StreamID { return muxer.NewStreamID(n, true) }
	for _, c := range []struct {
		what string
		send muxer.Effect
		want string
	}{
		{"open 1", control(typeWindowUpdate, flagSYN, id(1), 0), "00 01 0001 00000001 00000000"},
		{"accept 1", control(typeWindowUpdate, flagACK, id(1), 0), "00 01 0002 00000001 00000000"},
		{"5 bytes on 1", data(id(1), 5), "00 00 0000 00000001 00000005"},
		{"close 1", control(typeWindowUpdate, flagFIN, id(1), 0), "00 01 0004 00000001 00000000"},
		{"reset 1", control(typeWindowUpdate, flagRST, id(1), 0), "00 01 0008 00000001 00000000"},
		{"reset 258 with a code", control(typeWindowUpdate, flagRST, id(258), 0x1002), "00 01 0008 00000102 00001002"},
		{"grant 256 KiB on the last", control(typeWindowUpdate, 0, id(MaxID), 256<<10), "00 01 0000 ffffffff 00040000"},
		{"ping", session(typePing, flagSYN, 0xdeadbeef), "00 02 0001 00000000 deadbeef"},
		{"pong", session(typePing, flagACK, 0xdeadbeef), "00 02 0002 00000000 deadbeef"},
		{"go-away", session(typeGoAway, 0, 0), "00 03 0000 00000000 00000000"},
		{"go-away with an error", session(typeGoAway, 0, 1), "00 03 0000 00000000 00000001"},
	} {
		want, err := hex.DecodeString(strings.ReplaceAll(c.want, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		got := appendHead([]byte("x"), c.send)
		if diff := cmp.Diff(append([]byte("x"), want...), got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
		if len(got) != 1+headSize {
			t.Errorf("%s has %d bytes", c.what, len(got)-1)
		}
	}
}

func TestEveryHeadIsReadInAnyPieces(t *testing.T) {
	want := head{version: 1, kind: 2, flags: 0x0304, stream: 0x05060708, length: 0x090a0b0c}
	p := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}
	for first := range headSize + 1 {
		for second := range headSize + 1 - first {
			var r reader
			var got head
			complete, taken := false, 0
			for _, piece := range [][]byte{p[:first], p[first : first+second], p[first+second:]} {
				if complete {
					break
				}
				var n int
				got, n, complete = r.take(piece)
				taken += n
			}
			if got != want || !complete || taken != headSize || r.have != 0 {
				t.Errorf("%d, %d and the rest: %+v, complete %v, %d taken, %d kept", first, second, got, complete, taken, r.have)
			}
		}
	}
}

func TestNumbersAreUsedUpAndNeverUsedTwice(t *testing.T) {
	for role, next := range map[negotiate.Role]uint64{negotiate.Dialer: MaxID - 2, negotiate.Listener: MaxID - 3} {
		m := New(role, muxer.Limits{}, Options{})
		m.nextID = next
		var got []string
		for range 4 {
			for _, e := range m.Step(start, muxer.Event{Kind: muxer.Open}, nil) {
				got = append(got, lines.Effect(e))
			}
		}
		want := []string{"opened 4294967293", "opened 4294967295", "refused", "refused"}
		if role == negotiate.Listener {
			want = []string{"opened 4294967292", "opened 4294967294", "refused", "refused"}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("as %s: %s", role, diff)
		}
	}
}

func TestFramesHaveTheNamesOfTheSpecification(t *testing.T) {
	for op, want := range map[uint8]string{
		opOf(typeData, 0): "Data", opOf(typeData, flagSYN|flagFIN): "Data+SYN+FIN", opOf(typeWindowUpdate, flagACK): "WindowUpdate+ACK",
		opOf(typeWindowUpdate, flagRST): "WindowUpdate+RST", opOf(typePing, flagSYN): "Ping+SYN", opOf(typeGoAway, 0): "GoAway", 64: "op64", 255: "op255",
	} {
		if got := FrameName(op); got != want {
			t.Errorf("%d is named %s, not %s", op, got, want)
		}
	}
	seen := map[string]bool{}
	for op := range 256 {
		name := FrameName(uint8(op))
		if seen[name] || strings.Contains(name, " ") {
			t.Errorf("%q names two frames, or is two words", name)
		}
		seen[name] = true
	}
}

// start is the time at which tests begin.
var start = muxertest.Start

// heads returns the heads of frames, one behind the other.
func heads(list ...muxer.Effect) []byte {
	var p []byte
	for _, e := range list {
		p = appendHead(p, e)
	}
	return p
}

// letters returns n bytes.
func letters(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }
