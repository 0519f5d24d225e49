package perftest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/perf"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/muxer/mplex"
	"github.com/troupe-p2p/troupe/muxer/yamux"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/tls"
)

// agent is what identify says of this program.
const agent = "troupe-perftest"

// stack is what connections are made of, in the words of the tests.
type stack struct{ transport, security, muxer string }

// A usageError says what is wrong with the flags or the environment, or that
// Troupe does not have what they ask for.
type usageError struct{ Name, Problem string }

func (e *usageError) Error() string { return e.Name + " " + e.Problem }

func wrong(name, problem string, args ...any) error {
	return &usageError{Name: name, Problem: fmt.Sprintf(problem, args...)}
}

// check refuses what Troupe does not have. names are those of the flags or of the
// variables.
func (s stack) check(names stack) error {
	for _, c := range []struct {
		name, value string
		has         []string
	}{
		{names.transport, s.transport, []string{"tcp"}},
		{names.security, s.security, []string{"noise", "tls"}},
		{names.muxer, s.muxer, []string{"yamux", "mplex"}},
	} {
		if !slices.Contains(c.has, c.value) {
			return wrong(c.name, "is %q; Troupe has %s", c.value, strings.Join(c.has, " and "))
		}
	}
	return nil
}

// start starts a host with this stack, which must have been checked.
func (s stack) start(ctx context.Context, more ...host.Option) (*host.Host, error) {
	f := yamux.Factory(yamux.Options{})
	if s.muxer == "mplex" {
		f = mplex.Factory(mplex.PauseThenReset)
	}
	security := func(k peer.Key) negotiate.Security {
		switch early := s.muxer == "yamux"; {
		case s.security == "tls" && early:
			return tls.New(k, tls.Muxers(yamux.ID))
		case s.security == "tls":
			return tls.New(k)
		case early:
			return noise.New(k, noise.Muxers(yamux.ID), noise.NegotiateWithoutOverlap())
		default:
			return noise.New(k)
		}
	}
	options := []host.Option{host.Agent(agent), host.Security(security), host.Muxer([]muxer.Factory{f}...)}
	return host.New(ctx, append(options, more...)...)
}

// serve starts a host that serves perf at an address.
func (s stack) serve(ctx context.Context, at string, more ...host.Option) (*host.Host, error) {
	h, err := s.start(ctx, append(more, host.Listen(at))...)
	if err != nil {
		return nil, err
	}
	o := perf.Options{MaxUpload: math.MaxUint64, MaxDownload: math.MaxUint64}
	if err := perf.Start(h.Self(), h.Swarm(), o); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// untilTold waits until a listener is told to stop, and stops it.
func untilTold(ctx context.Context, h *host.Host) error {
	<-ctx.Done()
	return h.Close()
}

// zeros is a source of zeros: the seed of the identity that every listener has.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

var _ io.Reader = zeros{}

// knownKey is the identity of listeners that nobody has told the dialer about
// (test-plans, perf/impl/go-libp2p).
func knownKey() (peer.Key, error) { return peer.Generate(zeros{}) }

// multiaddr turns HOST:PORT into a multiaddr. What is one already is kept.
func multiaddr(name, text string) (ma.Multiaddr, error) {
	if !strings.HasPrefix(text, "/") {
		at, port, err := net.SplitHostPort(text)
		if err != nil {
			return nil, wrong(name, "is %q; it must be HOST:PORT or a multiaddr", text)
		}
		kind := "dns"
		if ip, err := netip.ParseAddr(at); err == nil {
			kind = "ip6"
			if ip.Is4() {
				kind = "ip4"
			}
		}
		text = fmt.Sprintf("/%s/%s/tcp/%s", kind, at, port)
	}
	a, err := ma.NewMultiaddr(text)
	if err != nil {
		return nil, wrong(name, "is no address: %v", err)
	}
	return a, nil
}
