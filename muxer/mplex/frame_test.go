package mplex

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// The vectors follow from the formula of the specification; go-libp2p writes the
// name of a stream in the same way.
func TestHeadsHaveTheirWireForm(t *testing.T) {
	here, there := func(n uint64) muxer.StreamID { return muxer.NewStreamID(n, true) },
		func(n uint64) muxer.StreamID { return muxer.NewStreamID(n, false) }
	for _, c := range []struct {
		what string
		send muxer.Effect
		want string
	}{
		{"open 0", frame(flagNewStream, here(0), 0), "00 01 30"},
		{"open 17", frame(flagNewStream, here(17), 0), "88 01 02 31 37"},
		{"open the last", frame(flagNewStream, here(MaxID), 0), "f8 ff ff ff ff ff ff ff 7f 13 31 31 35 32 39 32 31 35 30 34 36 30 36 38 34 36 39 37 35"},
		{"2 bytes by the opener of 0", frame(flagFrom(flagMessageReceiver, here(0)), here(0), 2), "02 02"},
		{"2 bytes by the acceptor of 17", frame(flagFrom(flagMessageReceiver, there(17)), there(17), 2), "89 01 02"},
		{"1 MiB", frame(flagMessageInitiator, here(1), MaxBody), "0a 80 80 40"},
		{"close by the opener of 17", frame(flagFrom(flagCloseReceiver, here(17)), here(17), 0), "8c 01 00"},
		{"close by the acceptor of 17", frame(flagFrom(flagCloseReceiver, there(17)), there(17), 0), "8b 01 00"},
		{"reset by the opener of 0", frame(flagFrom(flagResetReceiver, here(0)), here(0), 0), "06 00"},
		{"reset by the acceptor of 0", frame(flagFrom(flagResetReceiver, there(0)), there(0), 0), "05 00"},
	} {
		want, err := hex.DecodeString(string(bytes.ReplaceAll([]byte(c.want), []byte(" "), nil)))
		if err != nil {
			t.Fatal(err)
		}
		got := appendHead([]byte("x"), c.send)
		if diff := cmp.Diff(append([]byte("x"), want...), got); diff != "" {
			t.Errorf("%s: %s", c.what, diff)
		}
		if size := headSize(c.send); size != len(want) {
			t.Errorf("%s: the size is told as %d, not %d", c.what, size, len(want))
		}
	}
}

// edges are numbers around every length of a varint.
func edges() []uint64 {
	out := []uint64{0, 1}
	for bits := 7; bits < 64; bits += 7 {
		out = append(out, 1<<bits-1, 1<<bits)
	}
	return out
}

func TestTheSizeOfAHeadIsThatOfItsBytes(t *testing.T) {
	for _, x := range edges() {
		if got, want := uvarintSize(x), len(binary.AppendUvarint(nil, x)); got != want {
			t.Errorf("varint %d: %d bytes, not %d", x, got, want)
		}
	}
	for _, wire := range append(edges()[:17], 9, 10, 99, 100, 999_999_999, 1_000_000_000, MaxID) {
		wire = min(wire, MaxID)
		for _, n := range []int{0, 1, 127, 128, 16383, 16384, MaxBody} {
			for flag := range uint8(flagInvalid) {
				e := frame(flag, muxer.NewStreamID(wire, true), n)
				if got, want := headSize(e), len(appendHead(nil, e)); got != want {
					t.Errorf("%s on stream %d with %d bytes: %d, not %d", FlagName(flag), wire, n, got, want)
				}
			}
		}
	}
}

func TestEveryHeadThatIsWrittenIsReadInAnyPieces(t *testing.T) {
	for _, key := range edges()[:18] {
		for _, length := range edges()[:18] {
			p := binary.AppendUvarint(binary.AppendUvarint(nil, key), length)
			for cut := range len(p) {
				var h head
				n1, _, v1 := h.take(p[:cut])
				n2, got, v2 := h.take(append(bytes.Clone(p[cut:]), 0xaa))
				if n1 != cut || v1 != more || n2 != len(p)-cut || v2 != complete || h.key != key || got != length {
					t.Fatalf("%d, %d cut at %d: took %d and %d, read %d, %d", key, length, cut, n1, n2, h.key, got)
				}
				if h.second || h.value != 0 || h.shift != 0 {
					t.Fatalf("%d, %d: something is left for the next head: %+v", key, length, h)
				}
			}
		}
	}
}

func TestAStreamAndItsNumberHaveNoLimitBelowTheWires(t *testing.T) {
	m := New(negotiate.Dialer, muxer.Limits{}, PauseThenReset)
	m.nextID = MaxID
	var got []string
	for range 3 {
		for _, e := range m.Step(start, muxer.Event{Kind: muxer.Open}, nil) {
			got = append(got, lines.Effect(e))
		}
	}
	want := []string{"opened 1152921504606846975", "refused", "refused"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFlagsHaveTheNamesOfTheSpecification(t *testing.T) {
	var got []string
	for flag := range uint8(8) {
		got = append(got, FlagName(flag))
	}
	want := []string{"NewStream", "MessageReceiver", "MessageInitiator", "CloseReceiver", "CloseInitiator", "ResetReceiver", "ResetInitiator", "flag 7"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
