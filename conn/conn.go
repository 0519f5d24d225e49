package conn

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// A Conn is an authenticated, multiplexed connection with one peer. Its methods
// may be called from any goroutine.
type Conn struct {
	config   Config
	ref      *actor.Ref
	upgraded upgraded
	opened   time.Time
	inbox    *actor.Mailbox[message]
	end      error // for Config.Down; the actor's own

	received, sent atomic.Int64 // bytes on the secured pipe
	streams        atomic.Int64
	upgrading      atomic.Bool
	reason         atomic.Pointer[CloseError]
	known          atomic.Pointer[[]negotiate.Protocol]
}

var noDeadline time.Time

// Start starts the actor of a connection as a temporary child of parent: first
// it upgrades the link, then it is the connection. c.Up and c.Down tell how that
// went.
func Start(parent *actor.Self, name string, c Config) *actor.Ref {
	c.setDefaults()
	conn := &Conn{config: c}
	conn.upgrading.Store(true)
	return parent.Supervise(name, actor.Restart{Grace: c.Drain + time.Second}, conn.run)
}

// run is the body of the connection's actor. What happens once is in calls that
// have returned when it waits, so that an idle connection needs little stack.
func (c *Conn) run(self *actor.Self) error {
	engine, err := c.begin(self)
	if engine == nil {
		return err
	}
	return engine.run()
}

// begin upgrades the link and makes the engine. Without one, the connection has
// come to nothing, for the reason in c.end.
func (c *Conn) begin(self *actor.Self) (*core, error) {
	c.ref, c.end = self.Ref(), ErrFailed
	self.OnEnd(func() {
		if c.upgraded.pipe != nil {
			c.upgraded.pipe.Close()
		}
		c.config.Link.Close()
		c.config.Down(c.end)
	})
	self.OnStop(func() {
		if c.upgrading.Load() {
			c.config.Link.Close()
		}
	})
	self.State("securing")
	self.Note("remote", c.config.Link.Remote)
	up, err := c.upgrade(self)
	if err != nil {
		if self.Err() != nil {
			err = context.Cause(self)
		}
		c.end = err
		return nil, nil // a link that came to nothing is no failure of the node
	}
	c.upgraded = up
	c.upgrading.Store(false)
	if self.Err() != nil {
		c.end = context.Cause(self)
		return nil, c.end
	}
	self.NeverWaits()
	self.State("open")
	self.Note("peer", up.pipe.Peer().Short())
	self.Note("with", string(up.security)+" "+string(up.muxer.Protocol))
	self.Gauge("received", c.received.Load)
	self.Gauge("sent", c.sent.Load)
	self.Gauge("streams", c.streams.Load)
	c.opened = self.Now()
	return newCore(self, c), nil
}

// setReason notes why the connection ended; the first reason stays.
func (c *Conn) setReason(cause error) *CloseError {
	c.reason.CompareAndSwap(nil, c.closed(cause))
	return c.reason.Load()
}

// replaceReason puts a better reason in the place of one that was noted before.
func (c *Conn) replaceReason(old *CloseError, cause error) {
	c.reason.CompareAndSwap(old, c.closed(cause))
}

func (c *Conn) closed(cause error) *CloseError {
	if errors.Is(cause, io.EOF) {
		cause = ErrRemoteClosed
	}
	return &CloseError{Peer: c.Peer(), Cause: cause}
}

// Open opens a stream and proposes the protocols in order. It waits until the
// remote has agreed to one, or ctx ends; with lazy set, which takes exactly one
// protocol, it does not wait for the remote: the first read finds out.
//
// Errors: a [*stream.NegotiationError] when the remote supports none of them,
// [ErrGoingAway], [ErrTooManyStreams], a [*CloseError] when the connection has
// ended, the cause of ctx.
func (c *Conn) Open(ctx context.Context, lazy bool, want ...negotiate.Protocol) (*stream.Stream, error) {
	request := openRequest{want: want}
	if lazy && len(want) == 1 {
		var first firstBytes
		pending, err := negotiate.OfferLazily(&first, want[0])
		if err != nil {
			return nil, err
		}
		request.pending, request.first = pending, first
	}
	s, err := actor.Call(ctx, c.inbox, wrapOpen, request)
	if err != nil {
		return nil, c.explain(err)
	}
	if request.pending == nil {
		if err := s.Agreed(ctx); err != nil {
			if ctx.Err() != nil { // otherwise the stream has reset itself, and said why
				s.Reset(stream.CodeNone)
			}
			return nil, err
		}
	}
	return s, nil
}

func wrapOpen(ask actor.Ask[openRequest, *stream.Stream]) message {
	return message{kind: open, ref: &openAsk{ask}}
}

// explain replaces the runtime's word for an actor that has ended.
func (c *Conn) explain(err error) error {
	var gone *actor.GoneError
	if errors.As(err, &gone) {
		if reason := c.reason.Load(); reason != nil {
			return reason
		}
		return &CloseError{Peer: c.Peer(), Cause: ErrGoingAway}
	}
	return err
}

// firstBytes gathers what goes out ahead of the user's bytes.
type firstBytes []byte

func (f *firstBytes) Write(p []byte) (int, error) {
	*f = append(*f, p...)
	return len(p), nil
}

// Close tells the connection to end in order, and does not wait: its streams'
// handlers are told, what they wrote is sent, then the link is closed. A nil
// cause stands for [actor.ErrStopped].
func (c *Conn) Close(cause error) { c.ref.Stop(cause) }

// Wait blocks until the connection's actor has ended, with its streams, or ctx
// is done (its cause).
func (c *Conn) Wait(ctx context.Context) error { return c.ref.Wait(ctx) }

// Err is why the connection ended, a [*CloseError]; nil while it is open.
func (c *Conn) Err() error {
	if reason := c.reason.Load(); reason != nil {
		return reason
	}
	return nil
}

// Peer is the proven ID of the remote end.
func (c *Conn) Peer() peer.ID { return c.upgraded.pipe.Peer() }

// Key is the remote end's public key.
func (c *Conn) Key() peer.PublicKey { return c.upgraded.pipe.Key() }

// Role is Dialer when this end opened the connection.
func (c *Conn) Role() negotiate.Role { return c.config.Role }

// Local and Remote are the addresses of the link, without /p2p.
func (c *Conn) Local() ma.Multiaddr { return c.config.Link.Local }

// Remote is the remote address of the link, without /p2p.
func (c *Conn) Remote() ma.Multiaddr { return c.config.Link.Remote }

// Security and Muxer are what was agreed.
func (c *Conn) Security() negotiate.Protocol { return c.upgraded.security }

// Muxer is the muxer that was agreed.
func (c *Conn) Muxer() negotiate.Protocol { return c.upgraded.muxer.Protocol }

// Opened is when the upgrade was complete.
func (c *Conn) Opened() time.Time { return c.opened }

// Streams is how many streams are open now.
func (c *Conn) Streams() int { return int(c.streams.Load()) }

// Received and Sent count the bytes of the muxer on the secured pipe.
func (c *Conn) Received() int64 { return c.received.Load() }

// Sent counts the bytes of the muxer written to the secured pipe.
func (c *Conn) Sent() int64 { return c.sent.Load() }

// SetKnown notes which protocols the remote has said it supports (identify).
func (c *Conn) SetKnown(protocols []negotiate.Protocol) { c.known.Store(&protocols) }

// Known returns what SetKnown noted, nil before.
func (c *Conn) Known() []negotiate.Protocol {
	if p := c.known.Load(); p != nil {
		return *p
	}
	return nil
}

// Knows reports whether the remote has said that it supports p.
func (c *Conn) Knows(p negotiate.Protocol) bool { return slices.Contains(c.Known(), p) }
