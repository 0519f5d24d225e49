package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// Implementations with a fault, made of the go-libp2p peer. They show that the
// harness survives its peers. Each is faultless but for the half-close protocol.
const (
	implHangs    = "hangs"     // opening the stream never ends, whatever the context says
	implDies     = "dies"      // opening the stream ends the process
	implBabbles  = "babbles"   // opening the stream puts nonsense on standard output
	implCutsLine = "cuts-line" // everything is right, but the connection goes with the stream
	implCrashes  = "crashes"   // being asked ends the process
	implLiar     = "liar"      // answers with other bytes
	implBadEnd   = "bad-end"   // everything is right, but it does not close without an error
	implNoEnd    = "no-end"    // everything is right, but it does not close at all
	implNoStart  = "no-start"  // there is no peer at all
	implAbsent   = "absent"    // it is not on this machine
	implDeaf     = "deaf"      // everything is right, but a stream whose connection is lost ends as if in order
	implNumb     = "numb"      // everything is right, but a stream whose connection is lost waits for ever
	implFamily   = "family"    // everything is right, and it has started another process that does not end
	implClings   = "clings"    // everything is right, but a lost connection stays in its list
)

// lastWords is what implDies and implCrashes write before they end.
const lastWords = "these are the last words"

func startForTests(impl string, c talk.Config) (talk.Peer, error) {
	end := func(code int) {
		fmt.Fprintln(os.Stderr, lastWords)
		os.Exit(code)
	}
	var open func() (talk.Stream, error)
	switch impl {
	case implHangs:
		open = func() (talk.Stream, error) { select {} }
	case implDies:
		open = func() (talk.Stream, error) {
			end(3)
			return nil, nil
		}
	case implBabbles:
		open = func() (talk.Stream, error) {
			fmt.Println("hello!")
			return nil, errors.New("no stream")
		}
	case implCrashes:
		c.Handlers[talk.HalfClose] = func(talk.Stream) error {
			end(4)
			return nil
		}
	case implLiar:
		c.Handlers[talk.HalfClose] = func(s talk.Stream) error {
			if _, err := io.Copy(s, io.LimitReader(talk.Pattern(666), 32)); err != nil {
				return err
			}
			return s.CloseWrite()
		}
	case implCutsLine, implBadEnd, implNoEnd:
		// See brokenPeer.
	case implAbsent:
		return nil, fmt.Errorf("cannot be fetched: %w", talk.ErrNotInstalled)
	case implDeaf, implNumb, implClings:
		return faultyAtLoss(impl, c)
	case implFamily:
		child := exec.Command("sleep", "1000")
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			return nil, err
		}
		return startPeer(implGo, c)
	case implNoStart:
		return nil, errors.New("this peer does not start")
	default:
		return startPeer(impl, c)
	}
	p, err := startPeer(implGo, c)
	if err != nil {
		return nil, err
	}
	return &brokenPeer{Peer: p, impl: impl, open: open}, nil
}

type brokenPeer struct {
	talk.Peer
	impl string
	open func() (talk.Stream, error) // nil: as it should be
}

func (p *brokenPeer) Close() error {
	err := p.Peer.Close()
	switch p.impl {
	case implBadEnd:
		return errors.Join(err, errors.New("this peer ends badly"))
	case implNoEnd:
		select {}
	}
	return err
}

func (p *brokenPeer) Open(ctx context.Context, id string, want talk.Want) (talk.Stream, error) {
	if want.Protocols[0] != talk.HalfClose {
		return p.Peer.Open(ctx, id, want)
	}
	if p.open != nil {
		return p.open()
	}
	s, err := p.Peer.Open(ctx, id, want)
	if err == nil && p.impl == implCutsLine {
		s = &cuttingStream{Stream: s, cut: func() error { return p.Disconnect(ctx, id) }}
	}
	return s, err
}

// cuttingStream takes the connection along when it is closed.
type cuttingStream struct {
	talk.Stream
	cut func() error
}

func (s *cuttingStream) Close() error { return errors.Join(s.Stream.Close(), s.cut()) }

// lossPeer does not take a lost connection for what it is.
type lossPeer struct {
	talk.Peer
	impl string
}

func faultyAtLoss(impl string, c talk.Config) (talk.Peer, error) {
	for name, serve := range c.Handlers {
		c.Handlers[name] = func(s talk.Stream) error { return serve(&lossStream{s, impl}) }
	}
	p, err := startPeer(implGo, c)
	if err != nil {
		return nil, err
	}
	return &lossPeer{p, impl}, nil
}

func (p *lossPeer) Connected(ctx context.Context, id string) (bool, error) {
	if p.impl == implClings {
		return true, nil
	}
	return p.Peer.Connected(ctx, id)
}

func (p *lossPeer) Open(ctx context.Context, id string, want talk.Want) (talk.Stream, error) {
	s, err := p.Peer.Open(ctx, id, want)
	if err != nil {
		return nil, err
	}
	return &lossStream{s, p.impl}, nil
}

// lossStream is a stream of a lossPeer.
type lossStream struct {
	talk.Stream
	impl string
}

func (s *lossStream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	if s.isLost(err) {
		err = io.EOF
	}
	return n, err
}

func (s *lossStream) Write(b []byte) (int, error) {
	n, err := s.Stream.Write(b)
	if s.isLost(err) {
		return len(b), nil
	}
	return n, err
}

func (s *lossStream) CloseWrite() error {
	err := s.Stream.CloseWrite()
	if s.impl == implDeaf {
		return nil // go-mplex has words of its own for what it was
	}
	return err
}

// isLost says whether the implementation mistakes the error. If it never notices
// a loss, it does not return.
func (s *lossStream) isLost(err error) bool {
	if s.impl == implClings || !errors.Is(err, talk.ErrReset) && !errors.Is(err, talk.ErrConnEnded) {
		return false
	}
	if s.impl == implNumb {
		select {}
	}
	return true
}
