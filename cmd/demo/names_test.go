package main

import (
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestNamesThatLeaveTheFolderOrHideAreRefused(t *testing.T) {
	for _, name := range []string{
		"", ".", "..", "../x", "a/../x", "a/..", "./a", "/etc/passwd", "a//b", "a/", `a\b`, `..\x`,
		".hidden", "a/.git/config", ".song.wav.troupe-part", "a\x00b", "a\nb", "\x1b[31mred", "a\u202eb", "a\u2028b",
		"\xff", strings.Repeat("a", maxNamePart+1), strings.Repeat("a/", maxName/2) + "a",
	} {
		var bad *nameError
		if err := checkName(name); !errors.As(err, &bad) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestOrdinaryNamesAreTaken(t *testing.T) {
	for _, name := range []string{"a", "song.wav", "music/song.wav", "My Song (1).wav", "歌.wav", "Screenshot\u202f10.png", "a..b", "~x", "a:b"} {
		if err := checkName(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestReceivedFilesGoIntoTheFolderItself(t *testing.T) {
	if err := checkReceived("a.wav"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"a/b", "../b", ".b"} {
		if checkReceived(name) == nil {
			t.Errorf("%q was taken", name)
		}
	}
}

func FuzzNamesAreSafeToShow(f *testing.F) {
	f.Add("a/b", "\x1b]0;x\a")
	f.Fuzz(func(t *testing.T, name, shown string) {
		if checkName(name) == nil && (strings.ContainsFunc(name, unicode.IsControl) || strings.Contains("/"+name+"/", "/../") || name[0] == '/') {
			t.Errorf("%q was taken", name)
		}
		if q := quoted(shown); strings.ContainsFunc(q, unicode.IsControl) || utf8.RuneCountInString(q) > 90 {
			t.Errorf("%q is shown as %q", shown, q)
		}
	})
}
