package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/tls"
	"github.com/troupe-p2p/troupe/transport"
	"github.com/troupe-p2p/troupe/transport/tcp"
)

// An Option says how a host differs from the usual one.
type Option func(*options)

// options is what the options of one host add up to.
type options struct {
	listen   []string
	noListen bool
	name     string
	key      peer.Key
	security []func(peer.Key) negotiate.Security
	usual    bool // with the usual services
	agent    string
	services []namedService
	config   swarm.Config
	problems []error
	grace    time.Duration
	budget   *Budget
	set      map[string]int // limits, by name
	limits   *swarm.Limits  // instead of a budget
	plan     *Plan

	addrs []ma.Multiaddr // listen, parsed
}

type namedService struct {
	name      string
	run       Service
	essential bool
}

// Listen adds addresses to listen at, as multiaddrs: /ip4/0.0.0.0/tcp/4001. Port
// 0 is any free port. Without this option a host listens on a free TCP port of
// IPv4 and one of IPv6, as far as its transports and the machine have them.
func Listen(addrs ...string) Option {
	return func(o *options) { o.listen = append(o.listen, addrs...) }
}

// NoListen makes a host that dials and cannot be dialed.
func NoListen() Option { return func(o *options) { o.noListen = true } }

// Key is who the host is. Without it a fresh Ed25519 key is made, which is
// forgotten with the host; [peer.LoadOrCreateKey] keeps one in a file.
func Key(k peer.Key) Option {
	return func(o *options) {
		if k == nil {
			o.problems = append(o.problems, errors.New("host.Key was given nil"))
		}
		o.key = k
	}
}

// Name is what the host's actor is called in the tree; without it "host-" and
// the short form of its ID.
func Name(name string) Option { return func(o *options) { o.name = name } }

// Transport replaces the usual transports, which are TCP. The first one that
// understands an address serves it.
func Transport(t ...transport.Transport) Option {
	return func(o *options) { o.config.Transports = t }
}

// Security replaces the usual security channels, which are Noise and TLS, best first.
// Each is made with the host's key: host.Security(func(k peer.Key)
// negotiate.Security { return noise.New(k) }).
func Security(make ...func(peer.Key) negotiate.Security) Option {
	return func(o *options) { o.security = make }
}

// Muxer replaces the usual muxers, which are yamux and mplex, best first. mplex
// comes last because it has no flow control.
func Muxer(m ...muxer.Factory) Option { return func(o *options) { o.config.Muxers = m } }

// Resolver looks up the names in addresses instead of the machine's own.
func Resolver(r transport.Resolver) Option { return func(o *options) { o.config.Resolver = r } }

// Grace is how long [Host.Close] waits before it names who has not stopped; 10 s
// without this option.
func Grace(d time.Duration) Option { return func(o *options) { o.grace = d } }

// Run adds a service to the host: a long-lived actor that starts with it, stops
// with it, and is started again when it fails, at most 5 times in a minute.
// After that it stays down and shows as failed in the tree.
func Run(name string, s Service) Option {
	return func(o *options) { o.services = append(o.services, namedService{name, s, false}) }
}

// RunEssential is like Run for a service that the host is no use without: when
// it has failed too often, the host ends with that reason.
func RunEssential(name string, s Service) Option {
	return func(o *options) { o.services = append(o.services, namedService{name, s, true}) }
}

// Agent is the name and version of the program that identify tells others;
// troupe and its version without this option.
func Agent(name string) Option { return func(o *options) { o.agent = name } }

// NoUsualServices leaves out identify and ping.
func NoUsualServices() Option { return func(o *options) { o.usual = false } }

// collect adds up the options and checks them. The error names all problems.
func collect(ctx context.Context, opts []Option) (*options, error) {
	o := &options{usual: true, grace: 10 * time.Second}
	for _, opt := range opts {
		opt(o)
	}
	if o.config.Transports == nil {
		o.config.Transports = []transport.Transport{tcp.New()}
	}
	if o.config.Muxers == nil {
		o.config.Muxers = []muxer.Factory{yamux.Factory(yamux.Options{}), mplex.Factory(mplex.PauseThenReset)}
	}
	if o.security == nil {
		o.security = usualSecurity(o.config.Muxers)
	}
	if o.key == nil {
		key, err := peer.Generate(actor.Entropy(ctx))
		if err != nil {
			o.problems = append(o.problems, fmt.Errorf("make a key: %w", err))
		}
		o.key = key
	}
	o.parseAddrs()
	o.checkServices()
	o.planLimits(ctx)
	if len(o.problems) > 0 {
		return nil, &ConfigError{Problems: o.problems}
	}
	o.config.Key = o.key
	for _, make := range o.security {
		o.config.Security = append(o.config.Security, make(o.key))
	}
	if o.name == "" {
		o.name = "host-" + o.key.Public().ID().Short()
	}
	return o, nil
}

// usualSecurity is Noise, then TLS. Both agree on yamux inside the handshake where
// the remote can, which saves a round trip. No other muxer is named there: with
// two names js-libp2p as a dialer takes another one than its listener.
func usualSecurity(muxers []muxer.Factory) []func(peer.Key) negotiate.Security {
	early := slices.ContainsFunc(muxers, func(m muxer.Factory) bool { return m.Protocol == yamux.ID })
	return []func(peer.Key) negotiate.Security{
		func(k peer.Key) negotiate.Security {
			if early {
				return noise.New(k, noise.Muxers(yamux.ID), noise.NegotiateWithoutOverlap())
			}
			return noise.New(k)
		},
		func(k peer.Key) negotiate.Security {
			if early {
				return tls.New(k, tls.Muxers(yamux.ID))
			}
			return tls.New(k)
		},
	}
}

// parseAddrs reads the addresses to listen at.
func (o *options) parseAddrs() {
	if o.noListen && len(o.listen) > 0 {
		o.problems = append(o.problems, errors.New("both host.Listen and host.NoListen were given: leave one out"))
	}
	for _, text := range o.listen {
		addr, err := ma.NewMultiaddr(text)
		if err != nil {
			o.problems = append(o.problems, &AddrError{Text: text, Err: err})
			continue
		}
		if rest, id := peer.SplitAddr(addr); id != "" {
			addr = rest // an address as the host prints it may be given back
		}
		if !o.canListen(addr) {
			o.problems = append(o.problems, &AddrError{Text: text, Err: swarm.NoTransport(addr, o.config.Transports)})
			continue
		}
		o.addrs = append(o.addrs, addr)
	}
}

// canListen reports whether one of the transports can listen at the address.
func (o *options) canListen(at ma.Multiaddr) bool {
	return slices.ContainsFunc(o.config.Transports, func(t transport.Transport) bool { return t.CanListen(at) })
}

// checkServices finds services that cannot run.
func (o *options) checkServices() {
	seen := map[string]bool{}
	for _, s := range o.services {
		switch {
		case s.name == "" || strings.Contains(s.name, "/"):
			o.problems = append(o.problems, fmt.Errorf("a service cannot be named %q: the name is part of a path, give one without a slash", s.name))
		case s.run == nil:
			o.problems = append(o.problems, fmt.Errorf("the service %s is nil", s.name))
		case seen[s.name]:
			o.problems = append(o.problems, fmt.Errorf("two services are named %s: rename one", s.name))
		}
		seen[s.name] = true
	}
}
