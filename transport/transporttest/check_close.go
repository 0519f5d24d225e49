package transporttest

import (
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/troupe-p2p/troupe/actor"
)

// blocked starts children that wait in Read and Write of c, and returns their
// errors when they have ended.
func (e *ends) blocked(c net.Conn) func() (read, write []error, err error) {
	const each = 2
	read, write := make([]error, each), make([]error, each)
	var tasks []task
	for i := range each {
		tasks = append(tasks,
			e.begin(fmt.Sprint("read ", i), func(*actor.Self) error { _, read[i] = c.Read(make([]byte, 1)); return nil }),
			e.begin(fmt.Sprint("write ", i), func(*actor.Self) error { _, write[i] = fill(c); return nil }))
	}
	e.settle()
	return func() ([]error, []error, error) { return read, write, waitAll(tasks) }
}

func closeHere(e *ends) error {
	var last net.Conn
	for i := range 2 {
		here, there, err := e.connect()
		if err != nil {
			return err
		}
		last = [...]net.Conn{here.Pipe, there.Pipe}[i]
		ended := e.blocked(last)
		if err := last.Close(); err != nil {
			return fmt.Errorf("close: %w", err)
		}
		read, write, err := ended()
		if err != nil {
			return err
		}
		for _, err := range append(read, write...) {
			if err := want(err, net.ErrClosed); err != nil {
				return err
			}
		}
	}
	for _, f := range []func() error{
		func() error { return readOne(last) },
		func() error { _, err := last.Write([]byte{1}); return err },
		func() error { return last.SetDeadline(e.Now()) },
	} {
		if err := want(f(), net.ErrClosed); err != nil {
			return fmt.Errorf("after the close: %w", err)
		}
	}
	return nil
}

func closeThere(e *ends) error {
	for i := range 2 {
		here, there, err := e.connect()
		if err != nil {
			return err
		}
		if i == 1 {
			here, there = there, here
		}
		ended := e.blocked(here.Pipe)
		there.Close()
		read, write, err := ended()
		if err != nil {
			return err
		}
		for _, err := range append(read, write...) {
			// A network may tell a reader that its own bytes came too late.
			if err == nil || isTimeout(err) || errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("got the error %v, want one that says the other end is closed", err)
			}
		}
		if n, err := here.Pipe.Write([]byte{1}); err == nil || isTimeout(err) {
			return fmt.Errorf("wrote %d bytes after that, with the error %v", n, err)
		}
	}
	return nil
}

func lastWords(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	words := make([]byte, 20_000)
	if _, err := io.ReadFull(source(0, int64(len(words))), words); err != nil {
		return err
	}
	writing := e.begin("write", func(*actor.Self) error {
		if _, err := there.Pipe.Write(words); err != nil {
			return err
		}
		return there.Close()
	})
	e.settle()
	got, err := io.ReadAll(here.Pipe)
	if err != nil || string(got) != string(words) {
		return fmt.Errorf("read %d of %d bytes and the error %v", len(got), len(words), err)
	}
	if err := writing.wait(); err != nil {
		return err
	}
	_, err = here.Pipe.Read(make([]byte, 1))
	return want(err, io.EOF)
}

func closeTwice(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	for range 2 { // an error of the second one is allowed
		here.Close()
		there.Close()
		e.listener.Close()
	}
	_, err = here.Pipe.Read(make([]byte, 1))
	return want(err, net.ErrClosed)
}
