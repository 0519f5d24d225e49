package swarm

import (
	"context"
	"errors"
	"net"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
)

const (
	// relistenAfter is the pause before a listener whose socket failed listens
	// again; it doubles up to a minute.
	relistenAfter = time.Second
	// acceptPause is the pause after a link that could not be accepted, for
	// want of file descriptors for example; it doubles up to acceptPauseMax.
	acceptPause    = 5 * time.Millisecond
	acceptPauseMax = time.Second
)

// errListenerFailed is told of a listener that panicked; the tree shows more.
var errListenerFailed = errors.New("swarm: the listener's actor failed, the tree shows why")

// listener is one address that is listened at.
type listener struct {
	s      *Swarm
	number int64
	at     ma.Multiaddr // as it was asked for
	by     transport.Transport
	real   ma.Multiaddr // with the port that was found the first time
}

// Listen starts a listener at the address as a supervised child of parent, and
// waits until it listens. A listener that fails later is started again after a
// pause, at the same port.
//
// Errors: a [*NoTransportError] when no transport understands the address, a
// [*transport.ListenError] when it cannot be listened at, parent's cause when
// that ends.
func (s *Swarm) Listen(parent *actor.Self, at ma.Multiaddr) error {
	by := s.transportFor(at, transport.Transport.CanListen)
	if by == nil {
		return NoTransport(at, s.config.Transports)
	}
	l := &listener{s: s, number: s.numbers.Add(1), at: at, real: at, by: by}
	ready := actor.NewPromise(parent, "the start of a listener")
	again := actor.Restart{When: actor.OnFailure, Max: unlimited, Backoff: relistenAfter}
	ref := parent.Supervise("listen-"+at.String(), again, func(self *actor.Self) error { return l.run(self, ready) })
	if err := ref.Err(); err != nil {
		return err
	}
	return ready.Wait(parent)
}

// run is the body of a listener's actor: it owns one socket. It waits for room
// in the swarm's mailbox with each link, and accepts no more until then.
func (l *listener) run(self *actor.Self, ready *actor.Promise) error {
	socket, err := l.by.Listen(self, l.real)
	if err != nil {
		if !ready.Kept() {
			ready.Keep(err)
			return nil // whoever started it has the error
		}
		return err
	}
	failure := errListenerFailed // unless it returns
	self.OnEnd(func() {
		socket.Close()
		if self.Err() != nil {
			failure = nil // it was stopped
		}
		l.down(failure)
	})
	addrs := socket.Addrs()
	if len(addrs) > 0 {
		l.real = withPort(l.real, addrs[0])
	}
	self.State("accepting")
	self.Note("addresses", addrs)
	wrap := func(ask actor.Ask[listenerNews, struct{}]) message { return listening{ask} }
	if _, err := actor.Call(self, l.s.box.Load(), wrap, listenerNews{listener: l, addrs: addrs}); err != nil {
		return err
	}
	ready.Keep(nil)
	failure = l.accept(self, socket)
	return failure
}

// down tells the swarm that the socket is closed, without waiting: the place is
// taken and used at once.
func (l *listener) down(why error) {
	actor.Reserve(l.s.box.Load(), 1).Put(listening{actor.Ask[listenerNews, struct{}]{Q: listenerNews{listener: l, err: why}}})
}

func (l *listener) accept(self *actor.Self, socket transport.Listener) error {
	pause := acceptPause
	for {
		link, err := socket.Accept(self)
		switch {
		case self.Err() != nil:
			if err == nil {
				link.Close()
			}
			return context.Cause(self)
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			self.State("accepting, after a failure")
			self.Note("failure", err)
			if err := self.Sleep(pause); err != nil {
				return err
			}
			pause = min(2*pause, acceptPauseMax)
			continue
		}
		if pause != acceptPause {
			pause = acceptPause
			self.State("accepting")
		}
		if err := l.s.box.Load().Put(self, arrived{link}); err != nil {
			link.Close()
			return err
		}
	}
}

// withPort replaces a port 0 of the address asked for by the one that was found,
// so that a listener that starts again keeps its port.
func withPort(at, found ma.Multiaddr) ma.Multiaddr {
	out := make(ma.Multiaddr, len(at))
	for i, part := range at {
		out[i] = part
		code := part.Protocol().Code
		if (code != ma.P_TCP && code != ma.P_UDP && code != ma.P_MEMORY) || part.Value() != "0" {
			continue
		}
		for _, real := range found {
			if real.Protocol().Code == code {
				out[i] = real
				break
			}
		}
	}
	return out
}
