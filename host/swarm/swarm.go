package swarm

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// A Swarm is all the peers that a host is connected with, and the ways to more
// of them. Its methods may be called from any goroutine; those that take a
// context wait, the others do not.
type Swarm struct {
	config Config
	id     peer.ID
	book   *Book
	routes *routes
	ref    *actor.Ref

	box      atomic.Pointer[actor.Mailbox[message]]
	open     sync.Map // peer.ID to []*conn.Conn, oldest first: read by all, written by the swarm's actor
	addrs    atomic.Pointer[[]ma.Multiaddr]
	refused  atomic.Int64 // inbound links that were closed because of a limit
	refusals refusals     // by limit

	listeners []listenerNews // those that are up; the swarm's actor's alone, over all its lives
	numbers   atomic.Int64   // of listeners

	hearing     sync.Mutex // guards the next; never held over a wait
	subscribers []*subscriber
}

// Start starts the address book and the swarm as supervised children of parent,
// which fails when one of them fails too often, and waits until both are ready.
// With a store, an actor that keeps what the book knows comes first. Errors: a
// [*StoreError] when the store cannot be read, parent's cause when parent ends
// first.
func Start(parent *actor.Self, c Config) (*Swarm, error) {
	c.setDefaults()
	s := &Swarm{config: c, id: c.Key.Public().ID()}
	s.addrs.Store(new([]ma.Multiaddr))
	s.routes = newRoutes(func(p []negotiate.Protocol) { s.publish(ProtocolsChanged{p}) })
	essential := actor.Restart{When: actor.Always, Max: 3, Within: 5 * time.Minute}
	s.book = &Book{connected: s.Connected, most: c.Limits.BookPeers}
	if c.Store != nil {
		if err := startKeeper(parent, s.book, c.Store); err != nil {
			return nil, err
		}
	}
	if err := startBook(parent, essential, s.book); err != nil {
		return nil, err
	}
	ready := actor.NewPromise(parent, "the start of the swarm")
	s.ref = parent.Supervise("swarm", essential, func(self *actor.Self) error { return s.run(self, ready) })
	if err := s.ref.Err(); err != nil {
		return nil, err
	}
	return s, ready.Wait(parent)
}

// ID is who this host is.
func (s *Swarm) ID() peer.ID { return s.id }

// Key is the private key that proves it.
func (s *Swarm) Key() peer.Key { return s.config.Key }

// Book is the address book.
func (s *Swarm) Book() *Book { return s.book }

// Addrs are the addresses that the host listens at, without /p2p.
func (s *Swarm) Addrs() []ma.Multiaddr { return slices.Clone(*s.addrs.Load()) }

// Handle registers the handler of a protocol. The protocol belongs to owner: when
// that actor ends, however it does, the route is removed and the streams it
// serves are reset. A restarted owner registers again.
//
// Errors: a [*ProtocolTakenError] when the protocol belongs to somebody, a
// [*negotiate.ProposalError] when it is no possible name.
func (s *Swarm) Handle(owner *actor.Self, p negotiate.Protocol, h stream.Handler) error {
	return s.routes.add(owner, p, h)
}

// Protocols are the protocols that have a handler, in alphabetical order.
func (s *Swarm) Protocols() []negotiate.Protocol { return slices.Clone(s.routes.Protocols()) }

// Peers are the peers that the host is connected with, in the order of their
// IDs.
func (s *Swarm) Peers() []peer.ID {
	var ids []peer.ID
	s.open.Range(func(id, _ any) bool {
		ids = append(ids, id.(peer.ID))
		return true
	})
	slices.Sort(ids)
	return ids
}

// Connected reports whether there is a connection with the peer.
func (s *Swarm) Connected(id peer.ID) bool {
	_, ok := s.open.Load(id)
	return ok
}

// Conns are the open connections with a peer, the oldest first.
func (s *Swarm) Conns(id peer.ID) []*conn.Conn {
	all, _ := s.open.Load(id)
	conns, _ := all.([]*conn.Conn)
	return slices.Clone(conns)
}

// Conn is the connection that streams with a peer are opened on: the oldest one
// that is not ending. It is nil when there is none.
func (s *Swarm) Conn(id peer.ID) *conn.Conn {
	all, _ := s.open.Load(id)
	conns, _ := all.([]*conn.Conn)
	return best(conns)
}

func best(conns []*conn.Conn) *conn.Conn {
	for _, c := range conns {
		if c.Err() == nil {
			return c
		}
	}
	return nil
}

// Connect returns a connection with the peer: the one that is open, or a new one
// to the first of its addresses that works, those given here and those in the
// address book. Addresses given here are learned; when there are any, back-off
// is ignored. One dial per peer runs at a time: callers share it.
//
// It blocks until there is a connection, the dial has failed ([*DialError]) or
// ctx ends (its cause). Other errors: an [*actor.GoneError] when the swarm ends.
func (s *Swarm) Connect(ctx context.Context, to peer.Info) (*conn.Conn, error) {
	if to.ID == s.id {
		return nil, &DialError{Peer: to.ID, Cause: ErrSelf}
	}
	if c := s.Conn(to.ID); c != nil {
		return c, nil
	}
	if len(to.Addrs) > 0 {
		if err := s.book.Learn(ctx, to, GivenTTL); err != nil {
			return nil, err
		}
	}
	w := &wish{peer: to.ID, addrs: to.Addrs, force: len(to.Addrs) > 0}
	box := s.box.Load()
	c, err := actor.Call(ctx, box, func(ask actor.Ask[*wish, *conn.Conn]) message { return connect{ask} }, w)
	if err != nil && ctx.Err() != nil {
		box.TryPut(leave{w})
	}
	return c, err
}

// openTries is how many connections Open tries that end under its hands.
const openTries = 3

// Open opens a stream with a peer and proposes the protocols in order. Without a
// connection it makes one first, to the addresses in the book. With exactly one
// protocol that the peer has said it supports, it does not wait for the remote's
// agreement: the first read finds out.
//
// It blocks until the protocol is agreed, something fails or ctx ends. Errors are
// those of Connect and of [conn.Conn.Open]; a protocol that the peer does not
// support is a [*negotiate.RefusedError].
func (s *Swarm) Open(ctx context.Context, to peer.ID, want ...negotiate.Protocol) (*stream.Stream, error) {
	for try := 1; ; try++ {
		c, err := s.Connect(ctx, peer.Info{ID: to})
		if err != nil {
			return nil, err
		}
		lazy := len(want) == 1 && c.Knows(want[0])
		st, err := c.Open(ctx, lazy, want...)
		if err == nil || try == openTries || ctx.Err() != nil || !ended(err) {
			return st, err
		}
	}
}

// ended reports whether an Open failed because its connection has just ended.
func ended(err error) bool {
	var closed *conn.CloseError
	return errors.As(err, &closed) || errors.Is(err, conn.ErrGoingAway)
}

// Disconnect closes all connections with a peer, in order, for the given reason;
// nil stands for [actor.ErrStopped]. It does not wait: PeerDown tells when.
func (s *Swarm) Disconnect(id peer.ID, reason error) {
	for _, c := range s.Conns(id) {
		c.Close(reason)
	}
}

// Identified notes which protocols the remote end of a connection has said it
// supports, and tells subscribers. It waits for room in the swarm's mailbox.
func (s *Swarm) Identified(ctx context.Context, c *conn.Conn, protocols []negotiate.Protocol) error {
	return s.box.Load().Put(ctx, identified{c, slices.Clone(protocols)})
}

// Refused is how many inbound links were closed because of a limit.
func (s *Swarm) Refused() int64 { return s.refused.Load() }

// unlimited restarts, for what is tried again for ever.
const unlimited = math.MaxInt32
