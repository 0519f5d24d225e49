package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"testing"
)

var shortSong = song{seed: 5, root: 60, chords: []int{0, 5}, beats: 120, bars: 2}

func TestASongIsAWAVFile(t *testing.T) {
	p := compose(shortSong)
	le := binary.LittleEndian
	if string(p[:4]) != "RIFF" || string(p[8:16]) != "WAVEfmt " || string(p[36:40]) != "data" {
		t.Fatalf("head: %q", p[:wavHead])
	}
	if got := le.Uint32(p[4:]); int(got) != len(p)-8 {
		t.Errorf("RIFF size %d in a file of %d", got, len(p))
	}
	if got := le.Uint32(p[40:]); int(got) != len(p)-wavHead {
		t.Errorf("data size %d in a file of %d", got, len(p))
	}
	for at, want := range map[int]uint16{20: 1, 22: 2, 32: 4, 34: 16} {
		if got := le.Uint16(p[at:]); got != want {
			t.Errorf("at %d: %d, want %d", at, got, want)
		}
	}
	if rate, bytes := le.Uint32(p[24:]), le.Uint32(p[28:]); rate != 44_100 || bytes != 4*44_100 {
		t.Errorf("%d samples and %d bytes a second", rate, bytes)
	}
	if seconds := float64(len(p)-wavHead) / 4 / 44_100; math.Abs(seconds-5) > 0.1 { // 2 bars of 2 s, and 1 s
		t.Errorf("%.2f s long", seconds)
	}
}

// All of the arithmetic is on integers, so this holds on every machine.
func TestTheSameSongIsTheSameFileEverywhere(t *testing.T) {
	sum := sha256.Sum256(compose(shortSong))
	if got, want := hex.EncodeToString(sum[:8]), "cfbe8886cfe70466"; got != want {
		t.Errorf("sha256 %s…, want %s…", got, want)
	}
	other := shortSong
	other.seed++
	if bytes.Equal(compose(shortSong), compose(other)) {
		t.Error("another seed makes the same song")
	}
}

func TestASongIsLoudAndDoesNotClip(t *testing.T) {
	p := compose(shortSong)[wavHead:]
	loudest, quiet := 0, 0
	for i := 0; i < len(p); i += 2 {
		s := int(int16(binary.LittleEndian.Uint16(p[i:])))
		loudest = max(loudest, s, -s)
		if s == 0 {
			quiet++
		}
	}
	if loudest != 29_490 {
		t.Errorf("the loudest sample is %d", loudest)
	}
	if quiet > len(p)/2/4 {
		t.Errorf("%d of %d samples are silence", quiet, len(p)/2)
	}
}

func TestNotesHaveTheirPitch(t *testing.T) {
	for note, hertz := range map[int]float64{69: 440, 57: 220, 60: 261.63, 33: 55, 81: 880} {
		if got := wavRate / float64(period(note)); math.Abs(got-hertz) > hertz*0.012 {
			t.Errorf("note %d has %.1f Hz, want %.1f", note, got, hertz)
		}
	}
}
