package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"
)

func TestTheStoryEndsWithEqualSongsAndTheTree(t *testing.T) {
	out, errOut := want(t, exitOK)
	if errOut != "" {
		t.Errorf("on standard error: %q", errOut)
	}
	for _, text := range []string{
		"» " + steak[0], "7 " + steak[7], "medium-rare.wav", "well-done.wav",
		"/troupe/recipe/1.0.0", "/troupe/music/1.0.0", "TCP, /noise, /mplex/6.7.0",
		"stream-out-", "stream-in-", "kitchen", "jukebox", "dinner", "singer",
	} {
		if !strings.Contains(out, text) {
			t.Errorf("%q is missing", text)
		}
	}
	if n := strings.Count(out, "✓ same at both ends"); n != 2 {
		t.Errorf("%d songs arrived", n)
	}
	if strings.Contains(out, "\x1b") {
		t.Error("colour in what is no terminal")
	}
	for line := range strings.Lines(out) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d characters: %q", n, line)
		}
	}
}

func TestTheStoryForProgramsIsOneDocument(t *testing.T) {
	dir := t.TempDir()
	out, _ := want(t, exitOK, "--json", "--keep", dir)
	all := objects(t, out)
	if len(all) != 1 {
		t.Fatalf("%d objects", len(all))
	}
	tale := all[0]
	if tale["event"] != "result" || tale["ok"] != true || len(tale["recipe"].([]any)) != len(steak) {
		t.Errorf("%v", tale)
	}
	for _, one := range tale["songs"].([]any) {
		song := one.(map[string]any)
		if song["same"] != true || song["sha256_sent"] != song["sha256_received"] || song["size"].(float64) < 10e6 {
			t.Errorf("%v", song)
		}
		p, err := os.ReadFile(song["file"].(string))
		if sum := sha256.Sum256(p); err != nil || hex.EncodeToString(sum[:]) != song["sha256_sent"] {
			t.Errorf("kept as %v: %v", song["file"], err)
		}
	}
	// At the busiest moment both conversations were open at both ends, each
	// handler an actor below its stream.
	tree := tale["tree"].([]any)
	for i, host := range []string{"alice", "bob"} {
		root := tree[i].(map[string]any)
		var found []string
		var walk func(n map[string]any, above string)
		walk = func(n map[string]any, above string) {
			state, _ := n["state"].(string)
			if strings.HasPrefix(state, "/troupe/") {
				found = append(found, state)
			}
			children, _ := n["children"].([]any)
			if i == 1 && strings.HasPrefix(state, "/troupe/") && len(children) != 1 {
				t.Errorf("%s has no handler", n["name"])
			}
			for _, c := range children {
				walk(c.(map[string]any), state)
			}
		}
		walk(root, "")
		if root["name"] != host || len(found) != 2 {
			t.Errorf("%v has the streams %q", root["name"], found)
		}
	}
	// Nothing that is there is replaced.
	if _, errOut := want(t, exitFailure, "--keep", dir); !strings.Contains(errOut, "already exists") {
		t.Errorf("%q", errOut)
	}
}

func TestTheStoryCanBeInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if code, _, errOut := demo(ctx); code != exitInterrupted || errOut != "interrupted\n" {
		t.Errorf("before it began: %d, %q", code, errOut)
	}
	ctx, cancel = context.WithCancel(context.Background())
	defer cancel()
	out := &trigger{text: steak[3], fire: cancel}
	var errOut bytes.Buffer
	if code := run(ctx, []string{"demo"}, out, &errOut, noEnv); code != exitInterrupted || !strings.Contains(out.String(), steak[3]) {
		t.Errorf("in the middle: %d, %q", code, errOut.String())
	}
}

func TestASongThatArrivesOtherwiseIsNotTheSame(t *testing.T) {
	song := []byte("la la la")
	sum := sha256.Sum256(song)
	good := tape{song: song, said: sum, played: sum}
	for name, spoil := range map[string]func(t *tape){
		"nothing":          nil,
		"other bytes":      func(t *tape) { t.song, t.played = []byte("la la li"), sha256.Sum256([]byte("la la li")) },
		"another sum said": func(t *tape) { t.said[0]++ },
	} {
		for _, end := range []string{"alice", "bob"} {
			s := &story{}
			s.songs.alices, s.songs.bobs = song, song
			dance, box := partOver{tape: good}, partOver{tape: good}
			if spoil != nil && end == "alice" {
				spoil(&dance.tape)
			} else if spoil != nil {
				spoil(&box.tape)
			}
			if s.compare(dance, box); s.tale.OK != (spoil == nil) {
				t.Errorf("%s at %s: %v", name, end, s.tale.OK)
			}
		}
	}
}
