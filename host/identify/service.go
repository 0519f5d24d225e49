package identify

import (
	"context"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/host/swarm"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/stream"
)

// Timeout is how long a peer may take to say what it has to say, negotiation
// included, where [Options] say nothing else: as in go and js.
const Timeout = 5 * time.Second

// inboxLimit is how many messages may wait for the service.
const inboxLimit = 256

// Options are how a service differs from the usual one.
type Options struct {
	// Agent is the name and version of the program, as others see it: at most
	// 128 bytes; empty means troupe and its version.
	Agent string
	// Timeout bounds each exchange with a peer; 0 means [Timeout].
	Timeout time.Duration
}

// A Service tells peers about this host and learns about them. Its methods may
// be called from any goroutine.
type Service struct {
	swarm   *swarm.Swarm
	agent   string
	timeout time.Duration

	box    atomic.Pointer[actor.Mailbox[message]]
	speech atomic.Pointer[speech]
	opened opened
	known  sync.Map // peer.ID to *Info: read by all, written by the service's actor

	faults, ignored, told atomic.Int64
}

// New returns the service of a swarm. It does nothing until an actor runs
// [Service.Run].
func New(s *swarm.Swarm, o Options) *Service {
	i := &Service{swarm: s, agent: o.Agent, timeout: o.Timeout}
	if i.agent == "" {
		i.agent = "troupe/" + version()
	}
	if i.timeout == 0 {
		i.timeout = Timeout
	}
	return i
}

// Start runs the service of a swarm as a child of parent named "identify", and
// waits until it serves. It is started again when it fails; after five failures
// in a minute it stays down. Errors: why it could not begin, for example a
// [*swarm.ProtocolTakenError] when the swarm has such a service; parent's cause
// when parent ends first.
func Start(parent *actor.Self, s *swarm.Swarm, o Options) (*Service, error) {
	i := New(s, o)
	r := actor.Restart{When: actor.OnFailure, Backoff: 100 * time.Millisecond, Optional: true}
	if err := parent.SuperviseReady("identify", r, i.run); err != nil {
		return nil, err
	}
	return i, nil
}

// version is that of this module in the program.
func version() string {
	const module = "github.com/troupe-p2p/troupe"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == module && m.Version != "" && m.Version != "(devel)" {
			return m.Version
		}
	}
	return "devel"
}

// Known is what a connected peer has said of itself, as far as this service has
// heard. It does not wait; ok is false when nothing is known (yet), see
// [Service.Wait]. The Info must not be changed.
func (i *Service) Known(id peer.ID) (info *Info, ok bool) {
	v, ok := i.known.Load(id)
	if !ok {
		return nil, false
	}
	return v.(*Info), true
}

// Wait returns what a connected peer says of itself, and waits until it has been
// asked. Call it after a connect, not before: it returns an [*Error] with
// [ErrNotConnected] at once when there is no connection. Other errors: an
// [*Error] that says why the peer is not known, the cause of ctx, an
// [*actor.GoneError] when the service ends.
func (i *Service) Wait(ctx context.Context, id peer.ID) (*Info, error) {
	if info, ok := i.Known(id); ok && info.Protocols != nil {
		return info, nil
	}
	return call(ctx, i, func(k actor.Ask[peer.ID, *Info]) message { return wait{k} }, id)
}

// Observed returns where others see this host, what the most networks agree on
// first. It waits for the service. Errors: the cause of ctx, an
// [*actor.GoneError] when the service ends.
func (i *Service) Observed(ctx context.Context) ([]Observation, error) {
	return call(ctx, i, func(k actor.Ask[struct{}, []Observation]) message { return observations{k} }, struct{}{})
}

func call[Q, A any](ctx context.Context, i *Service, wrap func(actor.Ask[Q, A]) message, q Q) (A, error) {
	box := i.box.Load()
	if box == nil {
		var none A
		return none, &actor.GoneError{Path: "identify", Cause: actor.ErrStopped}
	}
	return actor.Call(ctx, box, wrap, q)
}

// Run is the body of the service's actor. It serves until self is told to end
// (nil), or something fails that should not: [*swarm.ProtocolTakenError] when
// there are two services of one swarm, for example.
func (i *Service) Run(self *actor.Self) error { return i.run(self, func() {}) }

// own is what this host says of itself now.
func (i *Service) own() own {
	addrs := i.swarm.Addrs()
	slices.SortStableFunc(addrs, func(a, b ma.Multiaddr) int { return int(scopeOf(b)) - int(scopeOf(a)) })
	return own{key: i.swarm.Key(), addrs: addrs, protocols: i.swarm.Protocols(), agent: i.agent}
}

// tell is the handler of [ID].
func (i *Service) tell(self *actor.Self, s *stream.Stream) error {
	now := i.own()
	if what := i.speech.Load(); what == nil || !now.sameAs(&what.own) {
		// Nobody has asked since something changed, so the message is not composed.
		// A protocol that was registered before the question belongs into the
		// answer, even if the service has not heard of it yet.
		_, err := call(self, i, func(k actor.Ask[struct{}, struct{}]) message { return refresh{k} }, struct{}{})
		if err != nil {
			return err
		}
	}
	return i.say(self, s, i.speech.Load())
}

// say writes what this host says of itself to a stream.
func (i *Service) say(self *actor.Self, s *stream.Stream, what *speech) error {
	ctx, cancel := self.WithTimeout(i.timeout)
	defer cancel()
	err := stream.WriteMessage(s.WithContext(ctx), what.marshal(s.Remote()), maxSent)
	if err != nil {
		return i.refuse(self, err)
	}
	i.told.Add(1)
	return nil
}

// refuse ends a stream on which the remote is at fault, or on which it went away:
// that is no failure of this host.
func (i *Service) refuse(self *actor.Self, why error) error {
	self.Note("refused", why)
	return stream.Refuse(codeOf(why))
}

// listen is the handler of [PushID].
func (i *Service) listen(self *actor.Self, s *stream.Stream) error {
	q := &stranger{peer: s.Peer(), local: s.Local(), remote: s.Remote()}
	a, err := call(self, i, func(k actor.Ask[*stranger, admission]) message { return pushWanted{k} }, q)
	if err != nil {
		return err
	}
	if a.conn == nil {
		return stream.Refuse(stream.CodeRateLimited)
	}
	ctx, cancel := self.WithTimeout(i.timeout)
	defer cancel()
	taken := pushTaken{admission: a, answer: i.read(s.WithContext(ctx), a.conn)}
	if err := i.box.Load().Put(self, taken); err != nil {
		return err
	}
	if taken.answer.err != nil {
		return i.refuse(self, taken.answer.err)
	}
	return nil
}

// read reads what a peer says of itself on a connection.
func (i *Service) read(s *stream.Stream, c *conn.Conn) answer {
	m, err := receive(s, c.Peer())
	if err != nil {
		return answer{err: &Error{Peer: c.Peer(), Stage: StageRead, Cause: err}}
	}
	info, fault, err := understand(m, c.Key(), c.Remote(), i.open)
	if err != nil {
		return answer{err: &Error{Peer: c.Peer(), Stage: StageCheck, Cause: err}}
	}
	return answer{info: info, fault: fault}
}

// open is the [opener] of what comes on connections.
func (i *Service) open(from peer.ID, data []byte) (*peer.SignedRecord, error) {
	return i.opened.open(i.swarm.Book().OpenRecord, from, data)
}

// ask asks the remote end of a connection what it says of itself.
func (i *Service) ask(self *actor.Self, c *conn.Conn) answer {
	ctx, cancel := self.WithTimeout(i.timeout)
	defer cancel()
	s, err := c.Open(ctx, false, ID)
	if err != nil {
		return answer{err: &Error{Peer: c.Peer(), Stage: StageOpen, Cause: err}}
	}
	a := i.read(s.WithContext(ctx), c)
	if a.err != nil {
		s.Reset(codeOf(a.err))
		return a
	}
	s.Close()
	return a
}

// push tells the remote end of a connection what this host says of itself. It
// does not open lazily: js-libp2p misses the end of a stream that comes before
// the protocol is agreed.
func (i *Service) push(self *actor.Self, c *conn.Conn, what *speech) error {
	ctx, cancel := self.WithTimeout(i.timeout)
	defer cancel()
	s, err := c.Open(ctx, false, PushID)
	if err != nil {
		return err
	}
	if err := stream.WriteMessage(s.WithContext(ctx), what.marshal(c.Remote()), maxSent); err != nil {
		s.Reset(stream.CodeNone)
		return err
	}
	i.told.Add(1)
	return s.Close()
}
