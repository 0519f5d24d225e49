package muxertest

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var lines = Lines{Op: func(op uint8) string { return "op" + string('a'+rune(op%26)) }}

func TestEventLinesSurviveReadingAndPrinting(t *testing.T) {
	for _, line := range []string{
		"received 02 02 68 69", "received", "received 00 ff*9 01", "open", "ready 0 5", "room 1000",
		"consumed <1152921504606846975 5", "close-write 3 0", "close-read <7", "reset 0 4098", "go-away 7", "tick",
	} {
		e, err := lines.ParseEvent(line)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := lines.Event(e); got != line {
			t.Errorf("%q came back as %q", line, got)
		}
	}
}

func TestEffectLinesSurviveReadingAndPrinting(t *testing.T) {
	for _, line := range []string{
		"opened 0", "refused", "refused code 4103", "accept <0", `deliver <0 "hi"`, `deliver 5 "ab\x00\n \"" "x"*500 "y"`, `deliver 5 ""`,
		"eof <0", "peer-reset <0 code 0", "peer-reset 0 code 4098 local", "send 0 opb 17", "pause", "resume",
		"forget 4", "drained", "fatal",
	} {
		e, err := lines.ParseEffect(line)
		if err != nil {
			t.Error(err)
			continue
		}
		if got := lines.Effect(e); got != line {
			t.Errorf("%q came back as %q", line, got)
		}
	}
}

func TestLongRunsAreShortened(t *testing.T) {
	e, err := lines.ParseEvent("received 01 " + "02*1000")
	if err != nil {
		t.Fatal(err)
	}
	want := append([]byte{1}, bytes.Repeat([]byte{2}, 1000)...)
	if diff := cmp.Diff(want, e.Data.Bytes()); diff != "" {
		t.Error(diff)
	}
}

func TestLinesThatAreWrongAreRefused(t *testing.T) {
	for _, line := range []string{
		"", "jump", "open 1", "ready 0", "ready x 1", "ready 0 -1", "received 0", "received 000", "received 00*x",
		"received 00*99999999", "room", "consumed <", "reset 0",
	} {
		if e, err := lines.ParseEvent(line); err == nil {
			t.Errorf("event %q was read as %+v", line, e)
		}
	}
	for _, line := range []string{
		"", "jump", "opened", "deliver 0 hi", `deliver 0 "hi"*`, "peer-reset 0 1", "peer-reset 0 code 1 remote",
		"send 0 nothing 1", "refused 3", "send 0 opa", "drained 1",
	} {
		if e, err := lines.ParseEffect(line); err == nil {
			t.Errorf("effect %q was read as %+v", line, e)
		}
	}
}
