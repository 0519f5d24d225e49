package host

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host/identify"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/stream"
)

func TestAConnectedPeerIsAlreadyKnown(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.meeting(Listen("/memory/0"))
		w.must(b.Handle(b.Self(), echoID, echo))
		w.must(a.Connect(w.ctx, b.Info()))
		if !a.Swarm().Conn(b.ID()).Knows(echoID) {
			t.Error("Connect returned before the peer was known")
		}
	})
}

func TestOpenWithoutAConnectionMeetsThePeerFirst(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.meeting(Listen("/memory/0"))
		w.must(b.Handle(b.Self(), echoID, echo))
		w.must(a.Swarm().Book().Learn(w.ctx, b.Info(), time.Hour))
		s, err := a.Open(w.ctx, b.ID(), echoID)
		w.must(err)
		if !a.Swarm().Conn(b.ID()).Knows(echoID) {
			t.Error("Open returned before the peer was known")
		}
		w.must(talk(s.WithContext(w.ctx), "hello"))
	})
}

func TestTheListenerOpensNothingBeforeItKnowsThePeer(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.meeting(Listen("/memory/0"))
		w.must(a.Handle(a.Self(), echoID, echo))
		_, err := a.Swarm().Connect(w.ctx, b.Info()) // does not wait until they have met
		w.must(err)
		for !b.Swarm().Connected(a.ID()) {
			w.sleep(time.Millisecond)
		}
		s, err := b.Open(w.ctx, a.ID(), echoID)
		w.must(err)
		if !b.Swarm().Conn(a.ID()).Knows(echoID) {
			t.Error("Open returned before the peer was known")
		}
		w.must(talk(s.WithContext(w.ctx), "hello"))
	})
}

func TestAPeerWithoutIdentifyHoldsNobodyUp(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.echoing()
		began := actor.Now(w.ctx)
		w.must(a.Connect(w.ctx, b.Info()))
		s, err := a.Open(w.ctx, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.ctx), "hello"))
		if took := actor.Now(w.ctx).Sub(began); took > time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAPeerThatDoesNotSayWhoItIsCanBeTalkedTo(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.silent()
		w.must(b.Handle(b.Self(), echoID, echo))
		began := actor.Now(w.ctx)
		w.must(a.Connect(w.ctx, b.Info()))
		if took := actor.Now(w.ctx).Sub(began); took != identify.Timeout {
			t.Errorf("Connect took %v and waits for identify, %v", took, identify.Timeout)
		}
		s, err := a.Open(w.ctx, b.ID(), echoID)
		w.must(err)
		w.must(talk(s.WithContext(w.ctx), "hello"))
		if took := actor.Now(w.ctx).Sub(began); took != identify.Timeout {
			t.Errorf("Open waited again, until %v", took)
		}
	})
}

func TestConnectEndsWithItsContextWhileItMeetsThePeer(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.silent()
		ctx, cancel := actor.WithTimeout(w.ctx, time.Second)
		defer cancel()
		if err := a.Connect(ctx, b.Info()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Connect returned %v", err)
		}
		if _, err := a.Open(ctx, b.ID(), echoID); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Open returned %v", err)
		}
		if !a.Swarm().Connected(b.ID()) {
			t.Error("the connection did not outlive the wait")
		}
	})
}

func TestConnectSaysWhyTheConnectionEndedWhileItMetThePeer(t *testing.T) {
	both(t, func(w *world) {
		var pipe io.Closer
		a := w.meeting(NoListen(), Security(func(k peer.Key) negotiate.Security {
			return tapped{plaintext.New(k), &pipe}
		}))
		b := w.host(Listen("/memory/0"))
		w.must(b.Handle(b.Self(), identify.ID, func(self *actor.Self, s *stream.Stream) error {
			pipe.Close()
			_, err := s.WithContext(self).Read(make([]byte, 1))
			return err
		}))
		var closed *conn.CloseError
		if err := a.Connect(w.ctx, b.Info()); !errors.As(err, &closed) || closed.Peer != b.ID() {
			t.Errorf("Connect returned %v", err)
		}
	})
}

// tapped is a security channel whose last pipe is known.
type tapped struct {
	negotiate.Security
	pipe *io.Closer
}

func (t tapped) Secure(ctx context.Context, raw net.Conn, role negotiate.Role, want peer.ID) (negotiate.Secured, error) {
	*t.pipe = raw
	return t.Security.Secure(ctx, raw, role, want)
}

func TestManyMayMeetOnePeerAtOnce(t *testing.T) {
	both(t, func(w *world) {
		a, b := w.meeting(NoListen()), w.meeting(Listen("/memory/0"))
		w.must(b.Handle(b.Self(), echoID, echo))
		w.must(a.Swarm().Book().Learn(w.ctx, b.Info(), time.Hour))
		w.must(actor.Run(w.ctx, "talkers", func(self *actor.Self) error {
			for range 20 {
				self.Go("talker", func(self *actor.Self) error {
					s, err := a.Open(self, b.ID(), echoID)
					if err != nil {
						return err
					}
					return talk(s.WithContext(self), "hello")
				})
			}
			return nil
		}))
		if n := len(a.Swarm().Conns(b.ID())); n != 1 {
			t.Errorf("%d connections", n)
		}
	})
}

// silent is a host that takes the question of identify and says nothing.
func (w *world) silent() *Host {
	h := w.host(Listen("/memory/0"))
	w.must(h.Handle(h.Self(), identify.ID, func(self *actor.Self, s *stream.Stream) error {
		_, err := s.WithContext(self).Read(make([]byte, 1))
		return err
	}))
	if !slices.Contains(h.Swarm().Protocols(), identify.ID) {
		w.Fatal("identify is not among the protocols")
	}
	return h
}
