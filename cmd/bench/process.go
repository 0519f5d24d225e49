package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// The processes' conversation with the runner: JSON, one line each.
//
//	listener ─▶ runner   {"addr":"..."}            it listens
//	dialer   ─▶ runner   {"look":"memory"}         look there, please
//	runner   ─▶ listener {"look":"memory"}
//	listener ─▶ runner   {"stats":{...}}
//	runner   ─▶ dialer   {"stats":{...}}
//	dialer   ─▶ runner   {"figures":{...}}         the outcome
//
// Either process ends when its standard input does, so none is left behind by a
// runner that was killed.
type line struct {
	Addr    string  `json:"addr,omitempty"`
	Look    string  `json:"look,omitempty"`
	Stats   *Stats  `json:"stats,omitempty"`
	Figures Figures `json:"figures,omitempty"`
	Error   string  `json:"error,omitempty"`
}

// How a process ends that cannot end in order.
const (
	exitOrphaned = 3 // the runner has gone
	exitStuck    = 4 // what it closes does not close
)

// toClose is how long a contender may take to close.
const toClose = 5 * time.Second

// serve is the listening process: it lives until its standard input ends.
func serve(ctx context.Context, c peer.Contender, see eye, in io.Reader, out io.Writer) (err error) {
	say := json.NewEncoder(out)
	defer func() {
		if err != nil {
			_ = say.Encode(line{Error: err.Error()}) // the exit code says it too
		}
	}()
	l, err := c.Listen(ctx)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if err := say.Encode(line{Addr: l.Addr()}); err != nil {
		return err
	}
	for scan := bufio.NewScanner(in); scan.Scan(); {
		var asked line
		if err := json.Unmarshal(scan.Bytes(), &asked); err != nil {
			return err
		}
		s, err := see.look(asked.Look)
		if err != nil {
			return err
		}
		if err := say.Encode(line{Stats: &s}); err != nil {
			return err
		}
	}
	defer time.AfterFunc(toClose, func() {
		fmt.Fprintf(os.Stderr, "%s has not closed within %v\n", c.Name, toClose)
		os.Exit(exitStuck)
	}).Stop()
	return l.Close()
}

// drive is the dialing process: it does its work and says what came of it.
func drive(ctx context.Context, c peer.Contender, addr string, w Work, see eye, in io.Reader, out io.Writer) (err error) {
	say := json.NewEncoder(out)
	told, finished := make(chan line), make(chan struct{})
	go listenTo(in, told, finished)
	work, ok := works()[w.Kind]
	if !ok {
		work = func(context.Context, peer.Contender, string, Work, looker) (Figures, error) {
			return nil, fmt.Errorf("there is no work %q", w.Kind)
		}
	}
	figures, err := work(ctx, c, addr, w, func(what string) (here, there Stats, err error) {
		if err := say.Encode(line{Look: what}); err != nil {
			return here, there, err
		}
		answer := <-told
		if answer.Stats == nil {
			return here, there, errors.New("the runner has not looked at the listener")
		}
		here, err = see.look(what)
		return here, *answer.Stats, err
	})
	close(finished)
	if err != nil {
		return errors.Join(err, say.Encode(line{Error: err.Error()}))
	}
	return say.Encode(line{Figures: figures})
}

// listenTo passes on what the runner says. When it says nothing more before the
// work is finished, it has gone: there is nobody to work for.
func listenTo(in io.Reader, told chan<- line, finished <-chan struct{}) {
	for scan := bufio.NewScanner(in); scan.Scan(); {
		var l line
		if json.Unmarshal(scan.Bytes(), &l) != nil {
			break
		}
		select {
		case told <- l:
		case <-finished:
		}
	}
	select {
	case <-finished:
	default:
		os.Exit(exitOrphaned)
	}
}
