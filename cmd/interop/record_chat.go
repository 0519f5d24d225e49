package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// farewell is a protocol of recordings: the listener says a line and closes its
// half, then reads to the end.
const (
	farewell     = "/troupe/farewell/1.0.0"
	farewellLine = "You go on, I have said all."
)

func sayFarewell(s talk.Stream) error {
	if _, err := io.WriteString(s, farewellLine); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, s)
	return err
}

// chat is what one end of a recording says: short conversations of every kind,
// one after the other, without any randomness but that of pings.
func chat(ctx context.Context, p talk.Peer, to string, bulk int) error {
	if took, err := p.Ping(ctx, to, 2); err != nil || len(took) != 2 {
		return fmt.Errorf("ping: %d answers, %w", len(took), err)
	}
	hello, much := []byte("Hello, who is there?"), bytes.Repeat([]byte("m"), bulk)
	sum := sha256.Sum256(hello)
	steps := []struct {
		name string
		want talk.Want
		talk func(s talk.Stream) error
	}{
		{"echo", talk.Want{Protocols: []string{talk.Echo}, Eager: true}, func(s talk.Stream) error { return exchange(s, hello, hello) }},
		{"second choice", talk.Want{Protocols: []string{talk.Unknown, talk.Echo}, Eager: true}, func(s talk.Stream) error { return exchange(s, hello, hello) }},
		{"bulk", talk.Want{Protocols: []string{talk.Echo}}, func(s talk.Stream) error { return exchange(s, much, much) }},
		{"half-close", talk.Want{Protocols: []string{talk.Discard}, Eager: true}, func(s talk.Stream) error { return exchange(s, hello, sum[:]) }},
		{"farewell", talk.Want{Protocols: []string{farewell}, Eager: true}, hearFarewell},
		{"reset by the listener", talk.Want{Protocols: []string{talk.Reset}, Eager: true}, hearReset},
		{"reset by the dialer", talk.Want{Protocols: []string{talk.Wait}, Eager: true}, reset},
	}
	for _, step := range steps {
		s, err := p.Open(ctx, to, step.want)
		if err != nil {
			return fmt.Errorf("%s: open: %w", step.name, err)
		}
		if at, ok := ctx.Deadline(); ok {
			if err := s.SetDeadline(at); err != nil {
				return err
			}
		}
		if err := step.talk(s); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if err := s.Close(); err != nil {
			return fmt.Errorf("%s: close: %w", step.name, err)
		}
		time.Sleep(20 * time.Millisecond) // one after the other, as far as it can be
	}
	return unknown(ctx, p, to)
}

// exchange writes, ends, and wants an answer and its end.
func exchange(s talk.Stream, say, want []byte) error {
	sent := make(chan error, 1)
	go func() {
		_, err := s.Write(say)
		sent <- errors.Join(err, s.CloseWrite())
	}()
	got, err := io.ReadAll(s)
	if err := errors.Join(err, <-sent); err != nil {
		return err
	}
	if !bytes.Equal(got, want) {
		return fmt.Errorf("the answer has %d bytes and is not the %d that were to come", len(got), len(want))
	}
	return nil
}

// hearFarewell reads to the listener's end and writes only then.
func hearFarewell(s talk.Stream) error {
	got, err := io.ReadAll(s)
	if err != nil || string(got) != farewellLine {
		return fmt.Errorf("heard %q, %w", got, err)
	}
	if _, err := io.WriteString(s, "So be it."); err != nil {
		return err
	}
	return s.CloseWrite()
}

// hearReset has the listener reset the stream.
func hearReset(s talk.Stream) error {
	if _, err := s.Write([]byte{1}); err != nil {
		return err
	}
	if _, err := s.Read(make([]byte, 1)); !errors.Is(err, talk.ErrReset) {
		return fmt.Errorf("instead of a reset: %w", err)
	}
	return nil
}

// reset resets a stream whose handler waits.
func reset(s talk.Stream) error {
	if _, err := io.ReadFull(s, make([]byte, 1)); err != nil {
		return err
	}
	return s.Reset()
}

// unknown asks for what nobody speaks.
func unknown(ctx context.Context, p talk.Peer, to string) error {
	s, err := p.Open(ctx, to, talk.Want{Protocols: []string{talk.Unknown}, Eager: true})
	if err == nil {
		_, err = s.Read(make([]byte, 1))
		_ = s.Reset()
	}
	if !errors.Is(err, talk.ErrRefused) {
		return fmt.Errorf("unknown protocol: instead of a refusal: %w", err)
	}
	return nil
}
