// Package troupe is Troupe as a contender: a whole host over TCP.
package troupe

import (
	"context"
	"fmt"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	troupepeer "github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/negotiate/tls"
	"github.com/troupe-p2p/troupe/stream"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// Contender is Troupe with one security channel (noise, tls, plain) and yamux.
func Contender(name, security string) peer.Contender {
	return peer.Contender{
		Name: name,
		Listen: func(ctx context.Context) (peer.Listener, error) {
			h, err := newHost(ctx, security, host.Listen("/ip4/127.0.0.1/tcp/0"))
			if err != nil {
				return nil, err
			}
			for _, service := range peer.Services() {
				err := h.Handle(h.Self(), id(service), func(self *actor.Self, s *stream.Stream) error {
					return peer.Serve(service, s.WithContext(self))
				})
				if err != nil {
					return nil, err
				}
			}
			return listener{h}, nil
		},
		Dialer: func(ctx context.Context) (peer.Dialer, error) {
			h, err := newHost(ctx, security, host.NoListen())
			if err != nil {
				return nil, err
			}
			return dialer{h}, nil
		},
	}
}

func id(s peer.Service) negotiate.Protocol {
	return negotiate.Protocol("/bench/" + string(s) + "/1.0.0")
}

// newHost is the usual host, with the limits taken away that the growth rows
// would run into.
func newHost(ctx context.Context, security string, more ...host.Option) (*host.Host, error) {
	var secure func(k troupepeer.Key) negotiate.Security
	switch security {
	case "noise":
		secure = func(k troupepeer.Key) negotiate.Security { return noise.New(k, noise.Muxers(yamux.ID)) }
	case "tls":
		secure = func(k troupepeer.Key) negotiate.Security { return tls.New(k, tls.Muxers(yamux.ID)) }
	case "plain":
		secure = func(k troupepeer.Key) negotiate.Security { return plaintext.New(k) }
	default:
		return nil, fmt.Errorf("troupe has no security %q here", security)
	}
	const many = 1 << 20
	return host.New(ctx, append([]host.Option{
		host.Security(secure),
		host.Muxer(yamux.Factory(yamux.Options{})),
		host.Limits(swarm.Limits{
			HalfOpen: many, HalfOpenPerSource: many, Inbound: many, PerPeer: many,
			Muxer: muxer.Limits{Inbound: many, Outbound: many},
		}),
	}, more...)...)
}

type listener struct{ host *host.Host }

func (l listener) Addr() string { return l.host.Multiaddrs()[0].String() }
func (l listener) Close() error { return l.host.Close() }

type dialer struct{ host *host.Host }

func (d dialer) Close() error { return d.host.Close() }

func (d dialer) Dial(ctx context.Context, addr string) (peer.Session, error) {
	to, err := troupepeer.ParseInfo(addr)
	if err != nil {
		return nil, err
	}
	if err := d.host.Connect(ctx, to); err != nil {
		return nil, err
	}
	return session{d.host, to.ID, d.host.Swarm().Conn(to.ID)}, nil
}

type session struct {
	host *host.Host
	to   troupepeer.ID
	conn *conn.Conn
}

func (s session) Open(ctx context.Context, service peer.Service) (peer.Stream, error) {
	return s.host.Open(ctx, s.to, id(service))
}

func (s session) Close() error {
	s.conn.Close(nil)
	return s.conn.Wait(context.Background())
}
