package actor

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrStopped is the cause an actor sees when it is told to end in order and
// nobody gave a better reason.
var ErrStopped = errors.New("actor: told to stop")

// ErrGoexit is the failure of an actor whose goroutine was ended by
// runtime.Goexit, as t.FailNow does. The actor is not restarted, because its
// goroutine is gone; the failure is its supervisor's at once.
var ErrGoexit = errors.New("actor: the goroutine was ended with runtime.Goexit")

// An ExitError is why an actor ended badly, with its path. It is added once, by
// the actor that failed; ancestors that fail with it pass it on unchanged.
type ExitError struct {
	Path string
	Err  error
}

func (e *ExitError) Error() string { return e.Path + ": " + e.Err.Error() }

// Unwrap returns the actor's own error.
func (e *ExitError) Unwrap() error { return e.Err }

// A PanicError is a panic of an actor's body, turned into its failure.
type PanicError struct {
	Value any    // what was given to panic
	Stack []byte // of the goroutine at the place of the panic
}

func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Unwrap returns the panic's value if that was an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// A BudgetError says that a supervised actor failed too often: more than Max
// restarts within the period. Err is its last failure.
type BudgetError struct {
	Path   string
	Max    int
	Within time.Duration
	Err    error
}

func (e *BudgetError) Error() string {
	return fmt.Sprintf("more than %d restarts within %v; the last failure: %v", e.Max, e.Within, e.Err)
}

// Unwrap returns the last failure.
func (e *BudgetError) Unwrap() error { return e.Err }

// An OverdueError names the actors that were told to stop and have not ended
// within their grace. They are still running: nothing in Go can end a goroutine
// from outside. They stay in the tree until they end.
type OverdueError struct {
	Overdue []Overdue
	Cause   error // the failure that ended the tree, nil after a stop
}

// Unwrap returns the failure that ended the tree.
func (e *OverdueError) Unwrap() error { return e.Cause }

// Overdue is one actor that did not stop in time.
type Overdue struct {
	Path  string
	State string        // what it last said of itself, and what it waits for
	Grace time.Duration // what it was given
	Stack string        // where its goroutine stands, if that could be found
}

func (e *OverdueError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "actor: %d did not stop in time:", len(e.Overdue))
	for _, o := range e.Overdue {
		fmt.Fprintf(&b, " %s (grace %v", o.Path, o.Grace)
		if o.State != "" {
			fmt.Fprintf(&b, ", %s", o.State)
		}
		b.WriteString(")")
	}
	return b.String()
}

// A GoneError is the answer to a message for an actor that has ended. Cause is
// why it ended, nil after a normal end.
type GoneError struct {
	Path  string
	Cause error
}

func (e *GoneError) Error() string {
	if e.Cause == nil {
		return e.Path + " has ended"
	}
	return fmt.Sprintf("%s has ended: %v", e.Path, e.Cause)
}

// Unwrap returns why the actor ended.
func (e *GoneError) Unwrap() error { return e.Cause }

// A CycleError says that waiting would never end: each actor of Paths waits for
// room in the mailbox of the next one, or for its answer, and the last one for
// the first. It is returned to the actor whose wait would have closed the cycle.
type CycleError struct{ Paths []string }

func (e *CycleError) Error() string {
	return "actor: a cycle of waiting sends: " + strings.Join(e.Paths, " -> ")
}

// A WaitError says that an actor that promised never to wait for another one
// ([Self.NeverWaits]) tried to. It is a mistake in the program.
type WaitError struct{ Path, On string }

func (e *WaitError) Error() string {
	return fmt.Sprintf("actor: %s never waits for another actor, but was about to wait for %s; use TryPut", e.Path, e.On)
}

// A DeadlockError ends a simulation in which nothing can happen any more while
// actors still wait. Each line names an actor and what it waits for.
type DeadlockError struct{ Waiting []string }

func (e *DeadlockError) Error() string {
	return "actor: deadlock, nothing can happen any more:\n  " + strings.Join(e.Waiting, "\n  ")
}

// A LivelockError ends a simulation whose actors go on and on without the time
// moving. It names those that could run.
type LivelockError struct {
	At     time.Duration // since the start
	Actors []string
}

func (e *LivelockError) Error() string {
	return fmt.Sprintf("actor: livelock, a million steps at %v without waiting for time: %s", e.At, strings.Join(e.Actors, ", "))
}

// A LeakError says that the tree of a simulation has ended and actors of other
// machines have not. Each line names one and what it waits for.
type LeakError struct{ Actors []string }

func (e *LeakError) Error() string {
	return "actor: the simulation is over, and these have not ended:\n  " + strings.Join(e.Actors, "\n  ")
}

// A HorizonError ends a simulation that has taken more virtual time than it may.
// Each line names an actor of its tree and what it waits for.
type HorizonError struct {
	Horizon time.Duration
	Waiting []string
}

func (e *HorizonError) Error() string {
	return fmt.Sprintf("actor: the simulation is not over after %v:\n  %s", e.Horizon, strings.Join(e.Waiting, "\n  "))
}

// errTooFast is a mistake of the network: the look-ahead was a promise.
var errTooFast = errors.New("actor: something crossed between machines faster than the look-ahead")
