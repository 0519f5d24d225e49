package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/negotiate/tls"
	"github.com/troupe-p2p/troupe/stream"

	"github.com/troupe-p2p/troupe/cmd/interop/talk"
)

// troupeAgent is what the Troupe peer says about itself in identify.
const troupeAgent = "troupe-interop"

// troupePeer is a Troupe host behind talk.Peer.
type troupePeer struct{ host *host.Host }

var (
	_ talk.Peer      = (*troupePeer)(nil)
	_ talk.Versioned = (*troupePeer)(nil)
)

// newTroupePeer starts the usual host, with identify and ping, that listens on
// 127.0.0.1 and serves the handlers given.
func newTroupePeer(c talk.Config) (talk.Peer, error) {
	return newTroupePeerOn(context.Background(), c, host.Listen("/ip4/127.0.0.1/tcp/0"))
}

// newTroupePeerOn starts one that lives as long as ctx, where the options say.
func newTroupePeerOn(ctx context.Context, c talk.Config, where ...host.Option) (talk.Peer, error) {
	mux, err := troupeMuxer(c.Muxer)
	if err != nil {
		return nil, err
	}
	security, err := troupeSecurity(c.Security, mux.Protocol)
	if err != nil {
		return nil, err
	}
	h, err := host.New(ctx, append(where,
		host.Security(security),
		host.Muxer(mux),
		host.Agent(troupeAgent),
	)...)
	if err != nil {
		return nil, err
	}
	for name, serve := range c.Handlers {
		err := h.Handle(h.Self(), negotiate.Protocol(name), func(_ *actor.Self, s *stream.Stream) error {
			return serve(&troupeStream{s})
		})
		if err != nil {
			return nil, errors.Join(err, h.Close())
		}
	}
	return &troupePeer{h}, nil
}

// troupeSecurity is the security channel with a name.
func troupeSecurity(name string, mux negotiate.Protocol) (func(peer.Key) negotiate.Security, error) {
	switch name {
	case "noise":
		return func(k peer.Key) negotiate.Security { return noise.New(k) }, nil
	case "noise-early":
		return func(k peer.Key) negotiate.Security { return noise.New(k, noise.Muxers(mux)) }, nil
	case "tls":
		return func(k peer.Key) negotiate.Security { return tls.New(k, tls.Muxers(mux)) }, nil
	case "plaintext":
		return func(k peer.Key) negotiate.Security { return plaintext.New(k) }, nil
	default:
		return nil, fmt.Errorf("security %q: %w", name, talk.ErrUnknownChoice)
	}
}

// troupeMuxer is the muxer with a name.
func troupeMuxer(name string) (muxer.Factory, error) {
	switch name {
	case "mplex":
		return mplex.Factory(mplex.PauseThenReset), nil
	case "yamux":
		return yamux.Factory(yamux.Options{}), nil
	default:
		return muxer.Factory{}, fmt.Errorf("muxer %q: %w", name, talk.ErrUnknownChoice)
	}
}

func (p *troupePeer) ID() string    { return p.host.ID().String() }
func (p *troupePeer) Agent() string { return troupeAgent }
func (p *troupePeer) Close() error  { return p.host.Close() }

func (p *troupePeer) Addrs() []string {
	var all []string
	for _, a := range p.host.Multiaddrs() {
		all = append(all, a.String())
	}
	return all
}

func (p *troupePeer) Connect(ctx context.Context, addr string) error {
	to, err := peer.ParseInfo(addr)
	if err != nil {
		return err
	}
	return p.host.Connect(ctx, to)
}

// Disconnect waits until the connections have ended and the swarm knows it.
func (p *troupePeer) Disconnect(ctx context.Context, id string) error {
	remote, err := peer.ParseID(id)
	if err != nil {
		return err
	}
	conns := p.host.Swarm().Conns(remote)
	p.host.Disconnect(remote)
	for _, c := range conns {
		if err := c.Wait(ctx); err != nil {
			return fmt.Errorf("the connection does not end: %w", err)
		}
	}
	// The swarm hears of the end a moment after the connection's actor has ended.
	for p.host.Swarm().Connected(remote) {
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("the swarm still knows an ended connection: %w", context.Cause(ctx))
		}
	}
	return nil
}

func (p *troupePeer) Connected(_ context.Context, id string) (bool, error) {
	remote, err := peer.ParseID(id)
	if err != nil {
		return false, err
	}
	return p.host.Swarm().Connected(remote), nil
}

// Versions has no release: what runs is the tree that this module stands in.
func (p *troupePeer) Versions() map[string]string {
	return map[string]string{"go": runtime.Version(), "troupe": "this repository"}
}

// conn is the connection that is there: the newest, if there are several.
func (p *troupePeer) conn(id string) (*conn.Conn, error) {
	remote, err := peer.ParseID(id)
	if err != nil {
		return nil, err
	}
	conns := p.host.Swarm().Conns(remote)
	if len(conns) == 0 {
		return nil, fmt.Errorf("no connection with %s", id)
	}
	return conns[len(conns)-1], nil
}

// Open opens a stream as users do, with Host.Open, which negotiates lazily when
// it can. That would dial if there were no connection, so the stream must be on
// the one that was there. An eager stream is opened on the connection itself.
func (p *troupePeer) Open(ctx context.Context, id string, want talk.Want) (talk.Stream, error) {
	c, err := p.conn(id)
	if err != nil {
		return nil, err
	}
	protocols := make([]negotiate.Protocol, len(want.Protocols))
	for i, name := range want.Protocols {
		protocols[i] = negotiate.Protocol(name)
	}
	var s *stream.Stream
	if want.Eager {
		s, err = c.Open(ctx, false, protocols...)
	} else {
		s, err = p.host.Open(ctx, c.Peer(), protocols...)
	}
	if err != nil {
		return nil, troupeError(err)
	}
	if !s.Local().Equal(c.Local()) || !s.Remote().Equal(c.Remote()) {
		s.Reset(stream.CodeNone)
		return nil, fmt.Errorf("the connection %s - %s was lost: the stream is on another one", c.Local(), c.Remote())
	}
	return &troupeStream{s}, nil
}

// Ping would dial if there were no connection, so the one that was there must
// still be there afterwards.
func (p *troupePeer) Ping(ctx context.Context, id string, n int) ([]time.Duration, error) {
	c, err := p.conn(id)
	if err != nil {
		return nil, err
	}
	pinger, err := ping.Open(ctx, p.host.Swarm(), c.Peer())
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	for len(took) < n {
		rtt, err := pinger.Ping(ctx)
		if err != nil {
			return took, errors.Join(err, pinger.Close())
		}
		took = append(took, rtt)
	}
	if err := pinger.Close(); err != nil {
		return took, err
	}
	if now, err := p.conn(id); err != nil || now != c {
		return took, errors.Join(fmt.Errorf("the connection %s - %s was lost during a ping", c.Local(), c.Remote()), err)
	}
	return took, nil
}

func (p *troupePeer) Identify(ctx context.Context, id string) (talk.Identity, error) {
	c, err := p.conn(id)
	if err != nil {
		return talk.Identity{}, err
	}
	info, err := p.host.Identify().Wait(ctx, c.Peer())
	if err != nil {
		return talk.Identity{}, err
	}
	got := talk.Identity{
		Agent:           info.AgentVersion,
		ProtocolVersion: info.ProtocolVersion,
		Local:           c.Local().String(),
	}
	for _, protocol := range info.Protocols {
		got.Protocols = append(got.Protocols, string(protocol))
	}
	for _, a := range info.Addrs {
		got.Listen = append(got.Listen, a.String())
	}
	if info.Observed != nil {
		got.Observed = info.Observed.String()
	}
	return got, nil
}

// troupeStream is a Troupe stream behind talk.Stream.
type troupeStream struct{ *stream.Stream }

func (s *troupeStream) Protocol() string { return string(s.Stream.Protocol()) }

func (s *troupeStream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b)
	return n, troupeError(err)
}

func (s *troupeStream) Write(b []byte) (int, error) {
	n, err := s.Stream.Write(b)
	return n, troupeError(err)
}

func (s *troupeStream) Reset() error {
	s.Stream.Reset(stream.CodeNone)
	return nil
}

// troupeError puts package talk's name before an error that has one there.
func troupeError(err error) error {
	var reset *stream.ResetError
	var refused *negotiate.RefusedError
	var ended *conn.CloseError
	switch {
	case errors.As(err, &reset):
		return fmt.Errorf("%w: %w", talk.ErrReset, err)
	case errors.As(err, &refused):
		return fmt.Errorf("%w: %w", talk.ErrRefused, err)
	case errors.As(err, &ended):
		return fmt.Errorf("%w: %w", talk.ErrConnEnded, err)
	}
	return err
}
