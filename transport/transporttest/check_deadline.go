package transporttest

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/actor"
)

// soon is long enough to wait for in virtual time and short enough in real time.
const soon = 20 * time.Millisecond

// expired checks that a deadline ended a call.
func expired(err error) error {
	if !errors.Is(err, os.ErrDeadlineExceeded) || !isTimeout(err) {
		return fmt.Errorf("got the error %v, want %q as a net.Error that is a timeout", err, os.ErrDeadlineExceeded)
	}
	return nil
}

func readOne(c net.Conn) error { _, err := c.Read(make([]byte, 1)); return err }

func pastDeadline(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	// Not even bytes that are there are read after the deadline.
	if _, err := there.Pipe.Write([]byte("here already")); err != nil {
		return err
	}
	if err := readOne(here.Pipe); err != nil {
		return err
	}
	here.Pipe.SetDeadline(e.Now().Add(-time.Hour))
	if err := expired(readOne(here.Pipe)); err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if _, err := here.Pipe.Write([]byte{1}); expired(err) != nil {
		return fmt.Errorf("write: %w", expired(err))
	}
	// They concern one end only, and can be taken back.
	here.Pipe.SetDeadline(e.Now().Add(Patience))
	if err := readOne(here.Pipe); err != nil {
		return err
	}
	if _, err := here.Pipe.Write([]byte{1}); err != nil {
		return err
	}
	return readOne(there.Pipe)
}

func futureDeadline(e *ends) error {
	for i := range 2 {
		here, there, err := e.connect()
		if err != nil {
			return err
		}
		c := [...]net.Conn{here.Pipe, there.Pipe}[i]
		at := e.Now().Add(soon)
		c.SetReadDeadline(at)
		if err := expired(readOne(c)); err != nil {
			return fmt.Errorf("read: %w", err)
		}
		if now := e.Now(); now.Before(at) {
			return fmt.Errorf("a read ended %v before its deadline", at.Sub(now))
		}
		at = e.Now().Add(soon)
		c.SetWriteDeadline(at)
		if _, err := fill(c); expired(err) != nil {
			return fmt.Errorf("write: %w", expired(err))
		}
		if now := e.Now(); now.Before(at) {
			return fmt.Errorf("a write ended %v before its deadline", at.Sub(now))
		}
	}
	return nil
}

func newDeadline(e *ends) error {
	here, _, err := e.connect()
	if err != nil {
		return err
	}
	ended := e.blocked(here.Pipe)
	here.Pipe.SetDeadline(e.Now().Add(-time.Second))
	read, write, err := ended()
	if err != nil {
		return err
	}
	for _, err := range append(read, write...) {
		if err := expired(err); err != nil {
			return err
		}
	}
	// And one that comes later.
	here.Pipe.SetDeadline(e.Now().Add(Patience))
	ended = e.blocked(here.Pipe)
	here.Pipe.SetDeadline(e.Now().Add(soon))
	read, write, err = ended()
	if err != nil {
		return err
	}
	for _, err := range append(read, write...) {
		if err := expired(err); err != nil {
			return err
		}
	}
	return nil
}

func noDeadline(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	here.Pipe.SetReadDeadline(e.Now().Add(Patience / 2))
	reading := e.begin("read", func(*actor.Self) error { return readOne(here.Pipe) })
	e.settle()
	here.Pipe.SetReadDeadline(time.Time{})
	if e.world.settle != nil { // time costs nothing: let it pass
		if err := e.Sleep(Patience); err != nil {
			return err
		}
		e.passed += Patience
		there.Pipe.SetWriteDeadline(e.Now().Add(Patience))
	}
	if _, err := there.Pipe.Write([]byte{1}); err != nil {
		return err
	}
	return reading.wait()
}

func cutWrite(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	here.Pipe.SetWriteDeadline(e.Now().Add(soon))
	sent, err := fill(here.Pipe)
	if err := expired(err); err != nil {
		return err
	}
	var got int64
	reading := e.begin("read", func(*actor.Self) (err error) { got, err = drain(there.Pipe); return err })
	// The link goes on.
	here.Pipe.SetWriteDeadline(e.Now().Add(Patience))
	more, err := io.Copy(onlyWriter{here.Pipe}, source(0, 1000))
	if err != nil {
		return err
	}
	here.Close()
	if err := reading.wait(); err != nil {
		return err
	}
	if got != sent+more {
		return fmt.Errorf("%d bytes were taken over and %d read", sent+more, got)
	}
	return nil
}
