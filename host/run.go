package host

import (
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host/identify"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
)

// run is the body of the host's root: it starts everything in order, and the
// runtime stops it in the reverse order.
func (h *Host) run(self *actor.Self, started *actor.Promise) error {
	self.OnEnd(func() { started.Keep(actor.ErrStopped) }) // unless it was given before
	self.State("starting")
	self.Note("peer", h.options.key.Public().ID())
	if err := h.start(self); err != nil {
		started.Keep(err)
		return nil // whoever made the host has the error
	}
	self.State("running")
	started.Keep(nil)
	return untilStopped(self)
}

func (h *Host) start(self *actor.Self) (err error) {
	if h.swarm, err = swarm.Start(self, h.options.config); err != nil {
		return err
	}
	if h.services, err = folder(self, "services"); err != nil {
		return err
	}
	if h.options.usual {
		if h.identify, err = identify.Start(h.services, h.swarm, identify.Options{Agent: h.options.agent}); err != nil {
			return err
		}
		if err := ping.Start(h.services, h.swarm); err != nil {
			return err
		}
	}
	// Whoever comes finds the usual protocols there.
	if err := h.listen(self); err != nil {
		return err
	}
	for _, s := range h.options.services {
		r := actor.Restart{When: actor.OnFailure, Backoff: serviceBackoff, Optional: !s.essential}
		h.services.Supervise(s.name, r, func(self *actor.Self) error { return s.run(self, h) })
	}
	h.yours, err = folder(self, "yours")
	return err
}

// serviceBackoff is the pause before a failed service starts again; it doubles.
const serviceBackoff = 100 * time.Millisecond

// folder starts an actor that does nothing but hold others: a failure that
// reaches it is its parent's.
func folder(self *actor.Self, name string) (*actor.Self, error) {
	var inside *actor.Self
	ready := actor.NewPromise(self, "the start of "+name)
	none := actor.Restart{When: actor.OnFailure, Max: -1}
	ref := self.Supervise(name, none, func(self *actor.Self) error {
		inside = self
		ready.Keep(nil)
		return untilStopped(self)
	})
	if err := ref.Err(); err != nil {
		return nil, err
	}
	err := ready.Wait(self)
	return inside, err
}

// untilStopped waits until the actor is told to end.
func untilStopped(self *actor.Self) error {
	return actor.NewSignal(self, "its end").Wait(self, time.Time{})
}

// listen starts the listeners. Addresses that were asked for must all work; of
// the usual ones, one is enough: not every machine has IPv6.
func (h *Host) listen(self *actor.Self) error {
	asked := h.options.addrs
	usual := len(asked) == 0 && !h.options.noListen
	if usual {
		for _, text := range []string{"/ip4/0.0.0.0/tcp/0", "/ip6/::/tcp/0"} {
			if at := ma.StringCast(text); h.options.canListen(at) {
				asked = append(asked, at)
			}
		}
	}
	var problems []error
	for _, at := range asked {
		err := h.swarm.Listen(self, at)
		if self.Err() != nil {
			return err
		}
		if err != nil {
			problems = append(problems, &AddrError{Text: at.String(), Err: err})
		}
	}
	if len(problems) > 0 && !(usual && len(problems) < len(asked)) {
		return &ConfigError{Problems: problems}
	}
	return nil
}

// overdue names the actors that were told to stop and have not ended: those
// below which nobody else is late.
func overdue(tree actor.Node, grace time.Duration) error {
	e := &actor.OverdueError{}
	var walk func(n actor.Node)
	walk = func(n actor.Node) {
		if len(n.Children) == 0 && n.Stopping {
			state := n.State
			if n.Waits != "" {
				state += ", waits for " + n.Waits
			}
			e.Overdue = append(e.Overdue, actor.Overdue{Path: n.Path, State: state, Grace: grace})
		}
		for _, c := range n.Children {
			walk(c)
		}
	}
	walk(tree)
	return e
}
