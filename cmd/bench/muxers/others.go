package muxers

import (
	"context"
	"io"
	"math"
	"net"

	hashicorp "github.com/hashicorp/yamux"
	mplex "github.com/libp2p/go-mplex"
	"github.com/libp2p/go-yamux/v5"
	"github.com/xtaci/smux"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// GoYamux is go-yamux, the muxer of go-libp2p, with go-libp2p's settings.
func GoYamux(name string) peer.Contender {
	config := yamux.DefaultConfig()
	config.MaxStreamWindowSize = 16 << 20
	config.LogOutput = io.Discard
	config.ReadBufSize = 0
	config.MaxIncomingStreams = math.MaxUint32
	wrap := func(s *yamux.Session, err error) (session, error) { return goYamux{s}, err }
	return contender(name,
		func(c net.Conn) (session, error) { return wrap(yamux.Client(c, config, nil)) },
		func(c net.Conn) (session, error) { return wrap(yamux.Server(c, config, nil)) })
}

type goYamux struct{ *yamux.Session }

func (s goYamux) open(ctx context.Context) (peer.Stream, error) { return s.OpenStream(ctx) }
func (s goYamux) accept() (peer.Stream, error)                  { return s.AcceptStream() }

// GoMplex is go-mplex.
func GoMplex(name string) peer.Contender {
	wrap := func(m *mplex.Multiplex, err error) (session, error) { return goMplex{m}, err }
	return contender(name,
		func(c net.Conn) (session, error) { return wrap(mplex.NewMultiplex(c, true, nil)) },
		func(c net.Conn) (session, error) { return wrap(mplex.NewMultiplex(c, false, nil)) })
}

type goMplex struct{ *mplex.Multiplex }

func (s goMplex) open(ctx context.Context) (peer.Stream, error) { return s.NewStream(ctx) }
func (s goMplex) accept() (peer.Stream, error)                  { return s.Accept() }

// HashicorpYamux is hashicorp/yamux as it is by default, with a window that lets
// it be as fast as it can.
func HashicorpYamux(name string) peer.Contender {
	config := hashicorp.DefaultConfig()
	config.MaxStreamWindowSize = 16 << 20
	config.LogOutput = io.Discard
	config.AcceptBacklog = 1 << 14
	wrap := func(s *hashicorp.Session, err error) (session, error) { return hashicorpYamux{s}, err }
	return contender(name,
		func(c net.Conn) (session, error) { return wrap(hashicorp.Client(c, config)) },
		func(c net.Conn) (session, error) { return wrap(hashicorp.Server(c, config)) })
}

type hashicorpYamux struct{ *hashicorp.Session }

func (s hashicorpYamux) open(context.Context) (peer.Stream, error) { return s.OpenStream() }
func (s hashicorpYamux) accept() (peer.Stream, error)              { return s.AcceptStream() }

// Smux is xtaci/smux, version 1 of its protocol as it is by default.
func Smux(name string) peer.Contender {
	wrap := func(s *smux.Session, err error) (session, error) { return smuxed{s}, err }
	return contender(name,
		func(c net.Conn) (session, error) { return wrap(smux.Client(c, nil)) },
		func(c net.Conn) (session, error) { return wrap(smux.Server(c, nil)) })
}

type smuxed struct{ *smux.Session }

func (s smuxed) open(context.Context) (peer.Stream, error) { return s.OpenStream() }
func (s smuxed) accept() (peer.Stream, error)              { return s.AcceptStream() }
