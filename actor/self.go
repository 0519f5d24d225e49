package actor

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// A Func is an actor's body: one goroutine, from its first line to its return.
// nil is a normal end, an error is a failure. Returning because self is done,
// with whatever error, is the orderly end that was asked for.
type Func func(self *Self) error

// Self is what an actor knows about itself, in one incarnation: a restarted
// actor gets a new one. It is the actor's context: done when the actor is told
// to end, with the reason as its cause. Its methods may be called from any
// goroutine unless they say otherwise.
type Self struct {
	context.Context
	cancel context.CancelCauseFunc
	node   *node
	number int // of the incarnation, from 0

	mu       sync.Mutex
	children children
	group    *group
	failure  error // the first failure of the fate group
	bodyDone latch
	hooks    *hooks
	box      box
	below    context.Context // what the children's contexts are made from
	chance   *chance
	alarm    timer  // reports who is late
	sim      *waits // in a simulation: whom its end wakes

	sealed bool // no child may start any more
	closed bool // the body has returned, and the hooks of OnEnd have been called
	alone  bool // told to end with nobody to stop its parts but itself
	joined bool // everybody below has ended
	serves bool // the body has ended in Serve; the actor's own

	emptied parking     // woken when nobody is below any more; nil: nobody waits for that
	engine  atomic.Bool // never waits for another actor
}

// hooks are what an actor registered with OnStop and OnEnd.
type hooks struct {
	stop, end []func()
	first     [1]func()  // room of end: most register no more
	calling   sync.Mutex // held while those of stop are called
}

// chance are an actor's sources of randomness, made when asked for.
type chance struct {
	rand    *rand.Rand
	entropy io.Reader
}

func newSelf(n *node, number int) *Self {
	s := &Self{node: n, number: number}
	base := n.system.base
	if n.parent != nil {
		base = n.parent.below
	}
	s.Context, s.cancel = context.WithCancelCause(base)
	return s
}

type selfKey struct{}

// Value returns the actor itself for the runtime's own key, and otherwise what
// the context the tree was started with holds.
func (s *Self) Value(key any) any {
	if _, ok := key.(selfKey); ok {
		return s
	}
	return s.Context.Value(key)
}

// selfOf returns the actor that ctx belongs to, or nil.
func selfOf(ctx context.Context) *Self {
	if s, ok := ctx.(*Self); ok {
		return s
	}
	s, _ := ctx.Value(selfKey{}).(*Self)
	return s
}

func carrierOf(ctx context.Context) carrier {
	if o, ok := ctx.(*outside); ok {
		return o.carrier
	}
	if s := selfOf(ctx); s != nil {
		return s.node.system.carrier
	}
	if o, ok := ctx.Value(outsideKey{}).(*outside); ok {
		return o.carrier
	}
	return goroutines{}
}

// Outside returns a context that never ends and belongs to no actor, on the
// clock of the actor that ctx belongs to: for handles that one actor makes and
// others use.
func Outside(ctx context.Context) context.Context {
	if _, is := ctx.(*outside); is {
		return ctx
	}
	return &outside{context.Background(), carrierOf(ctx)}
}

type outside struct {
	context.Context
	carrier carrier
}

type outsideKey struct{}

// Value returns the context itself for the runtime's own key.
func (o *outside) Value(key any) any {
	if _, ok := key.(outsideKey); ok {
		return o
	}
	return nil
}

// Path returns the actor's place in the tree, for example
// "host/swarm/conn-12D3KooW…/stream-7".
func (s *Self) Path() string { return s.node.path() }

// Name returns the last part of the path.
func (s *Self) Name() string { return s.node.name }

// Restarts is how many incarnations came before this one.
func (s *Self) Restarts() int { return s.number }

// Now returns the time: virtual in a simulation.
func (s *Self) Now() time.Time { return s.node.system.carrier.now() }

// Sleep waits for d, or until the actor is told to end; then it returns the cause.
func (s *Self) Sleep(d time.Duration) error {
	defer s.node.waiting(nil)
	s.node.waiting(waitsForSleep)
	c := s.node.system.carrier
	c.parking().wait(s, c.now().Add(d))
	return context.Cause(s)
}

// Yield lets others run who are ready to, once, before it returns. An actor that
// is about to do something costly with what it has been sent so far calls it:
// those who are about to send more come first. It waits for nobody.
func (s *Self) Yield() { s.node.system.carrier.yield() }

// WithTimeout returns a context of this actor that ends after d, with
// [context.DeadlineExceeded] as its cause. Call the cancel function when done.
func (s *Self) WithTimeout(d time.Duration) (context.Context, context.CancelFunc) {
	return WithTimeout(s, d)
}

// WithTimeout is context.WithTimeout on the clock of the actor that ctx belongs
// to: virtual in a simulation.
func WithTimeout(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if sched := carrierOf(ctx).simulator(); sched != nil {
		return sched.withTimeout(ctx, d)
	}
	return context.WithTimeout(ctx, d)
}

// Rand returns the actor's own source of chance, for jitter and choices: seeded
// by the system in production, by seed and path in a simulation. Only the actor
// itself may use it. Keys come from [Entropy].
func (s *Self) Rand() *rand.Rand {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.source()
	if c.rand == nil {
		c.rand = s.node.system.carrier.random(s.sourceName())
	}
	return c.rand
}

// source is called with mu held.
func (s *Self) source() *chance {
	if s.chance == nil {
		s.chance = &chance{}
	}
	return s.chance
}

func (s *Self) sourceName() string { return fmt.Sprintf("%s#%d", s.node.path(), s.number) }

// Now returns the time of the actor that ctx belongs to, virtual inside a
// simulation, and the real time for any other context.
func Now(ctx context.Context) time.Time { return carrierOf(ctx).now() }

// Entropy returns the randomness that keys and handshakes of the actor that ctx
// belongs to are made from: reproducible from the seed inside a simulation,
// crypto/rand otherwise. Reading it never blocks and never fails.
func Entropy(ctx context.Context) io.Reader {
	s := selfOf(ctx)
	if s == nil {
		return goroutines{}.entropy("")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.source()
	if c.entropy == nil {
		c.entropy = s.node.system.carrier.entropy(s.sourceName())
	}
	return c.entropy
}

// AfterDone arranges for f to be called once, soon after ctx is done, outside of
// any actor; f must not wait. Calling stop prevents that; stop reports whether
// it came in time. It is context.AfterFunc, also inside a simulation.
func AfterDone(ctx context.Context, f func()) (stop func() bool) {
	return carrierOf(ctx).afterDone(ctx, f)
}

// AfterFunc calls f once, d from now on the clock of the actor that ctx belongs
// to, outside of any actor; f must not wait. Use [After] for a message.
func AfterFunc(ctx context.Context, d time.Duration, f func()) Timer {
	return Timer{carrierOf(ctx).after(d, f)}
}

// OnStop has f called when the actor is told to end, so that a wait outside of
// the runtime returns: a socket's deadline set into the past, a file closed. f
// must not wait; it may be called from any goroutine. If the actor has been told
// already, f is called at once; if its body has returned, never. A panic in f is
// the actor's failure.
func (s *Self) OnStop(f func()) {
	s.mu.Lock()
	if s.Err() == nil {
		h := s.hook()
		h.stop = append(h.stop, f)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	f()
}

// OnEnd has f called when this incarnation's body has returned, however it
// ended: the place to take back what the actor registered elsewhere. The last
// one registered is called first, after all of [Self.OnStop] if the actor is told
// to end; f must not wait. If the body has already
// returned, f is called at once. A panic in f is the actor's failure.
func (s *Self) OnEnd(f func()) {
	s.mu.Lock()
	if !s.closed {
		h := s.hook()
		h.end = append(h.end, f)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	f()
}

// hook is called with mu held.
func (s *Self) hook() *hooks {
	if s.hooks == nil {
		s.hooks = &hooks{}
		s.hooks.end = s.hooks.first[:0]
	}
	return s.hooks
}

// NeverWaits declares that this actor is part of the engine: it waits only in
// its own mailbox and for its own sockets. From then on a [Mailbox.Put] or
// [Call] by it fails at once with a [*WaitError], even when there is room.
func (s *Self) NeverWaits() { s.engine.Store(true) }

// State says in a word or two what the actor is doing; it is shown in the tree.
func (s *Self) State(state string) { s.node.setState(state) }

// Note puts a detail into the tree, formatted now; the same key replaces it.
func (s *Self) Note(key string, value any) { s.node.setNote(key, fmt.Sprint(value)) }

// Gauge puts a number into the tree that is read when somebody looks. read is
// called from other goroutines, must not wait, and must be safe to call after
// the actor has ended.
func (s *Self) Gauge(key string, read func() int64) { s.node.addGauge(key, read) }

// A Gauger has several gauges: for actors of which there are many.
type Gauger interface {
	// Gauges calls show for each of them, under the rules of [Self.Gauge].
	Gauges(show func(key string, value int64))
}

// Gauges puts the numbers of g into the tree, after those of [Self.Gauge].
func (s *Self) Gauges(g Gauger) { s.node.setGauger(g) }

// Tree returns the actor with everything below it, as it is now.
func (s *Self) Tree() Node { return s.node.snapshot() }

// Ref returns the reference by which others see this actor.
func (s *Self) Ref() *Ref { return &s.node.ref }

// end tells the body to end: once, with the first cause.
func (s *Self) end(cause error) {
	s.mu.Lock()
	if s.Err() != nil {
		s.mu.Unlock()
		return
	}
	s.cancel(cause)
	var h *hooks
	if s.hooks != nil && len(s.hooks.stop) > 0 && !s.closed {
		h = s.hooks
		h.calling.Lock()
	}
	b := s.box
	s.mu.Unlock()
	if h != nil {
		s.runOnStop(h)
	}
	if b != nil {
		b.stop(cause)
	}
	s.node.system.carrier.cancelled(s)
}

// runOnStop calls the hooks of [Self.OnStop] and unlocks them.
func (s *Self) runOnStop(h *hooks) {
	defer h.calling.Unlock()
	for _, f := range h.stop {
		if err := s.node.system.protect(f); err != nil {
			exit := s.node.explained(err)
			s.node.system.failed(s.node, exit)
			s.fail(exit)
		}
	}
}

// settle waits for those who still call the hooks of a stop.
func (h *hooks) settle() {
	h.calling.Lock()
	defer h.calling.Unlock()
}
