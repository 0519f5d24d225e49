package host

import (
	"context"
	"errors"
	"strings"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/identify"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// A Service is a long-lived actor of a host: it handles protocols, hears events,
// opens streams. It ends when self does; returning nil before is a normal end,
// an error or a panic a failure.
type Service func(self *actor.Self, h *Host) error

// A Host is one node of the network. Its methods may be called from any
// goroutine; those that take a context wait, and so do Wait and Close.
type Host struct {
	options  *options
	ctx      context.Context // on whose carrier Wait and Close wait
	ref      *actor.Ref
	swarm    *swarm.Swarm
	identify *identify.Service
	services *actor.Self
	yours    *actor.Self
	rooted   bool // it is a tree of its own
}

// New starts a host and waits until it listens and its services have started.
// Ending ctx stops the host in order. When ctx belongs to an actor, the host is
// a child of that actor, as in a simulation; otherwise it is a tree of its own.
//
// Errors: a [*ConfigError] that lists everything that is wrong, the cause of
// ctx.
func New(ctx context.Context, opts ...Option) (*Host, error) {
	o, err := collect(ctx, opts)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	h := &Host{options: o, ctx: context.WithoutCancel(ctx)}
	started := actor.NewPromise(ctx, "the start of the host")
	h.ref = actor.Start(ctx, o.name, func(self *actor.Self) error { return h.run(self, started) })
	if err := h.ref.Err(); err != nil {
		return nil, err
	}
	h.rooted = !strings.Contains(h.ref.Path(), "/")
	if err := started.Wait(ctx); err != nil {
		h.Close()
		return nil, err
	}
	return h, nil
}

// ID is who the host is.
func (h *Host) ID() peer.ID { return h.swarm.ID() }

// Addrs are the addresses that the host listens at, without /p2p.
func (h *Host) Addrs() []ma.Multiaddr { return h.swarm.Addrs() }

// Info is the host's ID with its addresses, to be given to others in the same
// process.
func (h *Host) Info() peer.Info { return peer.Info{ID: h.ID(), Addrs: h.Addrs()} }

// Multiaddrs are the host's addresses with /p2p and its ID at their end, as
// others need them; /p2p and the ID alone when it does not listen.
func (h *Host) Multiaddrs() []ma.Multiaddr { return h.Info().Multiaddrs() }

// Swarm is the layer below: connections, address book, events. Services use it.
func (h *Host) Swarm() *swarm.Swarm { return h.swarm }

// Identify is the service that knows what peers have said of themselves. It is
// nil when the host was made with [NoUsualServices].
func (h *Host) Identify() *identify.Service { return h.identify }

// Self is the actor "yours", under which the program that made the host may
// start actors and register handlers. They stop before everything else; a
// failure of what is started with Go ends the host.
func (h *Host) Self() *actor.Self { return h.yours }

// Disconnect closes all connections with a peer, in order. It does not wait.
func (h *Host) Disconnect(id peer.ID) { h.swarm.Disconnect(id, nil) }

// Handle registers the handler of a protocol, which belongs to owner: when that
// actor ends, the route is removed and the streams it serves are reset. Errors
// are those of [swarm.Swarm.Handle].
func (h *Host) Handle(owner *actor.Self, p negotiate.Protocol, f stream.Handler) error {
	return h.swarm.Handle(owner, p, f)
}

// Events has the events of the swarm delivered to an actor that wants nothing
// else: its one mailbox, which this makes, holds them. An actor with other
// messages uses [swarm.Subscribe]. Errors are those of Subscribe.
func (h *Host) Events(owner *actor.Self) (*actor.Mailbox[swarm.Event], error) {
	box := actor.NewMailbox[swarm.Event](owner, 64)
	err := swarm.Subscribe(h.swarm, owner, box, func(e swarm.Event) swarm.Event { return e })
	return box, err
}

// Supervise starts a service under "yours", restarted as r says. When its
// restarts are used up the host ends, unless r is Optional.
func (h *Host) Supervise(name string, r actor.Restart, s Service) *actor.Ref {
	return h.yours.Supervise(name, r, func(self *actor.Self) error { return s(self, h) })
}

// Tree is everything that the host runs, as it is now. It asks no actor
// anything, so one that is stuck is shown as well.
func (h *Host) Tree() actor.Node { return h.ref.Tree() }

// Wait blocks until the host has ended. It returns nil after a stop and
// otherwise why it ended, an [*actor.ExitError]; an [*actor.OverdueError] when
// it was stopped and somebody did not.
func (h *Host) Wait() error { return h.wait(h.ctx) }

// Stop tells the host to end in order, for a reason (nil: [actor.ErrStopped]),
// and does not wait. It is for the host's own actors; everybody else uses Close.
func (h *Host) Stop(reason error) { h.ref.Stop(reason) }

// Close stops the host in order: what you started, listeners, services,
// connections with their streams, address book. It waits until all have ended,
// at most for the host's grace (see [Grace]); then it returns an
// [*actor.OverdueError] that names who has not. Otherwise it returns what Wait
// does. Closing again is allowed.
func (h *Host) Close() error {
	h.ref.Stop(nil)
	ctx, cancel := actor.WithTimeout(h.ctx, h.options.grace)
	defer cancel()
	err := h.wait(ctx)
	if ctx.Err() != nil && errors.Is(err, context.DeadlineExceeded) {
		return overdue(h.Tree(), h.options.grace)
	}
	return err
}

// wait waits until the host has ended, or ctx is done.
func (h *Host) wait(ctx context.Context) error {
	if h.rooted {
		return plain(h.ref.JoinContext(ctx))
	}
	if err := h.ref.Wait(ctx); err != nil {
		return err
	}
	return plain(h.ref.Err())
}

// plain leaves out what "services" and "yours" say of a failure that went
// through them: they allow no restart, which is no news.
func plain(err error) error {
	var exit *actor.ExitError
	var budget *actor.BudgetError
	if errors.As(err, &exit) && errors.As(exit.Err, &budget) && budget.Max == 0 && budget.Err != nil {
		return budget.Err
	}
	return err
}
