package main

import (
	"bytes"
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
