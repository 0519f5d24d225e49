package mem

import (
	"context"
	"encoding/binary"
	"strconv"
	"sync"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// An Addr is the number N of an address /memory/N, as a [net.Addr].
type Addr uint64

// Network returns "memory".
func (Addr) Network() string { return "memory" }

// String returns the text of the multiaddr.
func (a Addr) String() string { return "/memory/" + strconv.FormatUint(uint64(a), 10) }

func (a Addr) multiaddr() ma.Multiaddr { return ma.StringCast(a.String()) }

// parse reads /memory/N, perhaps with /p2p/ID at its end.
func parse(addr ma.Multiaddr) (Addr, bool) {
	addr, _ = peer.SplitAddr(addr)
	if len(addr) != 1 || addr[0].Protocol().Code != ma.P_MEMORY {
		return 0, false
	}
	return Addr(binary.BigEndian.Uint64(addr[0].RawValue())), true
}

// firstPicked is where the numbers begin that the network itself picks: beyond
// those that people write.
const firstPicked = 1 << 32

// A Network is a set of listeners that can be reached from each other. Networks
// know nothing of one another. Its methods may be called from several
// goroutines.
type Network struct {
	mu        sync.Mutex // guards the rest
	listeners map[Addr]*Listener
	next      Addr // the next number to pick
}

// NewNetwork returns an empty network.
func NewNetwork() *Network {
	return &Network{listeners: make(map[Addr]*Listener), next: firstPicked}
}

// Transport returns the way into the network. All that it returns are equal.
func (n *Network) Transport() *Transport { return &Transport{n} }

// pick returns a number that nobody listens at. The caller holds the lock.
func (n *Network) pick() Addr {
	for {
		a := n.next
		n.next++
		if n.listeners[a] == nil && a != 0 {
			return a
		}
	}
}

// A Transport dials and listens within one [Network].
type Transport struct{ network *Network }

// CanDial reports whether the address is /memory/N.
func (t *Transport) CanDial(to ma.Multiaddr) bool {
	_, ok := parse(to)
	return ok
}

// CanListen reports the same.
func (t *Transport) CanListen(at ma.Multiaddr) bool { return t.CanDial(at) }

// Dial opens a link to the listener at the address. It returns at once, unless
// the listener's backlog is full: then it waits until somebody accepts, the
// listener is closed or ctx ends.
func (t *Transport) Dial(ctx context.Context, to ma.Multiaddr, _ peer.ID) (transport.Link, error) {
	link, err := t.network.dial(ctx, to)
	if err != nil {
		return transport.Link{}, &transport.DialError{Addr: to, Cause: err}
	}
	return link, nil
}

func (n *Network) dial(ctx context.Context, to ma.Multiaddr) (transport.Link, error) {
	there, ok := parse(to)
	if !ok {
		return transport.Link{}, transport.ErrUnsupported
	}
	if ctx.Err() != nil {
		return transport.Link{}, context.Cause(ctx)
	}
	n.mu.Lock()
	l := n.listeners[there]
	here := n.pick()
	n.mu.Unlock()
	if l == nil {
		return transport.Link{}, transport.ErrRefused
	}
	// The listener's actor outlives the one that dials.
	a, b := Pipe(l.acceptors.ctx, Options{A: here, B: there})
	mine := transport.Link{Local: here.multiaddr(), Remote: there.multiaddr(), Pipe: a}
	if err := l.Offer(ctx, transport.Link{Local: mine.Remote, Remote: mine.Local, Pipe: b}); err != nil {
		return transport.Link{}, err
	}
	return mine, nil
}

// Listen begins to accept links at /memory/N; 0 picks a free number.
func (t *Transport) Listen(ctx context.Context, at ma.Multiaddr) (transport.Listener, error) {
	n := t.network
	a, ok := parse(at)
	if !ok {
		return nil, &transport.ListenError{Addr: at, Cause: transport.ErrUnsupported}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if a == 0 {
		a = n.pick()
	}
	if n.listeners[a] != nil {
		return nil, &transport.ListenError{Addr: at, Cause: transport.ErrInUse}
	}
	l := NewListener(ctx, func() { n.forget(a) }, a.multiaddr())
	n.listeners[a] = l
	return l, nil
}

func (n *Network) forget(a Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.listeners, a)
}
