package transporttest

import (
	"context"
	"errors"
	"fmt"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/actor"
	"github.com/troupe-p2p/troupe/transport"
)

// Patience is after how long a call counts as hanging. No transport that works
// comes near it; how long calls take is not checked.
const Patience = time.Minute

// ends is what a check works with: the actor that runs it, the transport, and a
// listener. What it has opened is closed when the check returns, so that its
// children end too.
type ends struct {
	*actor.Self
	world     World
	transport transport.Transport
	at        ma.Multiaddr
	listener  transport.Listener
	links     []transport.Link
	passed    time.Duration // that the check has let pass on purpose
}

func (e *ends) listen() (err error) {
	if !e.transport.CanListen(e.at) {
		return fmt.Errorf("CanListen(%s) is false", e.at)
	}
	e.listener, err = e.transport.Listen(e, e.at)
	return err
}

func (e *ends) close() {
	for _, link := range e.links {
		link.Close()
	}
	if e.listener != nil {
		e.listener.Close()
	}
}

// target is the address that is listened at.
func (e *ends) target() (ma.Multiaddr, error) {
	addrs := e.listener.Addrs()
	if len(addrs) == 0 {
		return nil, errors.New("the listener has no address")
	}
	if !e.transport.CanDial(addrs[0]) {
		return nil, fmt.Errorf("CanDial(%s) is false, which is listened at", addrs[0])
	}
	return addrs[0], nil
}

// dial opens a link to the listener. The caller closes it.
func (e *ends) dial(ctx context.Context) (transport.Link, error) {
	to, err := e.target()
	if err != nil {
		return transport.Link{}, err
	}
	ctx, cancel := actor.WithTimeout(ctx, Patience)
	defer cancel()
	link, err := e.transport.Dial(ctx, to, "")
	return patient(ctx, link, err)
}

// accept takes the next link of the listener. The caller closes it.
func (e *ends) accept(ctx context.Context) (transport.Link, error) {
	ctx, cancel := actor.WithTimeout(ctx, Patience)
	defer cancel()
	link, err := e.listener.Accept(ctx)
	return patient(ctx, link, err)
}

// patient checks that a new link is a pipe, and puts an end to all that will
// hang on it.
func patient(ctx context.Context, link transport.Link, err error) (transport.Link, error) {
	if err != nil {
		return transport.Link{}, err
	}
	if link.Pipe == nil {
		return transport.Link{}, errors.New("the link has no pipe")
	}
	return link, link.Pipe.SetDeadline(actor.Now(ctx).Add(Patience))
}

// connect returns the two ends of a new link: the dialer's and the listener's.
// They are closed at the end of the check.
func (e *ends) connect() (here, there transport.Link, err error) {
	if here, err = e.dial(e); err != nil {
		return here, there, err
	}
	e.links = append(e.links, here)
	if there, err = e.accept(e); err != nil {
		return here, there, err
	}
	e.links = append(e.links, there)
	return here, there, nil
}

// A task is something that runs beside the check.
type task struct {
	ref  *actor.Ref
	self *actor.Self
}

// begin runs f in a child whose failure is reported by wait.
func (e *ends) begin(name string, f actor.Func) task {
	return task{e.Supervise(name, actor.Restart{When: actor.Never}, f), e.Self}
}

// wait returns what the task has returned.
func (t task) wait() error {
	if err := t.ref.Wait(t.self); err != nil {
		return err
	}
	return t.ref.Err()
}

// waitAll returns the failures of all tasks.
func waitAll(tasks []task) error {
	var failures []error
	for _, t := range tasks {
		failures = append(failures, t.wait())
	}
	return errors.Join(failures...)
}

// settle lets the children run until they wait, where the world can tell.
func (e *ends) settle() {
	if e.world.settle != nil {
		e.world.settle(e.Self)
	}
}

// waited is a context that tells when somebody has begun to wait for its end.
type waited struct {
	context.Context
	begun actor.Signal
}

// Done is what waits are made of.
func (w waited) Done() <-chan struct{} {
	w.begun.Set()
	return w.Context.Done()
}

// awaitWaits returns when all of the contexts are waited for, where the world
// can tell or they tell themselves.
func (e *ends) awaitWaits(contexts []waited) error {
	if e.world.settle != nil {
		e.settle()
		return nil
	}
	for _, w := range contexts {
		if err := w.begun.Wait(e, e.Now().Add(Patience)); err != nil {
			return fmt.Errorf("nobody waits for the end of the context: %w", err)
		}
	}
	return nil
}

// difference says where two runs part.
func difference(run int, first, steps []actor.Step) string {
	for i := range min(len(first), len(steps)) {
		if first[i] != steps[i] {
			return fmt.Sprintf("run %d: step %d was %v at first and %v now", run, i, first[i], steps[i])
		}
	}
	return fmt.Sprintf("run %d took %d steps, the first one %d", run, len(steps), len(first))
}
