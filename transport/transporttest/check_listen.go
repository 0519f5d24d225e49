package transporttest

import (
	"context"
	"errors"
	"fmt"
	"net"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
)

var errBored = errors.New("bored of waiting")

func refused(e *ends) error {
	to, err := e.target()
	if err != nil {
		return err
	}
	e.listener.Close()
	ctx, cancel := e.WithTimeout(Patience)
	defer cancel()
	_, err = e.transport.Dial(ctx, to, "")
	return dialError(err, to, transport.ErrRefused)
}

// dialError checks a failure of Dial.
func dialError(err error, to ma.Multiaddr, cause error) error {
	var typed *transport.DialError
	if !errors.As(err, &typed) || !typed.Addr.Equal(to) || !errors.Is(err, cause) {
		return fmt.Errorf("dialing %s: got the error %v, want a DialError with the address and the cause %q", to, err, cause)
	}
	return nil
}

func inUse(e *ends) error {
	at, err := e.target()
	if err != nil {
		return err
	}
	again, err := e.transport.Listen(e, at)
	if err == nil {
		again.Close()
	}
	var typed *transport.ListenError
	if !errors.As(err, &typed) || !typed.Addr.Equal(at) || !errors.Is(err, transport.ErrInUse) {
		return fmt.Errorf("listening at %s again: got the error %v, want a ListenError with the address and the cause %q", at, err, transport.ErrInUse)
	}
	// After the close it is free at once.
	e.listener.Close()
	e.listener, err = e.transport.Listen(e, at)
	if err != nil {
		return fmt.Errorf("listening at %s after the close: %w", at, err)
	}
	_, _, err = e.connect()
	return err
}

func unsupported(e *ends) error {
	to := ma.StringCast("/unix/nowhere")
	if e.transport.CanDial(to) || e.transport.CanListen(to) {
		return fmt.Errorf("%s is said to be understood", to)
	}
	_, err := e.transport.Dial(e, to, "")
	if err := dialError(err, to, transport.ErrUnsupported); err != nil {
		return err
	}
	_, err = e.transport.Listen(e, to)
	var typed *transport.ListenError
	if !errors.As(err, &typed) || !errors.Is(err, transport.ErrUnsupported) {
		return fmt.Errorf("listening at %s: got the error %v", to, err)
	}
	return nil
}

func dialEnded(e *ends) error {
	to, err := e.target()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(e)
	cancel(errBored)
	_, err = e.transport.Dial(ctx, to, "")
	return dialError(err, to, errBored)
}

func acceptEnded(e *ends) error {
	ctx, cancel := context.WithCancelCause(e)
	defer cancel(nil)
	var tasks []task
	var contexts []waited
	for i := range 3 {
		w := waited{ctx, actor.NewSignal(e, "an Accept that waits")}
		contexts = append(contexts, w)
		tasks = append(tasks, e.begin(fmt.Sprint("accept ", i), func(*actor.Self) error {
			_, err := e.listener.Accept(w)
			return want(err, errBored)
		}))
	}
	if err := e.awaitWaits(contexts); err != nil {
		return err
	}
	cancel(errBored)
	if err := waitAll(tasks); err != nil {
		return err
	}
	if _, err := e.accept(ctx); !errors.Is(err, errBored) {
		return fmt.Errorf("a context that ended before: %w", want(err, errBored))
	}
	// The listener serves others as before.
	_, _, err := e.connect()
	return err
}

func listenerClosed(e *ends) error {
	var tasks []task
	for i := range 3 {
		tasks = append(tasks, e.begin(fmt.Sprint("accept ", i), func(self *actor.Self) error {
			_, err := e.accept(self)
			return want(err, net.ErrClosed)
		}))
	}
	e.settle()
	if err := e.listener.Close(); err != nil {
		return fmt.Errorf("close: %w", err)
	}
	if err := waitAll(tasks); err != nil {
		return err
	}
	_, err := e.accept(e)
	return want(err, net.ErrClosed)
}

func linksOutlive(e *ends) error {
	here, there, err := e.connect()
	if err != nil {
		return err
	}
	e.listener.Close()
	echoing := e.begin("echo", func(*actor.Self) error { return echo(there.Pipe) })
	if err := e.exchange(e.Self, here.Pipe, 0, 1000); err != nil {
		return err
	}
	here.Close()
	return echoing.wait()
}

func unaccepted(e *ends) error {
	link, err := e.dial(e)
	if err != nil {
		return err
	}
	e.links = append(e.links, link)
	e.listener.Close()
	if n, err := link.Pipe.Read(make([]byte, 1)); err == nil || isTimeout(err) {
		return fmt.Errorf("read %d bytes and the error %v from a link that nobody accepted", n, err)
	}
	return nil
}

// want checks an error.
func want(got, want error) error {
	if !errors.Is(got, want) {
		return fmt.Errorf("got the error %v, want %q", got, want)
	}
	return nil
}

// isTimeout reports whether a deadline ended a call.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
