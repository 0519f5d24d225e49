package sim

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// ErrCrashed is why the actors of a host end that crashes or loses its power.
var ErrCrashed = errors.New("sim: the host has crashed")

// A Setup makes what a host does: it registers handlers and starts actors below
// s.Self(). It is called at each start of the host, so that one that has crashed
// comes back with all its parts; what it wants to find again it keeps on s.Disk().
// It runs as an actor of the host and may wait. An error ends the run.
type Setup func(s *Site) error

// A Site is a place for a host in a world: a name, an address, a key and a disk,
// which stay when the host goes. Its Host is the one that runs now, or the last
// one that did: then its methods return the errors of a host that has been closed.
// Faults name sites.
type Site struct {
	*host.Host
	world   *World
	name    string
	ip      netip.Addr
	setup   Setup
	options []host.Option
	kept    *kept

	starts int
	up     bool
	dark   bool // without power

	// The machine, until it crashes or loses its power:
	island  *actor.Island
	network *Transport
	state   siteState

	// Of the last start:
	disk    *Disk
	started *actor.Promise
	ref     *actor.Ref // the actor that holds the host
	leaves  bool       // its end is meant
}

// Name is what faults call it.
func (s *Site) Name() string { return s.name }

// IP is the address of the site.
func (s *Site) IP() netip.Addr { return s.ip }

// Up reports whether a host runs there.
func (s *Site) Up() bool { return s.up }

// Starts is how many hosts have run there, with the one that runs now.
func (s *Site) Starts() int { return s.starts }

// Disk is what the site stores.
func (s *Site) Disk() *Disk { return s.disk }

// Serve registers the handler of a protocol that belongs to the host: what
// [host.Host.Handle] does with the host's own Self.
func (s *Site) Serve(p negotiate.Protocol, f stream.Handler) error {
	return s.Handle(s.Self(), p, f)
}

// begin starts a host at the site. It does not wait: s.started is kept when the
// host has started and was set up.
func (s *Site) begin() {
	w := s.world
	if s.up { // it was closed and has not come to its end
		s.end(KindCrash)
	}
	if s.dark {
		s.dark = false
		w.network.PowerOn(s.ip)
	}
	s.starts++
	s.leaves = false
	s.disk = &Disk{kept: s.kept}
	s.started = actor.NewPromise(w.self, "the start of "+s.name)
	if s.island == nil || s.island.Off() {
		s.island = actor.NewIsland(w.self, s.name)
		s.network = w.network.HostOn(s.island.Outside(), s.ip)
		s.state = siteState{} // of a new machine
	}
	w.apply(s)
	started, disk := s.started, s.disk
	s.ref = actor.Start(s.island.Context(w.self), s.name, func(self *actor.Self) error {
		self.OnEnd(func() { started.Keep(ErrCrashed) }) // unless it was kept before
		return s.hold(self, disk, started)
	})
}

// hold is the actor that holds the host.
func (s *Site) hold(self *actor.Self, disk *Disk, started *actor.Promise) error {
	w := s.world
	options := append([]host.Option{
		host.Name("host"),
		host.Key(w.key(s.name)),
		host.Transport(s.network),
		host.Listen(fmt.Sprintf("/ip4/%s/tcp/4001", s.ip)),
	}, s.options...)
	if s.setup != nil {
		options = append([]host.Option{host.Remember(disk)}, options...)
	}
	h, err := host.New(self, options...)
	if err == nil {
		s.Host = h
		self.OnEnd(func() {
			if s.disk == disk {
				s.gone()
			}
		})
		s.up = true
		w.tell(s.name, Event{s.island.Elapsed(), EventUp, s.name})
		if s.setup != nil {
			err = s.setup(s)
		}
	}
	if err != nil && self.Err() == nil {
		started.Keep(err)
		if s.starts > 1 {
			w.fail("start "+s.name, err)
		}
		return nil
	}
	started.Keep(nil)
	if err == nil {
		err = h.Wait()
	}
	if self.Err() != nil || s.leaves {
		return nil
	}
	return err // it has ended by itself
}

// key is that of a site: a hash of the seed and the name, so that it stays what it
// is whatever else the scenario does.
func (w *World) key(name string) peer.Key {
	key, err := peer.Generate(newDraw(w.config.Seed, "key").at(name).reader())
	if err != nil {
		panic(fmt.Errorf("sim: make the key of %q: %w", name, err))
	}
	return key
}

// end takes the host of a site away, in order or as a crash does, if the fault
// is of a kind that does.
func (s *Site) end(k Kind) {
	switch k {
	case KindStop:
		s.leaves = true
		s.ref.Stop(nil)
	case KindCrash, KindPowerOff:
		s.leaves = true
		s.disk.off = true
		if s.dark = s.dark || k == KindPowerOff; s.dark {
			s.world.network.PowerOff(s.ip)
		} else {
			s.world.network.Crash(s.ip)
		}
		s.island.PowerOff()
		s.world.network.abandon(s.ip)
		s.started.Keep(ErrCrashed) // unless it was kept before
		s.gone()
	}
}

// gone notes that the host has ended.
func (s *Site) gone() {
	if s.up {
		s.up = false
		s.world.tell(s.name, Event{s.island.Elapsed(), EventDown, s.name})
	}
}

// suffer has the site's machine be as the faults that last say.
func (s *Site) suffer(state siteState) {
	s.island.Slow(state.turn)
	if state.skew != s.state.skew {
		s.island.Skew(state.skew, 0)
	}
	if state.paused != s.state.paused {
		pause := time.Duration(0)
		if state.paused {
			pause = forever
		}
		s.island.Pause(pause)
	}
	s.state = state
}

// forever is longer than any run.
const forever = 100 * 365 * 24 * time.Hour
