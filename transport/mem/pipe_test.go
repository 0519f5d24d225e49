package mem

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/troupe-p2p/troupe/actor"
)

// after is a delay of the same length for all bytes.
func after(d time.Duration) Delay {
	return func(now time.Time, n int) (int, time.Time) { return n, now.Add(d) }
}

// inBoth runs a scenario in a bubble and on the scheduler.
func inBoth(t *testing.T, f func(self *actor.Self) error) {
	t.Helper()
	allReleased(t)
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			if err := actor.Run(t.Context(), "root", f); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("scheduler", func(t *testing.T) {
		for seed := range uint64(20) {
			if err := actor.NewScheduler(seed, nil).Run(t.Context(), "root", f); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
		}
	})
}

// A diary notes what happened when.
type diary struct {
	began time.Time
	mu    sync.Mutex
	lines []string
}

func newDiary(self *actor.Self) *diary { return &diary{began: self.Now()} }

func (d *diary) note(self *actor.Self, format string, args ...any) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.lines = append(d.lines, fmt.Sprintf("%v %s", self.Now().Sub(d.began), fmt.Sprintf(format, args...)))
}

func (d *diary) compare(want ...string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if diff := cmp.Diff(want, d.lines); diff != "" {
		return errors.New("(-want +got):\n" + diff)
	}
	return nil
}

// readAll notes each Read until the end.
func (d *diary) readAll(self *actor.Self, c net.Conn) {
	p := make([]byte, 100)
	for {
		n, err := c.Read(p)
		if err != nil {
			d.note(self, "%v", err)
			return
		}
		d.note(self, "%q", p[:n])
	}
}

func TestBytesAreReadWhenTheyArrive(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond)})
		defer b.Close()
		d := newDiary(self)
		self.Go("write", func(self *actor.Self) error {
			for _, text := range []string{"one", "two"} {
				if _, err := io.WriteString(a, text); err != nil {
					return err
				}
				self.Sleep(10 * time.Millisecond)
			}
			return a.Close()
		})
		d.readAll(self, b)
		return d.compare(`30ms "one"`, `40ms "two"`, `50ms EOF`)
	})
}

func TestTheOtherDirectionHasItsOwnDelay(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond), BtoA: after(5 * time.Millisecond)})
		d := newDiary(self)
		self.Go("answer", func(self *actor.Self) error {
			defer b.Close()
			return passOn(b)
		})
		io.WriteString(a, "there and back")
		d.readOnce(self, a)
		a.Close()
		return d.compare(`35ms "there and back"`)
	})
}

func passOn(c net.Conn) error {
	p := make([]byte, 100)
	n, err := c.Read(p)
	if err != nil {
		return err
	}
	_, err = c.Write(p[:n])
	return err
}

func (d *diary) readOnce(self *actor.Self, c net.Conn) {
	p := make([]byte, 100)
	n, err := c.Read(p)
	if err != nil {
		d.note(self, "%v", err)
		return
	}
	d.note(self, "%q", p[:n])
}

func TestNothingOvertakesWhatWasSentBefore(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		delays := []time.Duration{30 * time.Millisecond, 10 * time.Millisecond, 0} // the last one is the end's
		a, b := Pipe(self, Options{AtoB: func(now time.Time, n int) (int, time.Time) {
			d := delays[0]
			delays = delays[1:]
			return n, now.Add(d)
		}})
		defer b.Close()
		d := newDiary(self)
		io.WriteString(a, "slow ")
		io.WriteString(a, "fast")
		a.Close()
		self.Sleep(20 * time.Millisecond)
		_, err := io.WriteString(b, "an answer")
		d.note(self, "wrote %v", err)
		d.readAll(self, b)
		return d.compare(`20ms wrote <nil>`, `30ms "slow fast"`, `30ms EOF`)
	})
}

func TestADelayTakesBytesInItsOwnTime(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		// Two bytes every 10 ms, which arrive at once.
		var free time.Time
		a, b := Pipe(self, Options{AtoB: func(now time.Time, n int) (int, time.Time) {
			if now.Before(free) && n > 0 {
				return 0, free
			}
			free = now.Add(10 * time.Millisecond)
			return min(n, 2), now
		}})
		defer b.Close()
		d := newDiary(self)
		self.Go("write", func(self *actor.Self) error {
			n, err := io.WriteString(a, "abcde")
			self.Sleep(time.Millisecond)
			d.note(self, "wrote %d, %v", n, err)
			self.Sleep(time.Millisecond)
			return a.Close()
		})
		self.Sleep(time.Millisecond)
		d.readAll(self, b)
		return d.compare(`1ms "ab"`, `10ms "cd"`, `20ms "e"`, `21ms wrote 5, <nil>`, `22ms EOF`)
	})
}

func TestTheNewsOfACloseTakesItsTime(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond)})
		defer b.Close()
		d := newDiary(self)
		a.Close()
		n, err := io.WriteString(b, "into the void")
		d.note(self, "wrote %d, %v", n, err)
		d.readOnce(self, b)
		n, err = io.WriteString(b, "again")
		d.note(self, "wrote %d, closed %v", n, errors.Is(err, io.ErrClosedPipe))
		return d.compare(`0s wrote 13, <nil>`, `30ms EOF`, `30ms wrote 0, closed true`)
	})
}

func TestAWriteThatWaitsForRoomLearnsOfTheCloseWhenItArrives(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond), BtoA: after(time.Hour), Limit: 3})
		defer b.Close()
		d := newDiary(self)
		self.Go("close", func(self *actor.Self) error {
			self.Sleep(10 * time.Millisecond)
			return a.Close()
		})
		n, err := io.WriteString(b, "too much")
		d.note(self, "wrote %d, closed %v", n, errors.Is(err, io.ErrClosedPipe))
		return d.compare(`40ms wrote 3, closed true`)
	})
}

func TestADeadlineComesBeforeBytesThatAreOnTheirWay(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond)})
		defer a.Close()
		defer b.Close()
		d := newDiary(self)
		io.WriteString(a, "bytes")
		b.SetReadDeadline(self.Now().Add(20 * time.Millisecond))
		_, err := b.Read(make([]byte, 1))
		d.note(self, "deadline %v", errors.Is(err, os.ErrDeadlineExceeded))
		b.SetReadDeadline(time.Time{})
		d.readOnce(self, b)
		return d.compare(`20ms deadline true`, `30ms "bytes"`)
	})
}

func TestAWriterWaitsWhileTheLimitIsUnread(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{Limit: 4})
		defer b.Close()
		d := newDiary(self)
		self.Go("write", func(self *actor.Self) error {
			n, err := io.WriteString(a, "123456")
			self.Sleep(time.Millisecond)
			d.note(self, "wrote %d, %v", n, err)
			self.Sleep(time.Second)
			return a.Close()
		})
		self.Sleep(time.Second)
		p := make([]byte, 1)
		b.Read(p)
		d.note(self, "%q", p)
		self.Sleep(time.Second)
		b.Read(p)
		d.note(self, "%q", p)
		self.Sleep(time.Second / 2)
		d.readAll(self, b)
		return d.compare(`1s "1"`, `2s "2"`, `2.001s wrote 6, <nil>`, `2.5s "3456"`, `3.001s EOF`)
	})
}

func TestABlockedSimulationEndsCleanly(t *testing.T) {
	allReleased(t)
	var a, b net.Conn
	err := actor.NewScheduler(1, nil).Run(t.Context(), "root", func(self *actor.Self) error {
		a, b = Pipe(self, Options{})
		_, err := a.Read(make([]byte, 1))
		return err
	})
	var deadlock *actor.DeadlockError
	if !errors.As(err, &deadlock) {
		t.Errorf("got %v", err)
	}
	a.Close()
	b.Close()
}

func TestNoBytesNeedNoRoomAndNoDeadline(t *testing.T) {
	a, b := Pipe(t.Context(), Options{})
	if n, err := a.Read(nil); n != 0 || err != nil {
		t.Errorf("read %d, %v", n, err)
	}
	if n, err := a.Write(nil); n != 0 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if a.LocalAddr().String() != "/memory/0" || a.LocalAddr().Network() != "memory" {
		t.Errorf("the address is %s", a.LocalAddr())
	}
	b.Close()
	if _, err := a.Write(nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

func TestAnEmptyPipeHoldsNoMemory(t *testing.T) {
	allReleased(t)
	a, b := Pipe(t.Context(), Options{})
	p := make([]byte, DefaultLimit)
	for range 3 {
		for _, n := range []int{1, 600, 5000, DefaultLimit} {
			if k, err := a.Write(p[:n]); k != n || err != nil {
				t.Fatal(k, err)
			}
			if _, err := io.ReadFull(b, p[:n]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func BenchmarkPipe(b *testing.B) {
	for _, size := range []int{64, 4 << 10, 64 << 10} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			x, y := Pipe(b.Context(), Options{})
			p, q := make([]byte, size), make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := x.Write(p); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(y, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
