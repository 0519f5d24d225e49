//go:build bufdebug

package buf

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/troupe-p2p/troupe/actor"
)

// releaseHere and releaseThere are names to look for in stacks.
//
//go:noinline
func releaseHere(c Chunk) { c.Release() }

//go:noinline
func releaseThere(c Chunk) { c.Release() }

// panicOf returns what f panics with.
func panicOf(f func()) (text string) {
	defer func() {
		if err, ok := recover().(error); ok {
			text = err.Error()
		}
	}()
	f()
	return ""
}

func TestMisuseIsFoundAndNamesWhoReleased(t *testing.T) {
	for name, c := range map[string]struct {
		misuse func()
		want   []string
	}{
		"a chunk is released twice": {func() {
			c := Copy([]byte("x"))
			releaseHere(c)
			releaseThere(c)
		}, []string{"released twice", "releaseHere", "releaseThere"}},
		"a chunk is released twice while others hold its memory": {func() {
			c := Copy([]byte("x"))
			other := c.Retain()
			defer other.Release()
			releaseHere(c)
			releaseThere(c)
		}, []string{"released twice", "releaseHere", "releaseThere"}},
		"a copy of a chunk is released as well": {func() {
			c := Copy([]byte("xy"))
			head := c.Split(1)
			releaseHere(head)
			c.Skip(1)
			releaseHere(c)
			releaseThere(head)
		}, []string{"released twice", "releaseHere", "releaseThere"}},
		"a buffer is released twice": {func() {
			b := Get(1)
			b.Release()
			b.Release()
		}, []string{"released twice", "TestMisuseIsFound"}},
		"a buffer is released after its view": {func() {
			b := Get(1)
			releaseHere(b.View(0, 1))
			b.Release()
		}, []string{"released twice", "releaseHere"}},
		"a chunk is read after its release": {func() {
			c := Copy([]byte("x"))
			other := c.Retain()
			defer other.Release()
			releaseHere(c)
			c.Bytes()
		}, []string{"read after its release", "releaseHere"}},
		"a chunk is retained after its release": {func() {
			c := Copy([]byte("x"))
			releaseHere(c)
			c.Retain()
		}, []string{"retained after its release", "releaseHere"}},
		"a chunk is cut after its release": {func() {
			c := Copy([]byte("x"))
			releaseHere(c)
			c.Skip(1)
		}, []string{"cut after its release", "releaseHere"}},
		"a buffer is read after its last release": {func() {
			b := Get(1)
			releaseHere(b.View(0, 1))
			b.Bytes()
		}, []string{"after its last release", "releaseHere"}},
		"a released chunk waits in a lane and is read": {func() {
			l := NewLane(context.Background(), 0)
			c := Copy(make([]byte, 3000))
			l.Put(c)
			releaseHere(c)
			l.Read(context.Background(), make([]byte, 10))
		}, []string{"read after its release", "releaseHere"}},
		"a released chunk waits in a lane and is taken": {func() {
			l := NewLane(context.Background(), 0)
			c := Copy(make([]byte, 3000))
			l.Put(c)
			releaseHere(c)
			l.Take(10, nil)
		}, []string{"after its release", "releaseHere"}},
		"a released chunk is put into a lane": {func() {
			c := Copy([]byte("x"))
			releaseHere(c)
			NewLane(context.Background(), 0).Put(c)
		}, []string{"after its release", "releaseHere"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := panicOf(c.misuse)
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in:\n%s", want, text)
				}
			}
		})
	}
}

func TestAWriteIntoReleasedMemoryIsFound(t *testing.T) {
	for name, look := range map[string]func(){
		"when it is looked for": func() { Live() },
		"in its turn": func() {
			for range quarantineBytes / MaxSize {
				Get(MaxSize).Release()
			}
		},
	} {
		c := Copy(make([]byte, 100))
		late := c.Bytes()
		releaseHere(c)
		late[7] = 'x'
		text := panicOf(look)
		late[7] = poison
		for _, want := range []string{"written after its release, at byte 7: 0x78", "releaseHere"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: %q is missing in:\n%s", name, want, text)
			}
		}
	}
}

func TestReleasedAndFreshMemoryIsPoison(t *testing.T) {
	b := Get(10)
	p := b.Bytes()
	if p[0] != fresh || p[len(p)-1] != fresh {
		t.Errorf("fresh: %x", p[0])
	}
	b.Release()
	if p[0] != poison || p[len(p)-1] != poison {
		t.Errorf("released: %x", p[0])
	}
}

// A process of its own misuses a chunk inside of an actor, of which only its own
// failure would be seen.
func TestNoActorSurvivesAMisuse(t *testing.T) {
	const task = "TROUPE_BUF_MISUSE"
	if os.Getenv(task) != "" {
		actor.Run(context.Background(), "root", func(self *actor.Self) error {
			ref := self.Supervise("child", actor.Restart{}, func(*actor.Self) error {
				c := Copy([]byte("x"))
				releaseHere(c)
				releaseThere(c)
				return nil
			})
			return ref.Wait(self)
		})
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestNoActorSurvivesAMisuse$")
	again.Env = append(os.Environ(), task+"=1")
	out, err := again.CombinedOutput()
	if err == nil {
		t.Error("the process lived on")
	}
	for _, want := range []string{"panic: buf: a chunk is released twice", "releaseHere", "releaseThere"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}
