package main

import (
	"path/filepath"
	"testing"

	"github.com/troupe-p2p/troupe/conn/capture"
)

func TestWhatIsRecordedCanBeReplayed(t *testing.T) {
	dir := t.TempDir()
	r := &recording{start: startPeer, impl: implGo, dir: dir, date: "2026-01-02"}
	if err := r.all(t.Context(), []string{"noise-early", "tls"}, []string{"yamux", "mplex"}); err != nil {
		t.Fatal(err)
	}
	for folder, want := range map[string]int{
		"conn/capture/testdata":             8,
		"negotiate/noise/testdata/captures": 2,
		"negotiate/tls/testdata/captures":   2,
	} {
		all, err := capture.Load(filepath.Join(dir, filepath.FromSlash(folder), "*.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != want {
			t.Errorf("%s has %d captures, want %d", folder, len(all), want)
		}
		for name, c := range all {
			if c.Kind != capture.Session {
				continue
			}
			muxer := "yamux"
			if c.Muxer == "/mplex/6.7.0" {
				muxer = "mplex"
			}
			factory, err := troupeMuxer(muxer)
			if err != nil {
				t.Fatal(err)
			}
			if err := capture.Replay(c, factory, 1); err != nil {
				t.Errorf("%s:\n%v", name, err)
			}
		}
	}
}

func TestWhatAPeerLacksIsLeftOut(t *testing.T) {
	r := &recording{start: startPeer, impl: "nobody", dir: t.TempDir(), date: "2026-01-02"}
	if err := r.all(t.Context(), usualSecurities(), usualMuxers()); err != nil {
		t.Error(err)
	}
}
