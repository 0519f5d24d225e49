package conn

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/muxer"
	"github.com/troupe-p2p/troupe/negotiate"
)

// upgraded is what an upgrade ends in.
type upgraded struct {
	raw      *rawPipe // below the security channel
	pipe     negotiate.Secured
	security negotiate.Protocol
	muxer    muxer.Factory
}

// upgrade turns the link into a secured and multiplexed pipe, under one
// deadline. Its waits are those of the pipe, which the deadline and Close end.
func (c *Conn) upgrade(ctx context.Context) (upgraded, error) {
	raw := c.config.Link.Pipe
	counted := newRawPipe(raw)
	raw.SetDeadline(actor.Now(ctx).Add(c.config.Upgrade))
	failed := func(stage Stage, err error) (upgraded, error) {
		return upgraded{}, &UpgradeError{
			Stage: stage, Remote: c.config.Link.Remote, Want: c.config.Want,
			Received: counted.received.Load(), Cause: err,
		}
	}
	role := c.config.Role
	security, err := c.chooseSecurity(counted, role)
	if err != nil {
		return failed(StageNegotiateSecurity, err)
	}
	// What is registered with a context stays with it for as long as it lives, and
	// the end of this one closes the link anyway.
	secured, err := security.Secure(context.WithoutCancel(ctx), counted, role, c.config.Want)
	if err != nil {
		return failed(StageSecure, err)
	}
	chosen, err := c.chooseMuxer(secured, role)
	if err == nil {
		err = secured.SetDeadline(noDeadline)
	}
	if err != nil {
		secured.Close() // it may hold buffers
		return failed(StageNegotiateMuxer, err)
	}
	counted.opened()
	return upgraded{counted, secured, security.Protocol(), chosen}, nil
}

func (c *Conn) chooseSecurity(pipe net.Conn, role negotiate.Role) (negotiate.Security, error) {
	names := make([]negotiate.Protocol, len(c.config.Security))
	for i, s := range c.config.Security {
		names[i] = s.Protocol()
	}
	name, err := agree(pipe, role, names)
	if err != nil {
		return nil, err
	}
	for _, s := range c.config.Security {
		if s.Protocol() == name {
			return s, nil
		}
	}
	return nil, &negotiate.RefusedError{Wanted: names}
}

func (c *Conn) chooseMuxer(pipe negotiate.Secured, role negotiate.Role) (muxer.Factory, error) {
	names := make([]negotiate.Protocol, len(c.config.Muxers))
	for i, m := range c.config.Muxers {
		names[i] = m.Protocol
	}
	name, err := pipe.Muxer(), error(nil)
	if name == "" {
		name, err = agree(pipe, role, names)
	}
	if err != nil {
		return muxer.Factory{}, err
	}
	for _, m := range c.config.Muxers {
		if m.Protocol == name {
			return m, nil
		}
	}
	return muxer.Factory{}, &negotiate.RefusedError{Wanted: names}
}

// agree runs multistream-select for one of the names.
func agree(pipe net.Conn, role negotiate.Role, names []negotiate.Protocol) (negotiate.Protocol, error) {
	if role == negotiate.Dialer {
		return negotiate.Dial(pipe, names...)
	}
	supports := func(p negotiate.Protocol) bool {
		for _, name := range names {
			if name == p {
				return true
			}
		}
		return false
	}
	return negotiate.Listen(pipe, supports, func() []negotiate.Protocol { return names })
}

// countingPipe counts what came from the remote until the connection is open, so
// that a failed upgrade can say whether anybody was there. Until then it also
// reads ahead: an upgrade reads lines and messages of a few bytes, a byte at a
// time where it must not read too far, and each would be a system call.
type countingPipe struct {
	net.Conn
	received atomic.Int64
	open     atomic.Bool

	// What was read ahead belongs to the reading goroutine, as Read does.
	room *[readAhead]byte
	held []byte
}

// readAhead holds what a remote says at once in an upgrade with Noise.
const readAhead = 512

func (p *countingPipe) Read(b []byte) (int, error) {
	if len(p.held) > 0 {
		return p.take(b), nil
	}
	if p.open.Load() {
		return p.Conn.Read(b)
	}
	if len(b) >= readAhead || len(b) == 0 {
		n, err := p.Conn.Read(b)
		p.received.Add(int64(n))
		return n, err
	}
	if p.room == nil {
		p.room = new([readAhead]byte)
	}
	n, err := p.Conn.Read(p.room[:])
	p.received.Add(int64(n))
	if n == 0 {
		return 0, err
	}
	p.held = p.room[:n]
	return p.take(b), nil // an error comes again when what was read is taken
}

// take moves what was read ahead to b. The room goes with the last of it when
// the connection is open.
func (p *countingPipe) take(b []byte) int {
	n := copy(b, p.held)
	p.held = p.held[n:]
	if len(p.held) == 0 && p.open.Load() {
		p.held, p.room = nil, nil
	}
	return n
}

// ReadByte and Buffered are what [negotiate.Dial] and [negotiate.Listen] ask for.
func (p *countingPipe) ReadByte() (byte, error) {
	var b [1]byte
	for {
		if n, err := p.Read(b[:]); n > 0 || err != nil {
			return b[0], err
		}
	}
}

// Buffered is how many bytes can be read without waiting.
func (p *countingPipe) Buffered() int { return len(p.held) }

// opened ends the reading ahead.
func (p *countingPipe) opened() {
	p.open.Store(true)
	if len(p.held) == 0 {
		p.held, p.room = nil, nil
	}
}
