package mem

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/transport"
)

// Backlog is how many links a listener holds that nobody has accepted: the
// customary SOMAXCONN.
const Backlog = 128

// A Listener accepts the links that are offered to it. [Network] makes its own;
// other networks in memory are built from it too.
type Listener struct {
	addrs   []ma.Multiaddr
	onClose func()

	mu        sync.Mutex // guards the rest; never held over a wait
	waiting   []transport.Link
	closed    bool
	acceptors Crowd
	dialers   Crowd
}

// NewListener returns a listener with the given addresses. ctx says on which
// carrier it works; its end means nothing. onClose, if not nil, is called once
// by the first Close.
func NewListener(ctx context.Context, onClose func(), addrs ...ma.Multiaddr) *Listener {
	return &Listener{
		addrs:     addrs,
		onClose:   onClose,
		acceptors: Crowd{ctx: ctx, what: "a link to accept"},
		dialers:   Crowd{ctx: ctx, what: "room in a listener's backlog"},
	}
}

// Addrs returns the addresses that the listener was made with.
func (l *Listener) Addrs() []ma.Multiaddr { return slices.Clone(l.addrs) }

// Accept waits for the next link, until ctx ends (its cause is returned) or the
// listener is closed ([net.ErrClosed]).
func (l *Listener) Accept(ctx context.Context) (transport.Link, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if ctx.Err() != nil {
			return transport.Link{}, context.Cause(ctx)
		}
		if l.closed {
			return transport.Link{}, net.ErrClosed
		}
		if len(l.waiting) > 0 {
			link := l.waiting[0]
			l.waiting = slices.Delete(l.waiting, 0, 1)
			l.dialers.Wake()
			return link, nil
		}
		l.acceptors.Wait(&l.mu, ctx, time.Time{})
	}
}

// Offer hands a link over to whoever accepts. It waits while the backlog is
// full, until ctx ends (its cause is returned) or the listener is closed
// ([transport.ErrRefused]). After an error the link is still the caller's.
func (l *Listener) Offer(ctx context.Context, link transport.Link) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		if l.closed {
			return transport.ErrRefused
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(l.waiting) < Backlog {
			l.waiting = append(l.waiting, link)
			l.acceptors.Wake()
			return nil
		}
		l.dialers.Wait(&l.mu, ctx, time.Time{})
	}
}

// TryOffer is Offer without a wait: it reports whether the link was taken over,
// which it is not when the backlog is full or the listener closed.
func (l *Listener) TryOffer(link transport.Link) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.waiting) >= Backlog {
		return false
	}
	l.waiting = append(l.waiting, link)
	l.acceptors.Wake()
	return true
}

// Close ends Accept and Offer, and closes the links that nobody has accepted.
// It may be called again, which does nothing.
func (l *Listener) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	left := l.waiting
	l.waiting = nil
	l.acceptors.Wake()
	l.dialers.Wake()
	l.mu.Unlock()
	if l.onClose != nil {
		l.onClose()
	}
	for _, link := range left {
		link.Close()
	}
	return nil
}
