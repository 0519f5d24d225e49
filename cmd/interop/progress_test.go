package main

import (
	"bytes"
	"io"
	"os"
	"strings"
	"testing"
)

func TestTheLiveLineIsTakenBack(t *testing.T) {
	var out bytes.Buffer
	p := &liveProgress{out: &out}
	cell := Cell{"noise", "yamux", "troupe", "go"}
	p.begin(2)
	p.check(cell, "ping")
	p.result(cell, Result{Check: "ping", Status: Passed})
	p.check(cell, "echo-1B")
	p.result(cell, Result{Check: "echo-1B", Status: Failed, Reason: "it broke"})
	p.cell(CellReport{Cell: cell})
	p.check(cell, "ping")
	if _, err := io.WriteString(p.notes(), "installing\n"); err != nil {
		t.Fatal(err)
	}
	p.end()
	const clear = "\r\x1b[K"
	want := clear + "[1/2] noise/yamux/troupe dials go: ping" +
		clear + "[1/2] noise/yamux/troupe dials go: echo-1B" +
		clear + "noise/yamux/troupe dials go, echo-1B: FAILED: it broke\n" +
		clear + "[2/2] noise/yamux/troupe dials go: ping (1 failed)" +
		clear + "installing\n"
	if got := out.String(); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestTheLiveLineNeverWraps(t *testing.T) {
	var out bytes.Buffer
	p := &liveProgress{out: &out}
	p.check(Cell{Dialer: strings.Repeat("ä", 200)}, "ping")
	line := strings.TrimPrefix(out.String(), "\r\x1b[K")
	if n := len([]rune(line)); n != lineWidth {
		t.Errorf("%d characters", n)
	}
}

func TestLinesThatStaySayOnlyWhatMatters(t *testing.T) {
	cell := Cell{"noise", "yamux", "troupe", "go"}
	for _, tt := range []struct {
		each bool
		want int
	}{{false, 2}, {true, 3}} {
		var out bytes.Buffer
		p := &lineProgress{out: &out, each: tt.each}
		done := CellReport{Cell: cell, TookMS: 1500, Results: results(Passed, Failed)}
		for _, r := range done.Results {
			p.result(cell, r)
		}
		p.cell(done)
		if n := strings.Count(out.String(), "\n"); n != tt.want {
			t.Errorf("each %v: %d lines, want %d:\n%s", tt.each, n, tt.want, &out)
		}
		if !strings.Contains(out.String(), "noise/yamux/troupe dials go: 1 passed, 1 failed in 1.5 s\n") {
			t.Errorf("each %v: the cell's line is not there:\n%s", tt.each, &out)
		}
	}
}

func TestAFileAndTheNullDeviceAreNoTerminals(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(t.TempDir() + "/file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, w := range []io.Writer{null, file, io.Discard} {
		if isTerminal(w) {
			t.Errorf("%T %v is taken for a terminal", w, w)
		}
	}
	if p, ok := progressOn(file, false).(*lineProgress); !ok || p.each {
		t.Error("a file gets the wrong progress")
	}
	if p, ok := progressOn(file, true).(*lineProgress); !ok || !p.each {
		t.Error("a verbose run gets the wrong progress")
	}
}
