// Package golibp2p is go-libp2p as a contender: a whole host over TCP.
package golibp2p

import (
	"context"
	"errors"
	"fmt"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	libp2ppeer "github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"

	"github.com/troupe-p2p/troupe/cmd/bench/peer"
)

// Contender is go-libp2p with one security channel (noise, tls, plain) and yamux.
func Contender(name, security string) peer.Contender {
	return peer.Contender{
		Name: name,
		Listen: func(context.Context) (peer.Listener, error) {
			h, err := newHost(security, libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"))
			if err != nil {
				return nil, err
			}
			for _, service := range peer.Services() {
				h.SetStreamHandler(id(service), func(s network.Stream) {
					if peer.Serve(service, s) != nil {
						_ = s.Reset()
						return
					}
					_ = s.Close()
				})
			}
			return listener{h}, nil
		},
		Dialer: func(context.Context) (peer.Dialer, error) {
			h, err := newHost(security, libp2p.NoListenAddrs)
			return dialer{h}, err
		},
	}
}

func id(s peer.Service) protocol.ID { return protocol.ID("/bench/" + string(s) + "/1.0.0") }

// newHost is a host as its documentation shows it, without what the others do
// not have either: no relay, no resource limits, no metrics.
func newHost(security string, more ...libp2p.Option) (host.Host, error) {
	options := []libp2p.Option{
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.ResourceManager(&network.NullResourceManager{}),
	}
	switch security {
	case "noise":
		options = append(options, libp2p.Security(noise.ID, noise.New))
	case "tls":
		options = append(options, libp2p.Security(libp2ptls.ID, libp2ptls.New))
	case "plain":
		options = append(options, libp2p.NoSecurity)
	default:
		return nil, fmt.Errorf("go-libp2p has no security %q here", security)
	}
	return libp2p.New(append(options, more...)...)
}

type listener struct{ host host.Host }

func (l listener) Addr() string {
	return l.host.Addrs()[0].String() + "/p2p/" + l.host.ID().String()
}

func (l listener) Close() error { return l.host.Close() }

type dialer struct{ host host.Host }

func (d dialer) Close() error { return d.host.Close() }

// Dial waits for identify as well: Connect does.
func (d dialer) Dial(ctx context.Context, addr string) (peer.Session, error) {
	to, err := libp2ppeer.AddrInfoFromString(addr)
	if err != nil {
		return nil, err
	}
	if err := d.host.Connect(ctx, *to); err != nil {
		return nil, err
	}
	return session{d.host, to.ID}, nil
}

type session struct {
	host host.Host
	to   libp2ppeer.ID
}

func (s session) Open(ctx context.Context, service peer.Service) (peer.Stream, error) {
	return s.host.NewStream(ctx, s.to, id(service))
}

func (s session) Close() error {
	var errs []error
	for _, c := range s.host.Network().ConnsToPeer(s.to) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
