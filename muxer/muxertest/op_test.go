package muxertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAnyBytesAreAProgram(t *testing.T) {
	if got := Program([]byte{1, 2, 3}); len(got) != 0 {
		t.Errorf("3 bytes are %v", got)
	}
	seen := map[OpKind]int{}
	for b := range 256 {
		for _, op := range Program([]byte{byte(b), byte(b), 0xff, byte(b), 0}) {
			seen[op.Kind]++
			if op.End > 1 || op.Stream > -1 || op.Stream < -16 || op.N < 0 || op.String() == "" {
				t.Errorf("byte %d: %+v", b, op)
			}
		}
	}
	if len(seen) != int(opKinds) {
		t.Errorf("only these operations are ever meant: %v", seen)
	}
}

func TestOperationsPrintWhatTheyDo(t *testing.T) {
	var got []string
	for kind := range opKinds {
		got = append(got, Op{Kind: kind, End: 1, Stream: 2, N: 3}.String())
	}
	want := []string{
		"b open", "b write stream 2 n 3", "b room 3", "b carry 3", "b consume stream 2 n 3", "b close-write stream 2",
		"b close-read stream 2", "b reset stream 2", "b go-away", "pass 3 ms",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
