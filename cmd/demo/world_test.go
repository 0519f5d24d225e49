package main

import (
	"bytes"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/sim"
	"github.com/troupe-p2p/troupe/stream"
)

// liar is the service of a node that answers get with the bytes it is given.
func liar(answer func(self *actor.Self, s *stream.Stream) error) host.Service {
	return func(self *actor.Self, h *host.Host) error {
		err := h.Handle(self, fileProtocol, func(self *actor.Self, s *stream.Stream) error {
			if _, err := hear(s); err != nil {
				return err
			}
			return answer(self, s)
		})
		if err != nil {
			return err
		}
		return idle(self)
	}
}

// fetched gets a file of a lying node into a folder.
func fetched(t *testing.T, retries int, answer func(self *actor.Self, s *stream.Stream) error) (dir string, took time.Duration, err error) {
	t.Helper()
	sim.Test(t, func(w *sim.World) {
		var root *os.Root
		root, dir = folder(t)
		bob, alice := w.Host("bob", host.Run("share", liar(answer))), w.Host("alice")
		p := &program{console: &console{out: io.Discard, err: io.Discard}}
		began := w.Self().Now()
		err = p.fetch(w.Self(), alice, bob.Info(), getting{name: "song", retries: retries, root: root, dir: dir, base: "song"})
		took = w.Self().Now().Sub(began)
	})
	return dir, took, err
}

func TestAFileWithTheWrongSumIsNotKept(t *testing.T) {
	dir, _, err := fetched(t, 3, func(_ *actor.Self, s *stream.Stream) error {
		_, err := s.Write(bytes.Join([][]byte{head(fileMessage{kind: sayBegin, size: 4}), block([]byte("evil")), make([]byte, blockHead),
			head(fileMessage{kind: saySum, sum: sha256.Sum256([]byte("good"))})}, nil))
		refusalIn(s)
		return err
	})
	if exitOf(err) != exitChecksum {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("kept: %q", got)
	}
}

func TestANodeThatFallsSilentIsNamedAndGivenUp(t *testing.T) {
	_, took, err := fetched(t, 1, func(self *actor.Self, s *stream.Stream) error { return idle(self) })
	if exitOf(err) != exitUnreachable || !strings.Contains(sentence(err), "silent for 30 s") {
		t.Errorf("%v", sentence(err))
	}
	if took < 2*transferIdle || took > 2*transferIdle+10*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestANodeThatSendsMoreThanItSaidIsRefused(t *testing.T) {
	dir, _, err := fetched(t, 3, func(_ *actor.Self, s *stream.Stream) error {
		_, err := s.Write(bytes.Join([][]byte{head(fileMessage{kind: sayBegin, size: 2}), block([]byte("evil"))}, nil))
		refusalIn(s)
		return err
	})
	if exitOf(err) != exitFailure || !strings.Contains(sentence(err), "more bytes come than the file has") {
		t.Errorf("%v", err)
	}
	if got := names(t, dir); len(got) != 0 {
		t.Errorf("kept: %q", got)
	}
}

func TestASourceThatChangesUnderTheSenderIsGotAnew(t *testing.T) {
	attempts := 0
	dir, _, err := fetched(t, 3, func(_ *actor.Self, s *stream.Stream) error {
		attempts++
		p := bytes.Join([][]byte{head(fileMessage{kind: sayBegin, size: 4}), block([]byte("go")), make([]byte, blockHead),
			head(fileMessage{kind: sayRefused, code: refuseChanged})}, nil)
		if attempts%2 == 0 {
			p = bytes.Join([][]byte{head(fileMessage{kind: sayBegin, size: 4}), block([]byte("good")), make([]byte, blockHead),
				head(fileMessage{kind: saySum, sum: sha256.Sum256([]byte("good"))})}, nil)
		}
		_, err := s.Write(p)
		if _, herr := hear(s); err == nil && herr != io.EOF {
			err = herr
		}
		return err
	})
	if err != nil || attempts%2 != 0 || content(t, dir, "song") != "good" {
		t.Errorf("%v after %d attempts", err, attempts)
	}
}

func TestTheSameTransferInAWorldTakesTheSameSteps(t *testing.T) {
	play := func(seed uint64) (sim.Result, string) {
		root, dir := folder(t)
		from, fromDir := folder(t)
		write(t, fromDir, "song", strings.Repeat("la", 200_000))
		result, err := sim.Run(t.Context(), sim.Config{Seed: seed, Link: sim.LinkConfig{Latency: 30 * time.Millisecond, Bandwidth: 1 << 20}}, func(w *sim.World) error {
			s := &share{root: from, dir: "shared"}
			bob, alice := w.Host("bob", host.Run("share", s.service)), w.Host("alice")
			p := &program{console: &console{out: io.Discard, err: io.Discard}}
			return p.fetch(w.Self(), alice, bob.Info(), getting{name: "song", root: root, dir: dir, base: "song"})
		})
		if err != nil {
			t.Fatal(err)
		}
		return result, content(t, dir, "song")
	}
	first, song := play(4)
	if again, _ := play(4); again != first {
		t.Errorf("%v, and again %v", first, again)
	}
	if other, _ := play(5); other.Hash == first.Hash {
		t.Error("another seed takes the same steps")
	}
	if len(song) != 400_000 {
		t.Errorf("%d bytes came", len(song))
	}
}

func TestASendWaitsForTheEndOfItsEarlierAttempt(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "song", "la la")
	sim.Test(t, func(w *sim.World) {
		root, shared := folder(t)
		bob, alice := sharing(t, w, root, shared), w.Host("alice")
		earlier := opened(t, w.Self(), alice, bob)
		if err := say(earlier, fileMessage{kind: sayPut, name: "song", size: 5}); err != nil {
			t.Fatal(err)
		}
		if m, err := hear(earlier); err != nil || m.kind != sayHave {
			t.Fatalf("%v, %v", m.kind, err)
		}
		p := &program{console: &console{out: io.Discard, err: io.Discard}}
		s := putting{file: filepath.Join(dir, "song"), name: "song", retries: 2}
		if err := p.bring(w.Self(), alice, bob.Info(), s); exitOf(err) != exitRefused {
			t.Errorf("while the earlier one goes on: %v", err)
		}
		w.Self().Go("end", func(self *actor.Self) error {
			defer earlier.Reset(stream.CodeNone)
			return self.Sleep(time.Second)
		})
		s.retries = 5
		if err := p.bring(w.Self(), alice, bob.Info(), s); err != nil {
			t.Errorf("when the earlier one ends: %v", err)
		}
		if got := content(t, shared, "song"); got != "la la" {
			t.Errorf("%q arrived", got)
		}
	})
}

func TestASenderStopsWhenItIsRefusedInTheMiddle(t *testing.T) {
	const size = 40 << 20
	dir := t.TempDir()
	write(t, dir, "song", strings.Repeat("la", size/2))
	sim.Test(t, func(w *sim.World) {
		bob := w.Host("bob", host.Run("share", liar(func(_ *actor.Self, s *stream.Stream) error {
			if err := say(s, fileMessage{kind: sayHave}); err != nil {
				return err
			}
			if _, err := io.CopyN(io.Discard, s, 1<<20); err != nil {
				return err
			}
			if err := say(s, fileMessage{kind: sayRefused, code: refuseRoom}); err != nil {
				return err
			}
			_, err := io.Copy(io.Discard, s)
			return err
		})))
		alice := w.Host("alice")
		from, err := openLocal(filepath.Join(dir, "song"))
		if err != nil {
			t.Fatal(err)
		}
		defer from.close()
		s := opened(t, w.Self(), alice, bob)
		out := (&sending{talk: talk{s: s}, from: from, name: "song"}).run(w.Self(), nil)
		s.Close()
		if out.end != endTold || out.code != refuseRoom || out.moved > size/2 {
			t.Errorf("%v %v after %d bytes", out.end, out.code, out.moved)
		}
	})
}

func TestTheNodeKnowsThatAFileArrivedHoweverFastTheGetterLeaves(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, "song", "la la")
	for seed := range uint64(30) {
		into, target := folder(t)
		var over []transferOver
		_, err := sim.Run(t.Context(), sim.Config{Seed: seed}, func(w *sim.World) error {
			s := &share{root: root, dir: dir, tell: func(o transferOver) { over = append(over, o) }}
			muxer := host.Muxer(mplex.Factory(mplex.PauseThenReset))
			bob, alice := w.Host("bob", muxer, host.Run("share", s.service)), w.Host("alice", muxer)
			p := &program{console: &console{out: io.Discard, err: io.Discard}}
			if err := p.fetch(w.Self(), alice, bob.Info(), getting{name: "song", root: into, dir: target, base: "song"}); err != nil {
				return err
			}
			if err := alice.Close(); err != nil {
				return err
			}
			return w.Sleep(time.Minute)
		})
		if err != nil || len(over) != 1 || over[0].end != endComplete {
			t.Errorf("seed %d: %v, %+v", seed, err, over)
		}
	}
}

func TestASenderLooksAtItsSourceOnceMore(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "song", strings.Repeat("la", 100_000))
	sim.Test(t, func(w *sim.World) {
		root, shared := folder(t)
		bob, alice := sharing(t, w, root, shared), w.Host("alice")
		from, err := openLocal(filepath.Join(dir, "song"))
		if err != nil {
			t.Fatal(err)
		}
		defer from.close()
		touch := func(int64) {
			if err := os.Chtimes(filepath.Join(dir, "song"), dawn, dawn); err != nil {
				t.Error(err)
			}
		}
		s := opened(t, w.Self(), alice, bob)
		out := (&sending{talk: talk{s: s}, from: from, name: "song", news: transferNews{moved: touch}}).run(w.Self(), nil)
		farewell(w.Self(), s, out.end)
		if out.end != endOurs || out.code != refuseChanged {
			t.Errorf("%v %v", out.end, out.code)
		}
		if got := names(t, shared); len(got) != 1 || got[0] != partName("song") {
			t.Errorf("the node's folder has %q", got)
		}
	})
}
