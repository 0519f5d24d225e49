package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
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

// sharing starts a host in a world that shares a folder.
func sharing(t *testing.T, w *sim.World, root *os.Root, dir string) *host.Host {
	s := &share{root: root, dir: dir, receive: true, room: math.MaxInt32}
	return w.Host("bob", host.Run("share", s.service))
}

// opened opens a stream of the file protocol with bob.
func opened(t *testing.T, self *actor.Self, alice, bob *host.Host) *stream.Stream {
	t.Helper()
	if err := alice.Connect(self, bob.Info()); err != nil {
		t.Fatal(err)
	}
	s, err := alice.Open(self, bob.ID(), fileProtocol)
	if err != nil {
		t.Fatal(err)
	}
	return s.WithContext(self)
}

// serves fails the test if bob does not answer a list any more.
func serves(t *testing.T, self *actor.Self, alice, bob *host.Host) {
	t.Helper()
	if _, _, err := askList(self, opened(t, self, alice, bob)); err != nil {
		t.Errorf("the node does not serve any more: %v", err)
	}
}

// head is a message as bytes, with its length.
func head(m fileMessage) []byte {
	var b bytes.Buffer
	if err := say(&b, m); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func block(p []byte) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(p))), p...)
}

func TestNamesThatLeadOutOfTheFolderAreRefused(t *testing.T) {
	root, dir := folder(t)
	outside := t.TempDir()
	write(t, outside, "secret", "secret")
	write(t, dir, ".hidden", "secret")
	write(t, dir, "plain", "open")
	if err := errors.Join(
		os.Symlink(filepath.Join(outside, "secret"), filepath.Join(dir, "absolute-link")),
		os.Symlink("../"+filepath.Base(outside)+"/secret", filepath.Join(dir, "relative-link")),
		os.Symlink(outside, filepath.Join(dir, "folder-link")),
		os.Mkdir(filepath.Join(dir, "sub"), 0o755),
	); err != nil {
		t.Fatal(err)
	}
	sim.Test(t, func(w *sim.World) {
		bob, alice := sharing(t, w, root, dir), w.Host("alice")
		ask := func(m fileMessage) (fileMessage, error) {
			s := opened(t, w.Self(), alice, bob)
			defer s.Close()
			if err := say(s, m); err != nil {
				return fileMessage{}, err
			}
			return hear(s)
		}
		for name, code := range map[string]refusal{
			"../" + filepath.Base(outside) + "/secret": refuseName, filepath.Join(outside, "secret"): refuseName,
			"sub/../../x": refuseName, ".hidden": refuseName, ".plain.troupe-part": refuseName, "sub/..": refuseName,
			"absolute-link": refuseNotFound, "relative-link": refuseNotFound, "folder-link/secret": refuseNotFound,
			"folder-link": refuseNotFound, "sub": refuseNotFound, "nothing": refuseNotFound, "plain/x": refuseNotFound,
		} {
			if m, err := ask(fileMessage{kind: sayGet, name: name}); err != nil || m.kind != sayRefused || m.code != code {
				t.Errorf("get %s: %v %v, %v; want %v", name, m.kind, m.code, err, code)
			}
		}
		for name, code := range map[string]refusal{
			"../evil": refuseName, "/tmp/evil": refuseName, "folder-link/evil": refuseName, "sub/evil": refuseName, ".evil": refuseName,
			"plain": refuseExists, "absolute-link": refuseExists, "sub": refuseExists,
		} {
			if m, err := ask(fileMessage{kind: sayPut, name: name, size: 4}); err != nil || m.kind != sayRefused || m.code != code {
				t.Errorf("put %s: %v %v, %v; want %v", name, m.kind, m.code, err, code)
			}
		}
		files, _, err := askList(w.Self(), opened(t, w.Self(), alice, bob))
		if err != nil || len(files) != 1 || files[0] != (listed{"plain", 4}) {
			t.Errorf("the list has %v, %v", files, err)
		}
	})
	if got := names(t, outside); len(got) != 1 || content(t, outside, "secret") != "secret" {
		t.Errorf("outside there is now %q", got)
	}
	if got := content(t, dir, "plain"); got != "open" {
		t.Errorf("the file is now %q", got)
	}
}

func TestAPeerThatBreaksTheProtocolIsToldAndTheNodeGoesOn(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, "song", strings.Repeat("la", 500_000))
	put := func(name string, size int64) []byte { return head(fileMessage{kind: sayPut, name: name, size: size}) }
	begin := head(fileMessage{kind: sayBegin, size: 4})
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	nothing := make([]byte, blockHead)
	for name, c := range map[string]struct {
		bytes []byte
		code  refusal // 0: reset
	}{
		"garbage":                        {bytes.Repeat([]byte{0xfe}, 100), 0},
		"a length of 2^63":               {[]byte{0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1}, 0},
		"half a message":                 {[]byte{60, 1, 2}, 0},
		"an answer first":                {head(fileMessage{kind: sayDone}), refuseBroken},
		"more bytes than the file":       {join(put("a", 4), begin, block([]byte("12345"))), refuseBroken},
		"another block after the last":   {join(put("b", 4), begin, block([]byte("1234")), block([]byte("5"))), refuseBroken},
		"a block over the limit":         {join(put("c", 1<<20), head(fileMessage{kind: sayBegin, size: 1 << 20}), binary.BigEndian.AppendUint32(nil, blockLimit+1)), refuseBroken},
		"the end of the blocks too soon": {join(put("d", 4), begin, block([]byte("1")), nothing, head(fileMessage{kind: saySum})), refuseBroken},
		"a larger file than offered":     {join(put("e", 3), begin), refuseRoom},
		"a beginning in the middle":      {join(put("f", 4), head(fileMessage{kind: sayBegin, offset: 1, size: 4})), refuseBroken},
		"a wrong sum":                    {join(put("g", 4), begin, block([]byte("1234")), nothing, head(fileMessage{kind: saySum})), refuseSum},
		"busy without progress":          {join(put("h", 4), head(fileMessage{kind: sayBusy})), refuseBroken},
		"get, then put":                  {join(head(fileMessage{kind: sayGet, name: "song"}), put("i", 4)), refuseBroken},
	} {
		t.Run(name, func(t *testing.T) {
			sim.Test(t, func(w *sim.World) {
				bob, alice := sharing(t, w, root, dir), w.Host("alice")
				s := opened(t, w.Self(), alice, bob)
				if _, err := s.Write(c.bytes); err != nil {
					t.Fatal(err)
				}
				s.CloseWrite()
				code := refusalIn(s)
				if code != c.code {
					t.Errorf("the node says %d, want %d", code, c.code)
				}
				serves(t, w.Self(), alice, bob)
			})
		})
	}
	for _, name := range names(t, dir) {
		if name != "song" && !strings.HasSuffix(name, ".troupe-part") {
			t.Errorf("%s got its name", name)
		}
	}
}

// refusalIn reads what a node says, past the bytes of a file, until it refuses:
// 0 when the stream ends without that.
func refusalIn(s *stream.Stream) refusal {
	m, err := hear(s)
	for err == nil && m.kind != sayRefused {
		if m.kind == sayBegin {
			for n := uint32(1); n > 0 && err == nil; {
				if err = binary.Read(s, binary.BigEndian, &n); err == nil {
					_, err = io.CopyN(io.Discard, s, int64(n))
				}
			}
		}
		if err == nil {
			m, err = hear(s)
		}
	}
	return m.code
}

func TestASilentPeerIsLetGoAfterHalfAMinute(t *testing.T) {
	root, dir := folder(t)
	write(t, dir, "song", strings.Repeat("la", 4_000_000))
	for name, first := range map[string][]byte{
		"before the first word":   nil,
		"after put":               head(fileMessage{kind: sayPut, name: "a", size: 4}),
		"in the middle of blocks": bytes.Join([][]byte{head(fileMessage{kind: sayPut, name: "b", size: 4}), head(fileMessage{kind: sayBegin, size: 4}), {0, 0}}, nil),
		"while it gets a file":    head(fileMessage{kind: sayGet, name: "song"}),
	} {
		t.Run(name, func(t *testing.T) {
			sim.Test(t, func(w *sim.World) {
				var over []transferOver
				s := &share{root: root, dir: dir, receive: true, room: 100, tell: func(o transferOver) { over = append(over, o) }}
				bob, alice := w.Host("bob", host.Run("share", s.service)), w.Host("alice")
				st := opened(t, w.Self(), alice, bob)
				if _, err := st.Write(first); err != nil {
					t.Fatal(err)
				}
				if err := w.Sleep(transferIdle + 10*time.Second); err != nil {
					t.Fatal(err)
				}
				if len(over) != 1 || over[0].took > transferIdle+5*time.Second || over[0].end == endComplete {
					t.Fatalf("%+v", over)
				}
				if over[0].asked == sayPut && over[0].end != endLate {
					t.Errorf("the end is %v", over[0].end)
				}
				serves(t, w.Self(), alice, bob)
			})
		})
	}
}

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

func TestAPeerSendsAFewFilesAtATime(t *testing.T) {
	root, dir := folder(t)
	sim.Test(t, func(w *sim.World) {
		bob, alice := sharing(t, w, root, dir), w.Host("alice")
		var open []*stream.Stream
		for i := range maxReceivingPerPeer + 1 {
			s := opened(t, w.Self(), alice, bob)
			if err := say(s, fileMessage{kind: sayPut, name: fmt.Sprint("f", i), size: 4}); err != nil {
				t.Fatal(err)
			}
			m, err := hear(s)
			if want := i < maxReceivingPerPeer; err != nil || (m.kind == sayHave) != want {
				t.Errorf("file %d: %v %v %v", i, m.kind, m.code, err)
			}
			open = append(open, s)
		}
		// The end of a stream, however it comes, gives its claim back.
		open[0].Reset(stream.CodeNone)
		if err := w.Sleep(time.Second); err != nil {
			t.Fatal(err)
		}
		s := opened(t, w.Self(), alice, bob)
		if err := say(s, fileMessage{kind: sayPut, name: "f0", size: 4}); err != nil {
			t.Fatal(err)
		}
		if m, err := hear(s); err != nil || m.kind != sayHave {
			t.Errorf("after a reset: %v %v %v", m.kind, m.code, err)
		}
	})
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

func TestNoClaimOutlivesItsTransfer(t *testing.T) {
	for seed := range uint64(30) {
		root, dir := folder(t)
		_, err := sim.Run(t.Context(), sim.Config{Seed: seed}, func(w *sim.World) error {
			bob, alice := sharing(t, w, root, dir), w.Host("alice")
			for i := range 3 * maxReceivingPerPeer {
				s := opened(t, w.Self(), alice, bob)
				if err := say(s, fileMessage{kind: sayPut, name: fmt.Sprint("f", i), size: 4}); err != nil {
					return err
				}
				for range i % 4 {
					if err := w.Sleep(0); err != nil {
						return err
					}
				}
				s.Reset(stream.CodeNone)
			}
			if err := w.Sleep(time.Minute); err != nil {
				return err
			}
			share, ok := bob.Tree().Find(bob.Tree().Path + "/services/share")
			if !ok {
				return errors.New("no share in the tree")
			}
			for _, d := range share.Details {
				if d.Key == "receiving" && d.Value != "0" {
					t.Errorf("seed %d: %s claims are left", seed, d.Value)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
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
