package stream

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
)

// Config is what a stream is made of.
type Config struct {
	// Body carries its bytes.
	Body Body
	// Peer is the remote end.
	Peer peer.ID
	// Role is Dialer for a stream that was opened here.
	Role negotiate.Role
	// Local and Remote are the addresses of its connection, without /p2p.
	Local, Remote ma.Multiaddr

	// Want are the protocols to propose, best first (dialer).
	Want []negotiate.Protocol
	// Pending is the offer that was made already, for a lazily opened stream.
	Pending *negotiate.Pending
	// Routes says who serves what (listener).
	Routes Routes

	// Negotiate is how long the protocol's negotiation may take; 0 means 10 s,
	// as go, js and py have it.
	Negotiate time.Duration
	// Linger is how long the remote may take to close its half after both of
	// ours are closed; 0 means 5 s.
	Linger time.Duration
	// Grace is how long a handler that was told to end may take; 0 means
	// [actor.DefaultGrace].
	Grace time.Duration

	// Ended, if not nil, is called when the body of the stream's actor has ended;
	// it must not wait.
	Ended func()
}

// messageKind is what the actor of a stream hears.
type messageKind uint8

const (
	saidCloseWrite messageKind = iota // the holder, by CloseWrite
	saidCloseRead                     // the holder, by CloseRead
	saidClose                         // the holder, by Close: both
	saidReset                         // the holder, by Reset; code
	remoteClosed                      // the connection: the remote's half is closed
	remoteReset                       // the connection: reset by the remote or by the muxer
	connectionGone                    // the connection has ended
	handlerOver                       // the runtime: the handler's actor has ended
	lingerOver                        // the runtime: the deadline has come
	toldToStop                        // the runtime
	messageKinds
)

// message is the one message type of a stream's actor. If one were lost, the
// stream would stay half open until its connection ends.
type message struct {
	kind messageKind
	code uint32
}

// A Notice is what the connection tells a stream; it never waits.
type Notice uint8

const (
	// Closed: the remote closed its half.
	Closed Notice = iota
	// Reset: the stream was reset by the remote or by the muxer's policy.
	Reset
	// Gone: the connection has ended.
	Gone
)

// New makes the handle of a stream whose actor runs [Stream.Run]. ctx belongs to
// the tree in which that will be.
func New(ctx context.Context, c Config) *Stream {
	conv := &conversation{body: c.Body, peer: c.Peer, role: c.Role, local: c.Local, remote: c.Remote}
	conv.agreed = actor.NewPromise(ctx, "the remote's answer to the proposal")
	if c.Pending != nil {
		conv.lazily = c.Pending.Protocol()
	}
	return &Stream{conversation: conv, ctx: actor.Outside(ctx)}
}

// Notify tells the stream's actor what happened to it on the wire. It is called
// by the connection, which never waits.
func (s *Stream) Notify(n Notice) {
	kind := [...]messageKind{Closed: remoteClosed, Reset: remoteReset, Gone: connectionGone}[n]
	s.post(message{kind: kind})
}

// Run is the body of the stream's actor: it negotiates the protocol, supervises
// the handler and turns its end into the wire's words. c is Run's from here on.
func (s *Stream) Run(self *actor.Self, c *Config) error {
	a := &streamActor{self: self, s: s, config: c, grace: c.Grace, ended: c.Ended}
	a.do = a.room[:0]
	a.life = lifeMachine{inbound: c.Role == negotiate.Listener, linger: orElse(c.Linger, 5*time.Second)}
	return a.run()
}

func orElse(d, otherwise time.Duration) time.Duration {
	if d == 0 {
		return otherwise
	}
	return d
}

// streamActor carries out what the life machine decides.
type streamActor struct {
	self    *actor.Self
	s       *Stream
	config  *Config // until the protocol is agreed
	grace   time.Duration
	ended   func()
	life    lifeMachine
	box     *actor.Mailbox[message]
	linger  *actor.Alarm[message]
	route   *Route
	handler *actor.Ref
	outcome lifeEvent // of the handler, noted by itself
	do      []lifeEffect
	room    [3]lifeEffect // the first of do
	over    bool
}

func (a *streamActor) run() error {
	a.box = actor.NewMailbox(a.self, int(messageKinds), actor.StopAs(message{kind: toldToStop}))
	a.self.OnEnd(a.cleanUp)
	a.self.State("negotiating")
	a.self.Gauges((*gauges)(a.s.conversation))
	negotiated := a.negotiate()
	a.config = nil // only the negotiation needed it
	a.openBox()
	a.step(negotiated)
	return a.box.Serve(a.next(), a.heard)
}

// heard serves one message. A stream has little to say to its actor, which rests
// in between.
func (a *streamActor) heard(m message) (actor.Next, error) {
	switch m.kind {
	case saidClose:
		a.step(lifeEvent{kind: lifeCloseWrite})
		m.kind = saidCloseRead
	case handlerOver:
		if a.s.serve(false) {
			a.step(lifeEvent{kind: lifeRemoteClosed})
		}
	}
	a.step(a.event(m))
	return a.next(), nil
}

// next sets the alarm to the life's deadline, and rests, but for the bounded time
// of a stream that is closed here. It is not done by step: a timer takes much
// stack.
//
//go:noinline
func (a *streamActor) next() actor.Next {
	at := a.life.Deadline()
	if a.linger == nil && !at.IsZero() {
		a.linger = actor.NewAlarm(a.self, a.box, message{kind: lingerOver})
	}
	if a.linger != nil {
		a.linger.Set(at)
	}
	switch {
	case a.over:
		return actor.Over
	case at.IsZero():
		return actor.Rest
	}
	return actor.Stay
}

// gauges are what the tree shows of a stream.
type gauges conversation

func (g *gauges) Gauges(show func(key string, value int64)) {
	show("read", g.in.Load())
	show("written", g.out.Load())
}

// openBox lets in what was said before the actor could hear it.
func (a *streamActor) openBox() {
	a.s.mu.Lock()
	defer a.s.mu.Unlock()
	a.s.box = a.box
	for _, m := range a.s.early {
		a.box.TryPut(m)
	}
	a.s.early = nil
}

func (a *streamActor) event(m message) lifeEvent {
	switch m.kind {
	case saidCloseWrite:
		return lifeEvent{kind: lifeCloseWrite}
	case saidCloseRead:
		return lifeEvent{kind: lifeCloseRead}
	case saidReset:
		return lifeEvent{kind: lifeReset, code: m.code}
	case remoteClosed:
		return lifeEvent{kind: lifeRemoteClosed}
	case remoteReset:
		return lifeEvent{kind: lifeRemoteReset}
	case connectionGone:
		return lifeEvent{kind: lifeGone}
	case handlerOver:
		return a.outcome
	case lingerOver:
		a.linger.Rearm()
		return lifeEvent{kind: lifeTick}
	case toldToStop:
		return lifeEvent{kind: lifeStop}
	case saidClose, messageKinds: // the former is two events, see run
	}
	panic("stream: unknown message")
}

// step feeds the machine one event and carries out all its effects.
func (a *streamActor) step(ev lifeEvent) {
	a.do = a.life.Step(a.self.Now(), ev, a.do[:0])
	for _, e := range a.do {
		switch e.kind {
		case lifeStartHandler:
			a.startHandler()
		case lifeDoCloseWrite:
			a.s.writeClosed.Store(true)
			a.s.body.CloseWrite()
		case lifeDoCloseRead:
			a.s.readClosed.Store(true)
			a.s.body.CloseRead()
		case lifeDoReset:
			a.s.writeClosed.Store(true)
			a.s.body.Reset(e.code)
		case lifeCutHandler:
			a.handler.Stop(a.why())
		case lifeEnd:
			a.over = true
		}
	}
}

// why is the reason that a handler is told to end with: what its reads would say.
func (a *streamActor) why() error {
	if _, err := a.s.body.Read(a.self, nil); err != nil {
		return err
	}
	return &ResetError{Rule: "the stream has ended"}
}

// cleanUp runs when the body has returned, however it did.
func (a *streamActor) cleanUp() {
	if a.route != nil {
		a.route.leave(a.self.Ref())
	}
	if a.config != nil {
		a.s.settle("", &NegotiationError{Peer: a.s.peer, Wanted: a.config.Want, Cause: actor.ErrStopped})
	}
	if !a.over {
		a.s.body.Reset(CodeNone)
	}
	a.s.end()
	if a.life.inbound || a.s.readClosed.Load() {
		a.s.drop()
	}
	if a.ended != nil {
		a.ended()
	}
}

// startHandler starts the protocol's handler as a child, so that a panic in it
// ends there.
func (a *streamActor) startHandler() {
	a.s.serve(true)
	a.outcome = lifeEvent{kind: lifeHandlerOver, outcome: outcomeFailed}
	handle := a.route.Handler
	a.handler = a.self.Supervise("handler", actor.Restart{Grace: a.grace, Brief: true}, func(self *actor.Self) error {
		err := handle(self, a.s.WithContext(self))
		var refused *refusal
		switch {
		case err == nil:
			a.outcome.outcome = outcomeDone
		case errors.As(err, &refused):
			a.outcome.outcome, a.outcome.code = outcomeRefused, refused.code
			return nil
		case self.Err() != nil:
			a.outcome.outcome = outcomeInterrupted
		}
		return err
	})
	actor.Watch(a.box, a.handler, func(error) message { return message{kind: handlerOver} })
}

// negotiate agrees on the protocol, as the first phase of the actor's life.
func (a *streamActor) negotiate() lifeEvent {
	if a.self.Err() != nil {
		return lifeEvent{kind: lifeStop}
	}
	// The deadlines are the body's, which costs nothing unless somebody waits. Of a
	// lazily opened stream the user has the handle already, but nothing is written.
	limit := a.self.Now().Add(orElse(a.config.Negotiate, 10*time.Second))
	a.s.body.SetReadDeadline(limit)
	lazily := a.config.Pending != nil
	if !lazily {
		a.s.body.SetWriteDeadline(limit)
	}
	wire := bodyPipe{a.self, a.s.body}
	var protocol negotiate.Protocol
	var err error
	switch {
	case a.config.Role == negotiate.Listener:
		protocol, err = negotiate.Listen(wire, a.supports, a.config.Routes.Protocols)
	case lazily:
		protocol, err = a.config.Pending.Protocol(), a.config.Pending.Confirm(wire)
	default:
		protocol, err = negotiate.Dial(wire, a.config.Want...)
	}
	a.config.Pending = nil
	if !lazily {
		a.s.body.SetWriteDeadline(time.Time{}) // before somebody hears of the outcome and sets another
	}
	if err != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
	}
	if err == nil && a.config.Role == negotiate.Listener && !a.enterRoute(protocol) {
		err = &ResetError{Code: CodeShutdown, Rule: "the protocol's owner has just ended"}
	}
	if err != nil {
		err = &NegotiationError{Peer: a.s.peer, Wanted: a.config.Want, Cause: err}
		a.s.settle("", err)
		a.self.Note("refused", err)
		return lifeEvent{kind: lifeFailed, code: CodeNegotiationFailed}
	}
	a.self.State(string(protocol))
	a.s.settle(protocol, nil)
	return lifeEvent{kind: lifeAgreed}
}

func (a *streamActor) supports(p negotiate.Protocol) bool { return a.config.Routes.Find(p) != nil }

func (a *streamActor) enterRoute(p negotiate.Protocol) bool {
	a.route = a.config.Routes.Find(p)
	return a.route != nil && a.route.enter(a.self.Ref())
}

// bodyPipe is a body under one context, as the negotiation's driver wants it.
type bodyPipe struct {
	ctx  context.Context
	body Body
}

func (b bodyPipe) Read(p []byte) (int, error)  { return b.body.Read(b.ctx, p) }
func (b bodyPipe) Write(p []byte) (int, error) { return b.body.Write(b.ctx, p) }

// Buffered is how many bytes wait to be read, so that the driver can put its
// answer and the header before it into one write.
func (b bodyPipe) Buffered() int {
	if waiting, ok := b.body.(interface{ Buffered() int }); ok {
		return waiting.Buffered()
	}
	return 0
}
