package mem

import (
	"errors"
	"fmt"
	"io"
	"net"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

func TestAHalfClosedPipeStillCarriesTheAnswer(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond), BtoA: after(5 * time.Millisecond)})
		d := newDiary(self)
		self.Go("answer", func(self *actor.Self) error {
			question, err := io.ReadAll(b)
			if err != nil {
				return err
			}
			d.note(self, "asked %s", question)
			self.Sleep(10 * time.Millisecond)
			if _, err := io.WriteString(b, "answer"); err != nil {
				return err
			}
			return b.Close()
		})
		io.WriteString(a, "question")
		a.CloseWrite()
		a.CloseWrite() // again does nothing
		_, err := io.WriteString(a, "more")
		d.note(self, "half-closed %v", errors.Is(err, io.ErrClosedPipe))
		d.readAll(self, a)
		a.Close()
		err = a.CloseWrite()
		d.note(self, "closed %v", errors.Is(err, net.ErrClosed))
		return d.compare("0s half-closed true", "30ms asked question", `45ms "answer"`, "45ms EOF", "45ms closed true")
	})
}

func TestTheCloseAfterAHalfCloseIsNewsOfItsOwn(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond)})
		defer b.Close()
		d := newDiary(self)
		a.CloseWrite()
		self.Go("close", func(self *actor.Self) error {
			self.Sleep(20 * time.Millisecond)
			return a.Close()
		})
		d.readAll(self, b)
		n, err := io.WriteString(b, "still")
		d.note(self, "wrote %d, %v", n, err)
		self.Sleep(20 * time.Millisecond)
		_, err = io.WriteString(b, "no more")
		d.note(self, "closed %v", errors.Is(err, io.ErrClosedPipe))
		return d.compare("30ms EOF", "30ms wrote 5, <nil>", "50ms closed true")
	})
}

func TestAWriteUnderWayEndsWithItsDirection(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{Limit: 3})
		defer a.Close()
		defer b.Close()
		d := newDiary(self)
		self.Go("close", func(self *actor.Self) error {
			self.Sleep(time.Millisecond)
			return a.CloseWrite()
		})
		n, err := io.WriteString(a, "too much")
		d.note(self, "wrote %d, half-closed %v", n, errors.Is(err, io.ErrClosedPipe))
		d.readAll(self, b)
		return d.compare("1ms wrote 3, half-closed true", `1ms "too"`, "1ms EOF")
	})
}

func TestAResetComesAfterWhatWasSentBefore(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{AtoB: after(30 * time.Millisecond)})
		defer b.Close()
		d := newDiary(self)
		io.WriteString(a, "last words")
		a.Reset()
		a.Close() // again does nothing
		_, err := a.Read(make([]byte, 1))
		d.note(self, "own end closed %v", errors.Is(err, net.ErrClosed))
		_, err = io.WriteString(b, "not known yet")
		d.note(self, "wrote %v", err)
		d.readOnce(self, b)
		_, err = b.Read(make([]byte, 1))
		d.note(self, "read reset %v", errors.Is(err, ErrReset))
		_, err = io.WriteString(b, "now it is")
		d.note(self, "write reset %v", errors.Is(err, ErrReset))
		return d.compare("0s own end closed true", "0s wrote <nil>", `30ms "last words"`, "30ms read reset true", "30ms write reset true")
	})
}

func TestAResetOvertakesTheEndThatNobodyHasAskedFor(t *testing.T) {
	inBoth(t, func(self *actor.Self) error {
		a, b := Pipe(self, Options{})
		defer b.Close()
		a.CloseWrite()
		a.Reset()
		_, err := b.Read(make([]byte, 1))
		if !errors.Is(err, ErrReset) {
			return fmt.Errorf("got %v", err)
		}
		return nil
	})
}
