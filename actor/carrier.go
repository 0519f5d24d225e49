package actor

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"golang.org/x/sync/errgroup"
)

// A carrier is what actors run on: the seam between the one piece of code that
// supervises, and goroutines with the real clock (production) or a seeded
// scheduler with a virtual one (simulation).
//
// Park and wake are the [parking]s it makes. Mailboxes and asks use Go channels
// directly in production, where a parking would cost a second hop.
type carrier interface {
	// spawn starts run as one more member of g: the actor n itself, or, with a
	// role, a helper that does something for it.
	spawn(g *group, n *node, role string, run func() error)
	// join waits until every member of g has ended and returns the first error
	// one of them returned.
	join(g *group) error
	// now is the time.
	now() time.Time
	// after calls f once, d from now, outside of any actor; f must not wait.
	after(d time.Duration, f func()) timer
	// afterDone calls f once when ctx is done, outside of any actor.
	afterDone(ctx context.Context, f func()) (stop func() bool)
	// yield lets others run first who are ready to.
	yield()
	// parking makes a place to wait at.
	parking() parking
	// signal is a parking with what is waited for there.
	signal(what string) Signal
	// cancelled tells that the context of one of this carrier's actors has just
	// ended, and those made from it.
	cancelled(*Self)
	// random and entropy make an actor's sources, given a name that is unique
	// to the actor and its incarnation.
	random(name string) *rand.Rand
	entropy(name string) io.Reader
	// simulator is nil in production.
	simulator() *Island
}

// A timer can be stopped and set again; a stopped one does not fire.
type timer interface {
	Stop() bool
	Reset(d time.Duration) bool
}

// A parking is a place where at most a few wait for a wake. A wake that finds
// nobody is kept, once.
type parking interface {
	wake()
	// wait returns nil when woken, the cause of ctx when that is done, and
	// [os.ErrDeadlineExceeded] after until, if until is not zero.
	wait(ctx context.Context, until time.Time) error
}

// A group is the fate group of one incarnation: its members are started,
// joined, and the first error that one of them escalates is kept. In production
// that is exactly what an errgroup.Group does; order and deadlines are not its
// business.
type group struct {
	goroutines errgroup.Group // production
	members    int            // simulation
	first      error
	empty      parking
}
