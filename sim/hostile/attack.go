package hostile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/noise"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/negotiate/plaintext"
	"github.com/troupe-p2p/troupe/transport/mem"
)

const (
	// usualPatience is [Target].Patience where nothing else is said.
	usualPatience = 2 * time.Second
	// aFlood is how many bytes a flood has, and anOcean how many it has that only
	// ends when all buffers on the way to somebody who does not read are full.
	aFlood, anOcean = 1 << 20, 16 << 20
)

// A Target is whom to attack.
type Target struct {
	// Dial opens a raw link to the host: net.Dialer.DialContext over real TCP,
	// a sim.Transport in a simulation. The attack closes it.
	Dial func(ctx context.Context) (net.Conn, error)
	// Security is the channel to come in by when the case does not say:
	// noise.ID (also when empty) or plaintext.ID.
	Security negotiate.Protocol
	// Patience is how long a host is given, after what the case allows, to end a
	// connection, and how long it is watched for ending one that it should not; 0
	// means 2 s.
	Patience time.Duration
}

// An Outcome is what an attacker has seen.
type Outcome struct {
	// Ended: the host has ended the connection.
	Ended bool
	// How is what the attacker's last read ended with.
	How error
	// Took is how long the connection lasted, at most until the attacker was done
	// and had waited a little.
	Took time.Duration
	// Sent is how many bytes went out, as frames or lines and not as records.
	Sent int64
	// Heard is what came back, in bytes, and of that Resets how many streams were
	// reset.
	Heard  int64
	Resets int
}

// An attack is one attacker and its connection.
type attack struct {
	*actor.Self
	target Target
	raw    net.Conn
	pipe   net.Conn // raw, or what was made of it
	frames framer   // of the muxer, once there is one
	over   bool     // a write has failed: the host does not listen any more
	sent   int64
	reads  *reads
}

// Play plays the attacker of a case as a child of parent, and waits until it is
// done and has left. It takes at most what the case allows and a few seconds of
// the actor's clock. Its keys and whatever is random come from the actor.
//
// Error: the attack could not be made, because the host cannot be dialed or does
// not speak what the case needs.
func Play(parent *actor.Self, c Case, t Target) (o Outcome, err error) {
	ref := parent.Supervise("attack", actor.Restart{}, func(self *actor.Self) error {
		o, err = play(self, c, t)
		return nil
	})
	if wait := ref.Wait(parent); wait != nil {
		return o, wait
	}
	if err == nil {
		err = ref.Err()
	}
	return o, err
}

func play(self *actor.Self, c Case, t Target) (Outcome, error) {
	if c.Security != "" {
		t.Security = c.Security
	}
	raw, err := t.Dial(self)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: dial: %w", c.Name, err)
	}
	self.OnEnd(func() { raw.Close() })
	self.OnStop(func() { raw.Close() })
	a := &attack{Self: self, target: t, raw: raw, pipe: raw}
	began := self.Now()
	// Nothing here waits for ever, whatever the host does.
	raw.SetDeadline(began.Add(c.Good.Within + t.Patience + time.Minute))
	if c.Muxer != "" {
		err = a.mux(c.Muxer)
	}
	if err == nil {
		err = c.play(a)
	}
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", c.Name, err)
	}
	a.read()
	wait := t.Patience
	if wait == 0 {
		wait = usualPatience
	}
	if c.Good.Does == EndsConnection || c.Good.Does == EndsStream {
		wait += c.Good.Within
	}
	raw.SetReadDeadline(self.Now().Add(wait))
	cause := a.reads.over.Wait(self)
	if self.Err() != nil {
		return Outcome{}, context.Cause(self)
	}
	o := Outcome{
		Ended: !errors.Is(cause, os.ErrDeadlineExceeded), How: cause, Took: self.Now().Sub(began),
		Sent: a.sent, Heard: a.reads.bytes, Resets: a.reads.heard.resets,
	}
	return o, nil
}

// gone reports whether an error is the end of a pipe.
func gone(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, mem.ErrReset)
}

// say writes bytes, unless the host has hung up.
func (a *attack) say(p ...byte) {
	if a.over || len(p) == 0 {
		return
	}
	n, err := a.pipe.Write(p)
	a.sent += int64(n)
	a.over = err != nil
}

// flood says one thing after the other until the host hangs up, takes nothing for
// a second, or has been sent enough.
func (a *attack) flood(enough int64, next func(i int) []byte) {
	var batch []byte
	for i := 0; !a.over && a.sent < enough; {
		for batch = batch[:0]; len(batch) < 4<<10; i++ {
			batch = append(batch, next(i)...)
		}
		a.raw.SetWriteDeadline(a.Now().Add(time.Second))
		a.say(batch...)
	}
}

// trickle says a byte each second.
func (a *attack) trickle(p []byte) {
	for i := 0; i < len(p) && !a.over; i++ {
		a.say(p[i])
		if a.Sleep(time.Second) != nil {
			return
		}
	}
}

// propose agrees on a protocol with multistream-select.
func (a *attack) propose(p negotiate.Protocol) error {
	_, err := negotiate.Dial(a.pipe, p)
	return err
}

// secure gets past the security channel, as whoever holds the key.
func (a *attack) secure(key peer.Key) error {
	var s negotiate.Security
	switch a.target.Security {
	case "", noise.ID:
		s = noise.New(key)
	case plaintext.ID:
		s = plaintext.New(key)
	default:
		return fmt.Errorf("the attacker does not speak %s", a.target.Security)
	}
	if err := a.propose(s.Protocol()); err != nil {
		return err
	}
	pipe, err := s.Secure(a, a.pipe, negotiate.Dialer, "")
	if err != nil {
		return err
	}
	a.pipe = pipe
	return nil
}

// enter secures the connection with a key of the attacker's own.
func (a *attack) enter() error {
	key, err := peer.Generate(actor.Entropy(a))
	if err != nil {
		return err
	}
	return a.secure(key)
}

// mux goes as far as an open connection.
func (a *attack) mux(m negotiate.Protocol) error {
	if err := a.enter(); err != nil {
		return err
	}
	if err := a.propose(m); err != nil {
		return err
	}
	a.frames = framerOf(m)
	return nil
}
