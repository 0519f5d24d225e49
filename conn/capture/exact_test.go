package capture_test

import (
	"io"
	"testing"

	"github.com/troupe-p2p/troupe/conn/capture"
)

func twoByTwo() *capture.Exact {
	return capture.NewExact(&capture.Capture{Chunks: []capture.Chunk{
		{From: capture.Troupe, Data: []byte("ab")}, {From: capture.Troupe, Data: []byte("c")}, {From: capture.Peer, Data: []byte("xy")},
	}})
}

func TestAnExactPipeTakesTheRecordingInAnyPieces(t *testing.T) {
	e := twoByTwo()
	for _, piece := range []string{"a", "bc"} {
		if n, err := e.Write([]byte(piece)); n != len(piece) || err != nil {
			t.Fatal(n, err)
		}
	}
	if e.Rest() == nil {
		t.Error("the peer's bytes were read by nobody")
	}
	if got, err := io.ReadAll(e); string(got) != "xy" || err != nil {
		t.Errorf("read %q, %v", got, err)
	}
	if err := e.Rest(); err != nil {
		t.Error(err)
	}
}

func TestAnExactPipeTakesNothingElse(t *testing.T) {
	for name, play := range map[string]func(e *capture.Exact) error{
		"another byte":    func(e *capture.Exact) error { _, err := e.Write([]byte("ax")); return err },
		"a byte too many": func(e *capture.Exact) error { _, err := e.Write([]byte("abcd")); return err },
		"a byte after the end": func(e *capture.Exact) error {
			if _, err := e.Write([]byte("abc")); err != nil {
				return nil
			}
			if _, err := io.ReadFull(e, make([]byte, 2)); err != nil {
				return nil
			}
			_, err := e.Write([]byte("d"))
			return err
		},
		"a read before its time": func(e *capture.Exact) error { _, err := e.Read(make([]byte, 1)); return err },
		"nothing at all":         func(e *capture.Exact) error { return e.Rest() },
	} {
		if err := play(twoByTwo()); err == nil {
			t.Errorf("%s: nothing was found", name)
		}
	}
}
