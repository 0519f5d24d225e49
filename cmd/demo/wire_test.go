package main

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// someMessages has one of each kind.
var someMessages = []fileMessage{
	{kind: sayList},
	{kind: sayEntry, size: 12, name: "music/song.wav"},
	{kind: sayEnd, size: 2, offset: 1},
	{kind: sayGet, name: "song.wav", offset: 5, sum: digest{1, 2, 3}},
	{kind: sayPut, name: "ünïcode 歌.wav", size: 1 << 40},
	{kind: sayHave, offset: 7, sum: digest{9}},
	{kind: sayBegin, offset: 7, size: 8},
	{kind: saySum, sum: digest{0xff}},
	{kind: sayDone},
	{kind: sayRefused, code: refuseRoom},
	{kind: sayBusy, offset: 1, size: 1<<63 - 1},
}

func TestEveryMessageComesBackAsItWasSaid(t *testing.T) {
	var wire bytes.Buffer
	for _, m := range someMessages {
		if err := say(&wire, m); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range someMessages {
		got, err := hear(&wire)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(fileMessage{})); diff != "" {
			t.Errorf("%v (-said +heard):\n%s", want.kind, diff)
		}
	}
	if wire.Len() != 0 {
		t.Errorf("%d bytes are left", wire.Len())
	}
}

func TestTheWireFormIsTheDocumentedOne(t *testing.T) {
	got := fileMessage{kind: sayGet, offset: 0x0102, sum: digest{0xaa}, name: "x"}.appendTo(nil)
	want := append([]byte{4, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa}, make([]byte, 31)...)
	want = append(want, 'x')
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestAMessageThatBreaksTheFormIsRefused(t *testing.T) {
	good := fileMessage{kind: sayGet, offset: 5, sum: digest{1}, name: "a"}.appendTo(nil)
	change := func(at int, b byte) []byte {
		p := bytes.Clone(good)
		p[at] = b
		return p
	}
	for name, p := range map[string][]byte{
		"nothing":                 {},
		"too short":               good[:messageHead-1],
		"kind 0":                  change(0, 0),
		"an unknown kind":         change(0, byte(sayBusy)+1),
		"a code in get":           change(1, 1),
		"an offset of 2^63":       change(2, 0x80),
		"a size in get":           change(17, 1),
		"a name not UTF-8":        change(messageHead, 0xff),
		"refused, no code":        fileMessage{kind: sayRefused}.appendTo(nil),
		"done with a name":        fileMessage{kind: sayDone, name: "a"}.appendTo(nil),
		"a name that is too long": fileMessage{kind: sayPut, name: strings.Repeat("a", maxName+1)}.appendTo(nil),
	} {
		var broken *wireError
		if m, err := parseMessage(p); !errors.As(err, &broken) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestALengthOverTheLimitIsRefusedBeforeItsBytes(t *testing.T) {
	var broken *wireError
	if _, err := hear(bytes.NewReader([]byte{0x81, 0x20})); !errors.As(err, &broken) { // 4097
		t.Errorf("4097 bytes: %v", err)
	}
	if _, err := hear(bytes.NewReader([]byte{0x81, 0x00})); !errors.As(err, &broken) { // 1, not minimal
		t.Errorf("a length that is not minimal: %v", err)
	}
}

func TestAStreamThatBreaksIsNotTheMessagesFault(t *testing.T) {
	whole := fileMessage{kind: sayDone}.appendTo([]byte{messageHead})
	for n := range whole {
		_, err := hear(bytes.NewReader(whole[:n]))
		var broken *wireError
		if errors.As(err, &broken) || err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

func FuzzParseMessage(f *testing.F) {
	for _, m := range someMessages {
		f.Add(m.appendTo(nil))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := parseMessage(p)
		if err != nil {
			return
		}
		// There is one form of each message.
		if again := m.appendTo(nil); !bytes.Equal(again, p) {
			t.Errorf("%x was read and is written as %x", p, again)
		}
	})
}
