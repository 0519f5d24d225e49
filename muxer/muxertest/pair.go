package muxertest

import (
	"fmt"
	"testing"

	"github.com/troupe-p2p/troupe/actor/buf"
)

// Ops is a list of operations.
func Ops(list ...Op) []Op { return list }

// OpenAt asks for a stream at an end.
func OpenAt(end uint8) Op { return Op{Kind: Open, End: end} }

// On is what the user at an end does with a stream.
func On(kind OpKind, end uint8, stream, n int) Op {
	return Op{Kind: kind, End: end, Stream: stream, N: n}
}

// Flow lets end send all it may, and the other end receive all of it.
func Flow(end uint8) []Op {
	return []Op{{Kind: Room, End: end, N: 1 << 16}, {Kind: Carry, End: 1 - end, N: 1 << 16}}
}

// Pair carries out operations on a fresh world and settles it. An operation that
// is not possible fails the test.
func Pair(t *testing.T, config Config, groups ...[]Op) {
	t.Helper()
	w := NewWorld(config)
	defer w.Close()
	for _, group := range groups {
		for _, op := range group {
			if done, err := w.Do(op); err != nil || !done {
				t.Fatalf("%v: done %v, %v", op, done, err)
			}
		}
	}
	if err := w.Settle(); err != nil {
		t.Fatal(err)
	}
}

// Run carries a program out on a fresh world, where operations that are not
// possible do nothing, settles it, and checks that no buffer is lost. seen may
// look at the settled world. A program that fails runs a second time for the log.
func Run(t *testing.T, config Config, ops []Op, seen func(*World)) {
	t.Helper()
	run := func() error {
		live := buf.Live()
		w := NewWorld(config)
		defer w.Close()
		for _, op := range ops {
			if _, err := w.Do(op); err != nil {
				return err
			}
		}
		if err := w.Settle(); err != nil {
			return err
		}
		w.Close()
		seen(w)
		if n := buf.Live() - live; n != 0 {
			return fmt.Errorf("%d buffers are lost", n)
		}
		return nil
	}
	err := run()
	if err == nil {
		return
	}
	var log []string
	config.Log = func(line string) { log = append(log, line) }
	again := run()
	for _, line := range log[max(0, len(log)-60):] {
		t.Log(line)
	}
	t.Fatalf("%v (the second time: %v)", err, again)
}
