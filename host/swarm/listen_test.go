package swarm

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/transport"
)

// faulty is a transport whose listeners fail as they are told.
type faulty struct {
	transport.Transport

	mu      sync.Mutex
	accepts []error // what Accept returns, one after the other; nil: a link
	listens []string
}

type faultyListener struct {
	transport.Listener
	t *faulty
}

func (t *faulty) Listen(ctx context.Context, at ma.Multiaddr) (transport.Listener, error) {
	t.mu.Lock()
	t.listens = append(t.listens, at.String())
	t.mu.Unlock()
	l, err := t.Transport.Listen(ctx, at)
	return &faultyListener{l, t}, err
}

func (l *faultyListener) Accept(ctx context.Context) (transport.Link, error) {
	l.t.mu.Lock()
	var err error // nil: it works
	if len(l.t.accepts) > 0 {
		err = l.t.accepts[0]
		l.t.accepts = l.t.accepts[1:]
	}
	l.t.mu.Unlock()
	if err != nil {
		return transport.Link{}, err
	}
	return l.Listener.Accept(ctx)
}

func TestAnAddressThatCannotBeListenedAtIsAnError(t *testing.T) {
	both(t, func(w *world) {
		b := w.start([]string{"/memory/1"})
		var none *NoTransportError
		if err := b.listenAt("/ip4/127.0.0.1/tcp/0"); !errors.As(err, &none) || !strings.Contains(err.Error(), "it has mem") {
			w.Errorf("got %v", err)
		}
		if err := b.listenAt("/memory/1"); !errors.Is(err, transport.ErrInUse) {
			w.Errorf("got %v", err)
		}
		if n := len(b.Addrs()); n != 1 {
			w.Errorf("listening at %v", b.Addrs())
		}
	})
}

func TestAListenerAcceptsAgainAfterAFailureOfOneLink(t *testing.T) {
	both(t, func(w *world) {
		exhausted := &transport.AcceptError{Exhausted: true, Cause: errBoom}
		tr := &faulty{accepts: []error{exhausted, exhausted, exhausted}}
		b := w.start([]string{"/memory/0"}, func(c *Config) {
			tr.Transport = c.Transports[0]
			c.Transports = []transport.Transport{tr}
		})
		began := w.self.Now()
		_, err := w.node().Connect(w.self, b.info())
		w.must(err)
		if took := w.self.Now().Sub(began); took > 35*time.Millisecond {
			w.Errorf("it took %v", took)
		}
	})
}

func TestAListenerWhoseSocketFailedListensAgainAtTheSamePlace(t *testing.T) {
	both(t, func(w *world) {
		tr := &faulty{accepts: []error{nil, net.ErrClosed}}
		b := w.start([]string{"/memory/0"}, func(c *Config) {
			tr.Transport = c.Transports[0]
			c.Transports = []transport.Transport{tr}
		})
		to := b.info()
		h := w.hear(b, nil)
		w.sleep(time.Second)
		h.change(func() { h.heard = nil })
		_, err := w.node().Connect(w.self, to) // after this link the socket fails
		w.must(err)
		w.sleep(100 * time.Millisecond)
		if len(b.Addrs()) > 0 || b.Peers() == nil {
			w.Errorf("listening at %v, connected with %v", b.Addrs(), b.Peers())
		}
		w.sleep(2 * time.Second)
		_, err = w.node().Connect(w.self, to)
		w.must(err)
		w.sleep(100 * time.Millisecond)
		at := to.Addrs[0].String()
		w.same([]string{"/memory/0", at}, tr.listens)
		w.same([]string{
			"listener down /memory/0 use of closed network connection", "addrs []",
			"listener up /memory/0 [" + at + "]", "addrs [" + at + "]",
		}, slices.DeleteFunc(h.lines(), func(line string) bool { return strings.HasSuffix(line, "up ") }))
	})
}
