package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

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
