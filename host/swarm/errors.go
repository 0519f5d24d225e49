package swarm

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	ma "github.com/multiformats/go-multiaddr"

	"github.com/troupe-p2p/troupe/conn"
	"github.com/troupe-p2p/troupe/negotiate"
	"github.com/troupe-p2p/troupe/negotiate/peer"
	"github.com/troupe-p2p/troupe/transport"
)

// The causes of a [*DialError] in which no address was to blame.
var (
	// ErrSelf: the peer is this host. It is also the reason that a connection
	// with ourselves is closed with.
	ErrSelf = errors.New("this is the host's own peer ID: give it the ID of somebody else")
	// ErrNoAddresses: nobody has said where the peer can be reached.
	ErrNoAddresses = errors.New("no address of the peer is known: connect with one, or teach the address book")
	// ErrUnreachable: every address was tried or ruled out; the attempts say why.
	ErrUnreachable = errors.New("no address worked")
	// ErrDialTimeout: the time for the whole dial was over.
	ErrDialTimeout = errors.New("the time for the dial was over before an address worked")
	// ErrAbandoned: everybody who waited for the dial has left.
	ErrAbandoned = errors.New("nobody waits for the connection any more")
)

// The reasons that the swarm closes connections with.
var (
	// ErrSuperseded: several addresses of one peer worked, and another was first.
	ErrSuperseded = errors.New("swarm: another connection of the same dial was first")
	// ErrTooManyOfPeer: the peer has as many connections as Limits.PerPeer allows.
	ErrTooManyOfPeer = errors.New("swarm: too many connections with one peer")
)

// Stage is how far an attempt to reach an address came. After [StageDial] follow
// those of package conn, by their names.
type Stage string

// The stages of an attempt.
const (
	StageNotTried Stage = "not tried"
	StageResolve  Stage = "resolve the name"
	StageDial     Stage = "open the link"
	StageUpgrade  Stage = "upgrade the link"

	StageNegotiateSecurity = Stage(conn.StageNegotiateSecurity)
	StageSecure            = Stage(conn.StageSecure)
	StageNegotiateMuxer    = Stage(conn.StageNegotiateMuxer)
)

// An Attempt is what became of one address in a dial that failed.
type Attempt struct {
	Addr  ma.Multiaddr
	Stage Stage
	Took  time.Duration // 0 when it was not tried
	Err   error         // for example a *transport.DialError, a *conn.UpgradeError or a *BackoffError
}

// A DialError is why a peer could not be reached: each of its addresses with the
// stage it came to and the cause. Cause is one of ErrSelf, ErrNoAddresses,
// ErrUnreachable, ErrDialTimeout and ErrAbandoned.
type DialError struct {
	Peer     peer.ID
	Cause    error
	Attempts []Attempt // in the order of the addresses' ranks
}

func (e *DialError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "connect to %s: %v", e.Peer.Short(), e.Cause)
	sep := ": "
	if len(e.Attempts) > 1 {
		sep = "\n  - "
	}
	for _, a := range e.Attempts {
		fmt.Fprintf(&b, "%s%s: %s", sep, a.Addr, a.Stage)
		if took := a.Took.Round(time.Millisecond); took > 0 {
			fmt.Fprintf(&b, " (%v)", took)
		}
		b.WriteString(": " + bare(a.Err))
	}
	if hint := e.hint(); hint != "" {
		if len(e.Attempts) > 1 {
			b.WriteString("\n ")
		}
		b.WriteString(" (" + hint + ")")
	}
	return b.String()
}

// bare leaves out what the list of attempts says already: the address, the stage
// and the peer that is dialed.
func bare(err error) string {
	var upgrade *conn.UpgradeError
	var dial *transport.DialError
	var resolve *transport.ResolveError
	var mismatch *peer.MismatchError
	var none *NoTransportError
	var backoff *BackoffError
	switch {
	case errors.As(err, &backoff):
		return backoff.Error()
	case errors.As(err, &mismatch):
		return "the peer there is " + mismatch.Got.String()
	case errors.As(err, &upgrade) && upgrade.Received == 0:
		return "the remote never sent a byte (is it a libp2p node?)"
	case errors.As(err, &upgrade):
		return upgrade.Cause.Error()
	case silent(err):
		return "no answer"
	case errors.As(err, &none):
		return none.why()
	case errors.As(err, &dial):
		return dial.Cause.Error()
	case errors.As(err, &resolve):
		return resolve.Cause.Error()
	}
	return err.Error()
}

// hint says what to do when all attempts failed alike.
func (e *DialError) hint() string {
	if len(e.Attempts) == 0 {
		return ""
	}
	var mismatch *peer.MismatchError
	var backoff *BackoffError
	var none *NoTransportError
	all := func(is func(error) bool) bool {
		for _, a := range e.Attempts {
			if !is(a.Err) {
				return false
			}
		}
		return true
	}
	switch {
	case all(func(err error) bool { return errors.As(err, &mismatch) }):
		return "somebody else answers there: is the peer ID right, or has the node got a new key?"
	case all(func(err error) bool { return errors.As(err, &backoff) }):
		return "connect with an address to try at once"
	case all(func(err error) bool { return errors.As(err, &none) }):
		return "give the host one of these transports, or dial another address"
	case all(refused):
		return "is the node running, and are address and port right?"
	case all(silent):
		return "nobody answered: is the node running, and does a firewall let it be reached?"
	}
	return ""
}

func refused(err error) bool { return errors.Is(err, transport.ErrRefused) }

func silent(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// Unwrap returns the cause and the errors of all attempts.
func (e *DialError) Unwrap() []error {
	all := []error{e.Cause}
	for _, a := range e.Attempts {
		if a.Err != nil {
			all = append(all, a.Err)
		}
	}
	return all
}

// A BackoffError is why an address was not tried: it failed a moment ago. A
// Connect that names addresses tries at once all the same.
type BackoffError struct {
	Until    time.Time     // when it will be tried again
	Left     time.Duration // that is, from the moment of the error
	Failures int           // in a row
	Last     error         // why it failed
}

func (e *BackoffError) Error() string {
	times := fmt.Sprintf("%d times in a row", e.Failures)
	if e.Failures == 1 {
		times = "a moment ago"
	}
	return fmt.Sprintf("it failed %s and is left alone for %v more; the last time: %s", times, e.Left.Round(time.Second), bare(e.Last))
}

// Unwrap returns the last failure.
func (e *BackoffError) Unwrap() error { return e.Last }

// A NoTransportError is why an address is of no use to this host: none of its
// transports understands it.
type NoTransportError struct {
	Addr ma.Multiaddr
	Have []string // the names of the transports that are there
}

func (e *NoTransportError) Error() string { return fmt.Sprintf("%s: %s", e.Addr, e.why()) }

func (e *NoTransportError) why() string {
	if len(e.Have) == 0 {
		return "this host has no transports at all"
	}
	return "none of this host's transports understands it: it has " + strings.Join(e.Have, ", ")
}

// A ProtocolTakenError says that a protocol has a handler already. A protocol
// belongs to one actor at a time.
type ProtocolTakenError struct {
	Protocol negotiate.Protocol
	Owner    string // the path of the actor that it belongs to
	Wanted   string // the path of the actor that wanted it too
}

func (e *ProtocolTakenError) Error() string {
	return fmt.Sprintf("%s wants to handle %s, but it belongs to %s: choose another name, or end that one first",
		e.Wanted, e.Protocol, e.Owner)
}

// A HandlerGoneError is why streams are reset when the actor that handles their
// protocol ends. Cause is why it was told to end; nil when it ended by itself or
// failed, which the tree shows.
type HandlerGoneError struct {
	Protocol negotiate.Protocol
	Owner    string
	Cause    error
}

func (e *HandlerGoneError) Error() string {
	text := fmt.Sprintf("%s, which handles %s, has ended", e.Owner, e.Protocol)
	if e.Cause != nil {
		text += ": " + e.Cause.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *HandlerGoneError) Unwrap() error { return e.Cause }
