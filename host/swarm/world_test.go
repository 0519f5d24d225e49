package swarm

import (
	"context"
	"net/netip"
	"sync"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// pause waits for d on the clock of ctx, or until ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	err := actor.NewSignal(ctx, "a pause").Wait(ctx, actor.Now(ctx).Add(d))
	if ctx.Err() != nil {
		return err
	}
	return nil
}

// slow is a transport that takes its time with some addresses, and notes when it
// was asked for which.
type slow struct {
	transport.Transport
	delays map[string]time.Duration // by address; a negative one lasts until release
	deaf   bool                     // to the end of the context

	mu    sync.Mutex
	began time.Time
	log   []string
	held  []actor.Signal
}

// release ends all the waits that have no end of their own, at the same moment:
// what follows from them happens in any order.
func (t *slow) release() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.held {
		s.Set()
	}
}

// hold waits for release, or for the end of ctx.
func (t *slow) hold(ctx context.Context) error {
	s := actor.NewSignal(ctx, "its release")
	t.mu.Lock()
	t.held = append(t.held, s)
	t.mu.Unlock()
	return s.Wait(ctx, time.Time{})
}

// CanDial adds /ip4/…/tcp/… to what can be dialed; nobody is there.
func (t *slow) CanDial(to ma.Multiaddr) bool {
	_, tcp := transport.TCP(to)
	return tcp || t.Transport.CanDial(to)
}

func (t *slow) note(ctx context.Context, what string, to ma.Multiaddr) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.log = append(t.log, actor.Now(ctx).Sub(t.began).String()+" "+what+" "+to.String())
}

func (t *slow) Dial(ctx context.Context, to ma.Multiaddr, want peer.ID) (transport.Link, error) {
	t.note(ctx, "dial", to)
	if t.deaf {
		ctx = context.WithoutCancel(ctx)
	}
	wait := func() error { return t.hold(ctx) }
	if d := t.delays[to.String()]; d >= 0 {
		wait = func() error { return pause(ctx, d) }
	}
	if err := wait(); err != nil {
		t.note(ctx, "cancelled", to)
		return transport.Link{}, &transport.DialError{Addr: to, Cause: err}
	}
	if _, tcp := transport.TCP(to); tcp {
		return transport.Link{}, &transport.DialError{Addr: to, Cause: transport.ErrRefused}
	}
	return t.Transport.Dial(ctx, to, want)
}

// slowly gives a node a slow transport.
func (w *world) slowly(delays map[string]time.Duration) (*slow, func(*Config)) {
	t := &slow{delays: delays, began: w.self.Now()}
	return t, func(c *Config) {
		t.Transport = c.Transports[0]
		c.Transports = []transport.Transport{t}
	}
}

// sourced is a transport whose listeners see links come from elsewhere.
type sourced struct {
	transport.Transport

	mu      sync.Mutex
	remotes []string
}

type sourcedListener struct {
	transport.Listener
	t *sourced
}

func (t *sourced) Listen(ctx context.Context, at ma.Multiaddr) (transport.Listener, error) {
	l, err := t.Transport.Listen(ctx, at)
	return &sourcedListener{l, t}, err
}

func (l *sourcedListener) Accept(ctx context.Context) (transport.Link, error) {
	link, err := l.Listener.Accept(ctx)
	l.t.mu.Lock()
	defer l.t.mu.Unlock()
	if err == nil {
		link.Remote = ma.StringCast(l.t.remotes[0])
		l.t.remotes = l.t.remotes[1:]
	}
	return link, err
}

// set replaces what is seen.
func (t *sourced) set(remotes ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remotes = remotes
}

// detour is a transport that reaches /memory/… for every other address, when it is
// open.
type detour struct {
	transport.Transport
	to   string
	open *bool
}

func (t *detour) Dial(ctx context.Context, to ma.Multiaddr, want peer.ID) (transport.Link, error) {
	if *t.open {
		to = ma.StringCast(t.to)
	}
	return t.Transport.Dial(ctx, to, want)
}

// zone is a resolver that knows one name.
type zone map[string][]string

func (z zone) LookupNetIP(_ context.Context, _, host string) ([]netip.Addr, error) {
	var out []netip.Addr
	for _, text := range z[host] {
		out = append(out, netip.MustParseAddr(text))
	}
	return out, nil
}

// together runs n actors at the same time and waits for all.
func (w *world) together(n int, f func(self *actor.Self, i int) error) []error {
	errs := make([]error, n)
	refs := make([]*actor.Ref, n)
	for i := range n {
		refs[i] = w.self.Supervise("one of many", actor.Restart{}, func(self *actor.Self) error {
			errs[i] = f(self, i)
			return nil
		})
	}
	for _, r := range refs {
		w.must(r.Wait(w.self))
	}
	return errs
}

// yield lets others go first, n times.
func yield(self *actor.Self, n int) {
	for range n {
		nothing := self.Supervise("nothing", actor.Restart{}, func(*actor.Self) error { return nil })
		nothing.Wait(self)
	}
}

// raw listens at a fresh address, accepts, and hands each link to serve.
func (w *world) raw(serve func(self *actor.Self, link transport.Link)) ma.Multiaddr {
	l, err := w.net.Transport().Listen(w.self, ma.StringCast("/memory/0"))
	w.must(err)
	ref := w.self.Supervise("raw", actor.Restart{}, func(self *actor.Self) error {
		for {
			link, err := l.Accept(self)
			if err != nil {
				return nil
			}
			self.Supervise("link", actor.Restart{}, func(self *actor.Self) error {
				defer link.Close()
				self.OnStop(func() { link.Close() })
				serve(self, link)
				return nil
			})
		}
	})
	w.nodes = append(w.nodes, &node{ref: ref})
	return l.Addrs()[0]
}

// never waits until self is told to end.
func never(self *actor.Self, _ transport.Link) {
	_ = actor.NewSignal(self, "its end").Wait(self, time.Time{})
}

// sleep lets virtual time pass.
func (w *world) sleep(d time.Duration) {
	w.Helper()
	w.must(w.self.Sleep(d))
}
