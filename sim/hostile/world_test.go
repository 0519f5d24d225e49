package hostile

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/actor/buf"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host"
	"github.com/troupe-p2p/troupe/host/ping"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/sim"
)

// scene is a host that is attacked, an honest one that pings it all the time, and
// what is seen of both.
type scene struct {
	w              *sim.World
	self           *actor.Self
	target, honest *host.Host
	mallory        *host.Host // the attacker's machine; the host itself does nothing
	attacker       *sim.Transport
	security       negotiate.Protocol
	last           error // why the attacker's connection has ended
	pings          int
	slowest        time.Duration
	lost           error
	most           size  // at any time
	broken         error // the bound that was
}

// A size is what a host holds.
type size struct {
	actors, conns, streams int
	buffers                int64
}

func (s size) String() string {
	return fmt.Sprintf("%d actors, %d connections, %d streams, %d buffers", s.actors, s.conns, s.streams, s.buffers)
}

func (s *size) grow(o size) {
	s.actors, s.conns, s.streams, s.buffers = max(s.actors, o.actors), max(s.conns, o.conns), max(s.streams, o.streams), max(s.buffers, o.buffers)
}

func actorsIn(n actor.Node) (all int) {
	all = 1
	for _, c := range n.Children {
		all += actorsIn(c)
	}
	return all
}

// size measures the attacked host. Buffers are those of the whole process.
func (s *scene) size() size {
	n := size{actors: actorsIn(s.target.Tree()), buffers: buf.Live()}
	for _, id := range s.target.Swarm().Peers() {
		for _, c := range s.target.Swarm().Conns(id) {
			n.conns++
			n.streams += c.Streams()
		}
	}
	return n
}

// usual is a host as everybody has it; open is one for plaintext.
func usual() []host.Option { return nil }

func open() []host.Option {
	return []host.Option{host.Security(func(k peer.Key) negotiate.Security { return plaintext.New(k) })}
}

// inAScene plays a scenario with one attacked host.
func inAScene(security negotiate.Protocol, f func(s *scene) error) error {
	options := usual()
	if security == plaintext.ID {
		options = open()
	}
	config := sim.Config{Seed: 1, Link: sim.LinkConfig{Latency: time.Millisecond, Window: 64 << 10}, Horizon: 5 * time.Minute}
	_, err := sim.Run(context.Background(), config, func(w *sim.World) (err error) {
		scene := w.Self().Supervise("scene", actor.Restart{}, func(self *actor.Self) error {
			err = (&scene{w: w, self: self, security: security}).play(options, f)
			return nil
		})
		return errors.Join(scene.Wait(w.Self()), err)
	})
	return err
}

// play is the scenario: what f does happens between the start and the end of the
// honest peer's pings.
func (s *scene) play(options []host.Option, f func(s *scene) error) error {
	w := s.w
	s.target, s.honest = w.Host("target", options...), w.Host("honest", options...)
	s.mallory = w.Host("mallory", append(options, host.NoUsualServices())...)
	s.attacker = w.Network().Host(w.IP("mallory"))
	hearing := actor.NewPromise(s.self, "the events")
	hearer := s.self.Supervise("hearer", actor.Restart{}, func(self *actor.Self) error {
		box, err := s.target.Events(self)
		hearing.Keep(err)
		if err != nil {
			return err
		}
		for e := range box.All() {
			s.hear(e)
		}
		return nil
	})
	defer hearer.Stop(nil)
	if err := hearing.Wait(s.self); err != nil {
		return err
	}
	if err := s.honest.Connect(s.self, s.target.Info()); err != nil {
		return err
	}
	pinger := s.self.Supervise("pinger", actor.Restart{}, s.ping)
	defer pinger.Stop(nil)
	if err := w.Sleep(3 * time.Second); err != nil {
		return err
	}
	if err := f(s); err != nil {
		return err
	}
	pinger.Stop(nil)
	if err := pinger.Wait(s.self); err != nil {
		return err
	}
	if s.lost != nil || s.pings < 30 || s.slowest > 50*time.Millisecond {
		return fmt.Errorf("the honest peer's %d pings took up to %v: %w", s.pings, s.slowest, s.lost)
	}
	return nil
}

// ping pings the attacked host ten times a second.
func (s *scene) ping(self *actor.Self) error {
	for took, err := range ping.All(self, s.honest.Swarm(), s.target.ID(), 100*time.Millisecond) {
		if self.Err() != nil {
			return nil
		}
		s.pings++
		s.slowest = max(s.slowest, took)
		if err != nil {
			s.lost = err
			return nil
		}
	}
	return nil
}

// dial opens a raw link from the attacker's host.
func (s *scene) dial(ctx context.Context) (net.Conn, error) {
	link, err := s.attacker.Dial(ctx, ma.StringCast("/ip4/10.0.0.1/tcp/4001"), "")
	return link.Pipe, err
}

// hear notes why the host has ended the attacker's connection.
func (s *scene) hear(e swarm.Event) {
	switch e := e.(type) {
	case swarm.InboundFailed:
		s.last = e.Err
	case swarm.ConnDown:
		if e.Peer != s.honest.ID() {
			s.last = e.Err
		}
	}
}

// applies reports whether the case can be played on a host with a security
// channel.
func applies(c Case, security negotiate.Protocol) bool {
	if security == plaintext.ID {
		return c.Security == "" || c.Security == plaintext.ID
	}
	return c.Security != plaintext.ID
}

// aPing is how many buffers the honest peer's ping may keep on its way.
const aPing = 4

// bounds are what a host may hold because of one attacking connection: its 256
// streams, and what goes on for them. Buffers count those that the network of the
// simulation holds for both ends, where a packet may be a frame of a few bytes.
func bounds() size { return size{actors: 600, conns: 2, streams: 260, buffers: 1000} }

func (s size) within(base, b size) error {
	if s.actors > base.actors+b.actors || s.conns > b.conns || s.streams > base.streams+b.streams || s.buffers > base.buffers+b.buffers {
		return fmt.Errorf("it holds %v, and held %v before", s, base)
	}
	return nil
}

// attacked plays one case and looks at everything that a good host would do.
func (s *scene) attacked(c Case) error {
	base := s.size()
	s.w.Always("the bounds", func() error {
		now := s.size()
		s.most.grow(now)
		s.broken = now.within(base, bounds())
		return s.broken
	})
	var o Outcome
	var err error
	attack := s.mallory.Self().Supervise("mission", actor.Restart{}, func(self *actor.Self) error {
		o, err = Play(self, c, Target{Dial: s.dial, Security: s.security})
		return nil
	})
	if err := errors.Join(attack.Wait(s.self), err); err != nil {
		return err
	}
	if err := c.Good.Check(o); err != nil {
		return errors.Join(s.broken, fmt.Errorf("%w (%v; the host's last reason: %v)", err, o.How, s.last))
	}
	if err := s.w.Sleep(10 * time.Second); err != nil {
		return err
	}
	if c.Good.Does == EndsConnection {
		if err := c.Good.Explains(s.last); err != nil {
			return err
		}
	} else if e, ok := errors.AsType[*conn.CloseError](s.last); !ok || RuleOf(e) != Left && (c.Good.Does != Bounded || RuleOf(e) == "") {
		return fmt.Errorf("the connection ended with %w", s.last)
	}
	if now := s.size(); now.actors > base.actors || now.conns > base.conns || now.buffers > base.buffers+aPing {
		return fmt.Errorf("after the attack it holds %v, and held %v before", now, base)
	}
	return nil
}

func TestNoAttackHurtsAHostInTheSimulation(t *testing.T) {
	for _, security := range []negotiate.Protocol{noise.ID, plaintext.ID} {
		for _, c := range All() {
			if !applies(c, security) {
				continue
			}
			t.Run(strings.Trim(string(security), "/")+"/"+c.Name, func(t *testing.T) {
				var most size
				err := inAScene(security, func(s *scene) error {
					defer func() { most = s.most }()
					return s.attacked(c)
				})
				if err != nil {
					t.Error(err)
				}
				t.Logf("at most %v", most)
			})
		}
	}
}
